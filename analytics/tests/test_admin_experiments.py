"""The staff's screens of experiments: define, start, stop, read the verdict, each by its role."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.tests.factories import make_member
from analytics.models import Experiment
from analytics.services.experiments.defining import start_experiment, stop_experiment
from analytics.tests.experiments import make_experiment, people, said, tell, variants_of
from common.audit.models import AuditEntry
from common.types import SYSTEM
from events.models import Event
from events.tests.factories import make_event

pytestmark = pytest.mark.django_db

LIST = "/admin/analytics/experiment/"
NEW = {
    "name": "Button color", "slug": "button", "hypothesis": "Green sells", "metric": "conversion",
    "minimum_sample": "50",
    "variant_1_key": "control", "variant_1_name": "Blue", "variant_1_weight": "1",
    "variant_2_key": "", "variant_2_name": "", "variant_2_weight": "1",
    "variant_3_key": "green", "variant_3_name": "", "variant_3_weight": "3",
    "variant_4_key": "", "variant_4_name": "", "variant_4_weight": "1",
}  # fmt: skip


def enter(client: Client, event: Event, role: str = "staff") -> User:
    """Sign a member of the event's organization in."""
    member = make_member(role, organization=event.organization)
    client.force_login(member)
    return member


def do(client: Client, name: str, experiment: Experiment, reason: str = "Because") -> Any:
    """Confirm an act."""
    return client.post(
        f"{LIST}act/{name}/", {"ids": [str(experiment.pk)], "confirmed": "1", "reason": reason}
    )


def results(client: Client, experiment: Experiment) -> str:
    """Return the page of the results."""
    answer = client.get(f"{LIST}{experiment.pk}/results/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_experiment_is_defined_and_changed(client: Client) -> None:
    """REQ AN-08: a line for each variant, empty ones are none; changed as long as it is a draft."""
    event = make_event()
    enter(client, event)
    assert client.get(f"{LIST}add/").status_code == 200
    assert client.post(f"{LIST}add/", {**NEW, "event": str(event.pk)}).status_code == 302
    experiment = Experiment.objects.get()
    assert [(one.key, one.name, one.weight) for one in variants_of(experiment)] == [
        ("control", "Blue", 1), ("green", "green", 3),
    ]  # fmt: skip
    page = client.get(f"{LIST}{experiment.pk}/change/").content.decode()
    assert 'value="green"' in page
    assert client.post(f"{LIST}{experiment.pk}/change/", {**NEW, "name": "Colour"}).status_code == 302
    experiment.refresh_from_db()
    assert (experiment.name, experiment.minimum_sample) == ("Colour", 50)
    start_experiment(actor=SYSTEM, ref="button", now=experiment.created_at)
    assert client.post(f"{LIST}{experiment.pk}/change/", {**NEW, "name": "Other"}).status_code == 403
    page = client.get(f"{LIST}{experiment.pk}/change/").content.decode()
    assert "Blue (control, weight 1), green (green, weight 3)" in page
    experiment.refresh_from_db()
    assert experiment.name == "Colour"


def test_what_is_wrong_is_told_at_its_field(client: Client) -> None:
    """REQ AN-08: the rules are the service's; nothing is written."""
    event = make_event()
    enter(client, event)
    for wrong, words in (
        ({"slug": "Button"}, "Small letters, digits"),
        ({"variant_3_key": ""}, "2 to 10 variants"),
        ({"variant_3_key": "Green"}, "Small letters, digits"),
        ({"variant_3_weight": "0"}, "need a weight"),
        ({"minimum_sample": "1"}, "greater than or equal to 10"),
    ):
        answer = client.post(f"{LIST}add/", {**NEW, "event": str(event.pk), **wrong})
        assert answer.status_code == 200
        assert words in answer.content.decode(), wrong
    assert not Experiment.objects.exists()


def test_admins_start_and_stop_with_a_reason(client: Client) -> None:
    """REQ AN-08, EV-04: buttons for what fits; each asks why and leaves a trace; staff may not."""
    event = make_event()
    experiment = make_experiment(event)
    enter(client, event, "staff")
    assert "act/start/" not in results(client, experiment)
    assert do(client, "start", experiment).status_code == 403
    enter(client, event, "admin")
    page = results(client, experiment)
    assert "Not started yet" in page
    assert ("act/start/" in page, "act/stop/" in page) == (True, False)
    assert do(client, "start", experiment, "").status_code == 200
    experiment.refresh_from_db()
    assert experiment.status == "draft"
    assert do(client, "start", experiment, "Go").status_code == 302
    page = results(client, experiment)
    assert ("act/start/" in page, "act/stop/" in page, "act/archive/" in page) == (False, True, False)
    assert do(client, "stop", experiment, "Enough").status_code == 302
    assert do(client, "archive", experiment, "Over").status_code == 302
    experiment.refresh_from_db()
    assert (experiment.status, experiment.is_archived) == ("stopped", True)
    told = (
        AuditEntry.objects.filter(subject_id=str(experiment.pk))
        .order_by("id")
        .values_list("reason", flat=True)
    )
    assert list(told) == ["", "Go", "Enough", "Over"]
    assert not client.get(LIST).context["cl"].result_list
    assert len(client.get(LIST, {"archive": "archived"}).context["cl"].result_list) == 1


def test_the_verdict_is_read_in_words(client: Client) -> None:
    """REQ AN-08, AN-09: headline, what to do, each variant's figures and range, and what was not counted."""
    experiment = make_experiment(running=True, minimum_sample=100)
    enter(client, experiment.event, "analyst")
    page = results(client, experiment)
    assert "Too early to say" in page
    assert "Nobody was counted yet" in page
    people(experiment, (5_000, 500), (5_000, 700), value=1_000)
    tell(said(experiment, "me", "goal_conversion"))
    page = results(client, experiment)
    for words in (
        "B wins", "Use B. Of those who see it, 14.0 % with B", "10,000", "1,200", "14.00 %", "+40.0 %", "99.99 %",
        "$7,000.00", "$1.40", "As the weights say", "Variant never seen", "13.07 to 14.99 %",
    ):  # fmt: skip
        assert words in page, words
    assert page.count('<svg class="mq-range"') == 2
    assert "significan" not in page


def test_nothing_of_others_is_seen(client: Client) -> None:
    """REQ EV-03: other organizations' experiments are not there, on the list, their pages and their acts."""
    theirs = make_experiment(name="Rival test")
    event = make_event()
    enter(client, event, "owner")
    assert "Rival test" not in client.get(LIST).content.decode()
    for page in (f"{theirs.pk}/results/", f"{theirs.pk}/change/"):
        assert client.get(f"{LIST}{page}").status_code in {302, 404}
    assert do(client, "start", theirs).status_code == 404
    foreign = client.post(f"{LIST}add/", {**NEW, "event": str(theirs.event_id)})
    assert foreign.status_code == 200
    assert Experiment.objects.count() == 1
    theirs.refresh_from_db()
    assert theirs.status == "draft"
    client.force_login(make_member("scanner"))
    assert client.get(f"{LIST}{theirs.pk}/results/").status_code in {302, 403}


def test_the_list_and_the_page_cost_a_fixed_number_of_queries(client: Client) -> None:
    """REQ AN-08: however many experiments and people; each state has its word."""
    event = make_event()
    enter(client, event, "analyst")
    costs = []
    for _ in range(2):
        make_experiment(event)
        stopped = make_experiment(event, running=True)
        stop_experiment(actor=SYSTEM, ref=stopped.slug, now=stopped.started_at)
        running = make_experiment(event, running=True)
        people(running, (50, 5), (50, 5))
        with CaptureQueriesContext(connection) as queries:
            page = client.get(LIST).content.decode()
            results(client, running)
        costs.append(len(queries))
    assert costs[0] == costs[1]
    for word in ("Draft", "Running", "Stopped"):
        assert word in page
