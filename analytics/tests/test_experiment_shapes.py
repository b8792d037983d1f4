"""What has no shape in a body about an experiment: REST refuses it by field, beside what the rules refuse."""

from typing import Any

import pytest

from accounts.tests.factories import make_user
from analytics.models import Experiment
from analytics.tests.experiments import make_experiment
from analytics.tests.test_experiment_doors import BODY, call, member_of
from events.tests.factories import make_event

pytestmark = pytest.mark.django_db


def test_all_that_is_wrong_with_a_draft_is_told_at_once() -> None:
    """REQ AN-08, UI-01: what has no shape together with what breaks a rule; nothing is written."""
    event = make_event()
    staff = member_of(event, "staff")
    wrong = {"slug": "", "name": 5, "metric": "clicks", "colour": 1, "variants": [{"id": 7}, {"id": "b"}]}
    told = {
        ("slug", "required"), ("name", "wrong_type"), ("metric", "invalid_choice"),
        ("colour", "unknown_field"), ("variants[0].id", "wrong_type"),
    }  # fmt: skip

    def refused(answer: Any) -> set[tuple[str, str]]:
        assert answer.status_code == 400
        return {(one["field"], one["code"]) for one in answer.json()["errors"]}

    assert refused(call(staff, "post", "", {**wrong, "event_id": str(event.pk)})) == told
    made = make_experiment(event)
    assert refused(call(staff, "patch", f"/{made.slug}", wrong)) == told
    assert refused(call(staff, "post", "", {"slug": ""})) >= {("event_id", "required")}
    assert call(make_user(), "patch", f"/{made.slug}", wrong).status_code == 404
    assert Experiment.objects.get().name == made.name


def test_what_cannot_be_read_is_told_by_its_field() -> None:
    """REQ AN-08: unknown fields, wrong types, a missing event."""
    event = make_event()
    user = member_of(event, "staff")
    for body, field in (
        (BODY, "event_id"), ({**BODY, "event_id": str(event.pk), "status": "running"}, "status"),
        ({**BODY, "event_id": str(event.pk), "variants": [{"name": "x"}, {"id": "b"}]}, "variants[0].id"),
        ({**BODY, "event_id": str(event.pk), "minimum_sample": "many"}, "minimum_sample"),
        ({**BODY, "event_id": str(event.pk), "variants": []}, "variants"),
    ):  # fmt: skip
        answer = call(user, "post", "", body)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), field
        assert field in {one["field"] for one in answer.json()["errors"]}
    assert not Experiment.objects.exists()
