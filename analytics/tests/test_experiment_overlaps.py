"""Two experiments that the prescribed rule mixes up: said before the start, after it, and with the results."""

import json
from datetime import UTC, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.tests.factories import NOW, bearer, make_member
from analytics.exporting.experiments import experiments_section
from analytics.models import Experiment
from analytics.services.experiments.defining import stop_experiment
from analytics.services.experiments.overlaps import warnings_of
from analytics.services.experiments.results import results, results_of_event
from analytics.statistics.assignment import assigned
from analytics.statistics.confounding import link
from analytics.tests.experiments import make_experiment
from common.types import SYSTEM
from events.tests.factories import make_event

TWO, THREE, FOUR = (1, 1), (1, 1, 1), (1, 1, 1, 1)


@pytest.mark.parametrize(
    ("ours", "others", "share"),
    [
        (("color", TWO), ("hero_text", TWO), 1.0),
        (("color", TWO), ("hero_text", FOUR), 0.5),
        (("color", TWO), ("hero_text", THREE), None),
        (("color", (1, 3)), ("hero_text", (1, 3)), None),
        (("color", TWO), ("hero_text", (1, 3)), None),
        # Slugs as long as each other differ by an addition modulo 2^32, so that whatever the weights they go together.
        (("color", THREE), ("title", THREE), 1.0),
        (("color", (1, 3)), ("title", (1, 3)), 1.0),
    ],
)
def test_links_are_those_that_visitors_show(ours: Any, others: Any, share: float | None) -> None:
    """REQ AN-09: what is worked out from the rule is what 2,000 session tokens do."""
    found = link(*ours, *others)
    tokens = [f"visitor-{number:x}" for number in range(2_000)]
    if found is None:
        assert share is None
        first = [token for token in tokens if assigned(token, *ours) == 0]
        rate = sum(assigned(token, *others) == 0 for token in first) / len(first)
        assert rate == pytest.approx(others[1][0] / sum(others[1]), abs=0.06)
        return
    assert found.share == pytest.approx(share, abs=0.01)
    seeing = [token for token in tokens if assigned(token, *ours) == found.place]
    both = sum(assigned(token, *others) == found.other_place for token in seeing)
    assert both / len(seeing) == pytest.approx(found.share, abs=0.06)


def pair(**said: Any) -> tuple[Experiment, Experiment]:
    """Return two experiments of one event whose people are the same, or the other way round; the second is a draft."""
    event = make_event()
    first = make_experiment(event, running=True, slug="color", name="Color")
    return first, make_experiment(event, slug="hero_text", name="Hero", **said)


@pytest.mark.django_db
def test_only_what_ran_at_the_same_time_at_the_same_event_is_warned_of() -> None:
    """REQ AN-09: one that was stopped before, of another event, or independent by its weights, is not named."""
    first, draft = pair()
    make_experiment(running=True, slug="elsewhere")
    make_experiment(first.event, running=True, slug="three", weights=THREE)
    warned = warnings_of([first, draft], now=NOW)
    assert {pk: len(said) for pk, said in warned.items()} == {draft.pk: 1}
    assert warned[draft.pk][0].startswith(
        "Not independent of Color (color): 100 % of those who see A here see"
    )
    stop_experiment(actor=SYSTEM, ref="color", now=NOW - timedelta(days=1))
    assert warnings_of([draft], now=NOW) == {}


@pytest.mark.django_db
def test_a_start_says_it_and_the_results_of_both_do(client: Client) -> None:
    """REQ AN-08, AN-09: the form, REST by a field, the files by a note; each of the two names the other."""
    first, draft = pair()
    admin = make_member("admin", organization=first.event.organization)
    client.force_login(admin)
    form = client.get(f"/admin/analytics/experiment/act/start/?ids={draft.pk}").content.decode()
    assert "Not independent of Color (color): 100 % of those" in form
    address = f"/api/v1/ab-tests/{draft.pk}"
    answer = client.post(f"{address}/start", "{}", "application/json", headers=bearer(admin))
    assert answer.status_code == 200
    assert [one.partition(":")[0] for one in answer.json()["warnings"]] == [
        "Not independent of Color (color)"
    ]
    told = json.loads(client.get(f"{address}/results", headers=bearer(admin)).content)
    assert told["warnings"] == answer.json()["warnings"]
    [other] = results(actor=SYSTEM, ref="color", now=NOW).warnings
    assert other.startswith("Not independent of Hero (hero_text): 100 % of those")
    page = client.get(f"/admin/analytics/experiment/{draft.pk}/results/").content.decode()
    assert "Not independent of Color (color): 100 % of those" in page
    notes = experiments_section(results_of_event(first.event_id, now=NOW), UTC, gone="").notes
    assert f"Color (color): {other}" in notes
