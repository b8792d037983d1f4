"""Slugs of experiments are an organization's own: nobody is told of another's, nor kept from using the same."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import Membership, User
from accounts.tests.factories import NOW, bearer, make_member, make_superuser
from analytics.models import Experiment, ExperimentRefusal, Exposure
from analytics.tests.experiments import make_experiment, said, tell
from common.audit.models import AuditEntry
from events.tests.factories import make_event

pytestmark = pytest.mark.django_db

URL = "/api/v1/ab-tests"
BODY = {
    "slug": "button", "name": "Button color", "variants": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}],
}  # fmt: skip
_RESULTS = "query($id: ID!) { abTestResults(testId: $id) { testId totalImpressions } }"


@pytest.fixture
def ours() -> Experiment:
    """Our running experiment."""
    return make_experiment(running=True, slug="button-ours")


@pytest.fixture
def theirs(ours: Experiment) -> Experiment:
    """A rival's, of the same slug."""
    made = make_experiment(slug="button-theirs")
    Experiment.objects.filter(pk=made.pk).update(slug=ours.slug)
    made.refresh_from_db()
    return made


def call(user: User, method: str, path: str, body: Any = None) -> Any:
    """Call a door of experiments."""
    more = {} if method == "get" else {"content_type": "application/json"}
    return getattr(Client(headers=bearer(user)), method)(f"{URL}{path}", body or {}, **more)


def member(experiment: Experiment, role: str) -> User:
    """Return a member of its organization."""
    return make_member(role, organization=experiment.event.organization)


def test_another_organization_may_use_the_same_slug() -> None:
    """REQ AN-08, EV-03: a rival's slug is neither taken nor told; one's own is taken, and nothing is written."""
    made = [make_event(), make_event()]
    for event in made:
        staff = make_member("staff", organization=event.organization)
        body = {**BODY, "event_id": str(event.pk)}
        assert call(staff, "post", "", body).status_code == 201
        refused = call(staff, "post", "", body)
        assert [(one["field"], one["code"]) for one in refused.json()["errors"]] == [("slug", "taken")]
        assert call(staff, "get", "/button").json()["event_id"] == str(event.pk)
    assert Experiment.objects.filter(slug="button").count() == 2
    other = make_event(organization=made[0].organization)
    staff = make_member("staff", organization=other.organization)
    assert call(staff, "post", "", {**BODY, "event_id": str(other.pk)}).status_code == 400
    with pytest.raises(IntegrityError, match="experiment_slug_once"), transaction.atomic():
        make_experiment(other, slug="free").__class__.objects.filter(slug="free").update(slug="button")
    assert Experiment.objects.filter(slug="button").count() == 2


def test_a_slug_is_ones_own_experiment(ours: Experiment, theirs: Experiment) -> None:
    """REQ AN-08, EV-03: read, changed and refused by the roles of one's own organization, whatever others have."""
    assert call(member(ours, "analyst"), "get", f"/{ours.slug}").json()["id"] == str(ours.pk)
    assert call(member(theirs, "analyst"), "get", f"/{ours.slug}/results").json()["status"] == "collecting"
    assert call(member(ours, "scanner"), "get", f"/{ours.slug}").status_code == 403
    assert call(make_member("owner"), "get", f"/{ours.slug}").status_code == 404
    assert call(member(theirs, "staff"), "patch", f"/{ours.slug}", {"name": "Other"}).status_code == 200
    ours.refresh_from_db()
    theirs.refresh_from_db()
    assert (ours.name, theirs.name) == ("Button color", "Other")
    # A role that may in one of them alone says which one is meant.
    both = member(ours, "scanner")
    Membership.objects.create(user=both, organization=theirs.event.organization, role="owner")
    assert call(both, "get", f"/{ours.slug}").json()["id"] == str(theirs.pk)


def test_what_may_be_several_is_named_by_its_id(ours: Experiment, theirs: Experiment) -> None:
    """REQ AN-08, EV-03: a superuser and a member of two organizations are told so at each door; nothing is changed."""
    both = member(ours, "owner")
    Membership.objects.create(user=both, organization=theirs.event.organization, role="owner")
    before = (list(Experiment.objects.order_by("pk").values()), AuditEntry.objects.count())
    for user in (both, make_superuser()):
        for method, path in (
            ("get", ""), ("get", "/results"), ("patch", ""), ("put", ""), ("delete", ""), ("post", "/start"),
            ("post", "/stop"),
        ):  # fmt: skip
            body = {**BODY, "name": "Other"} if method in {"patch", "put"} else {}
            refused = call(user, method, f"/{ours.slug}{path}", body)
            assert (refused.status_code, refused.json()["code"]) == (409, "ambiguous_slug"), path
            assert "UUID" in refused.json()["title"]
        for one in (ours, theirs):
            assert call(user, "get", f"/{one.pk}").json()["event_id"] == str(one.event_id)
        told = Client(headers=bearer(user)).post(
            "/graphql",
            {"query": _RESULTS, "variables": {"id": ours.slug}},
            content_type="application/json",
        )
        assert told.json()["errors"][0]["extensions"]["code"] == "ambiguous_slug"
    assert (list(Experiment.objects.order_by("pk").values()), AuditEntry.objects.count()) == before


def test_what_is_told_counts_in_the_experiment_of_its_event(ours: Experiment, theirs: Experiment) -> None:
    """REQ AN-08: the event says whose slug it is; a stranger's event makes it unknown, not another's."""
    running = Experiment.objects.filter(pk=theirs.pk)
    running.update(status="running", started_at=NOW - timedelta(days=1))
    answer = tell(said(ours, "me"), said(theirs, "me"), said(theirs, "you"))
    assert (answer.queued, answer.rejected) == (3, [])
    counted = [Exposure.objects.filter(experiment=one).count() for one in (ours, theirs)]
    assert counted == [1, 2]
    lost = said(ours, "me", event_id=str(make_event().pk))
    sister = said(ours, "me", event_id=str(make_event(organization=ours.event.organization).pk))
    nowhere = said(ours, "me", event_id="00000000-0000-0000-0000-000000000000")
    assert [one.code for one in tell(lost, sister, nowhere).rejected] == [
        "unknown_test", "wrong_event", "unknown_test",
    ]  # fmt: skip
    assert list(ExperimentRefusal.objects.values_list("experiment", "reason", "count").order_by("reason")) == [
        (None, "unknown_test", 2), (ours.pk, "wrong_event", 1),
    ]  # fmt: skip
