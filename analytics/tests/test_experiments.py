"""Defining, starting, stopping and archiving experiments: rules, roles, and a definition that stands still."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.services.access import actor_of
from accounts.tests.factories import NOW, make_member
from analytics.errors import ExperimentArchived, ExperimentNotDraft, ExperimentNotRunning, ExperimentRunning
from analytics.models import Experiment, Variant
from analytics.services.experiments import defining
from analytics.services.experiments.defining import (
    archive_experiment,
    create_experiment,
    start_experiment,
    stop_experiment,
    update_experiment,
)
from analytics.tests.experiments import STARTED, make_experiment, variants_of
from analytics.types.experiments import ExperimentInput, VariantInput
from common.audit.models import AuditEntry
from common.errors import Forbidden, Invalid, NotFound, Unauthenticated
from common.types import ANONYMOUS, SYSTEM, Actor
from config.local_stack.testing.race import Race
from events.tests.factories import make_event

pytestmark = pytest.mark.django_db

TWO = (VariantInput("control", "Blue"), VariantInput("green", "Green"))


def said(**more: Any) -> ExperimentInput:
    """Return what makes a right experiment, with what is said otherwise."""
    return ExperimentInput(**{"slug": "button", "name": "Button color", "variants": TWO, **more})


@pytest.mark.parametrize(
    ("more", "field", "code"),
    [
        ({"slug": ""}, "slug", "required"),
        ({"slug": "Button"}, "slug", "invalid"),
        ({"slug": "bütton"}, "slug", "invalid"),
        ({"slug": "a" * 65}, "slug", "invalid"),
        ({"slug": "track"}, "slug", "invalid"),
        ({"slug": "0" * 32}, "slug", "invalid"),
        ({"slug": "taken"}, "slug", "taken"),
        ({"name": "  "}, "name", "required"),
        ({"name": "x" * 201}, "name", "too_long"),
        ({"name": "\0"}, "name", "unreadable_text"),
        ({"hypothesis": "x" * 2_001}, "hypothesis", "too_long"),
        ({"metric": "clicks"}, "metric", "invalid_choice"),
        ({"minimum_sample": 9}, "minimum_sample", "out_of_range"),
        ({"minimum_sample": 10_000_001}, "minimum_sample", "out_of_range"),
        ({"variants": TWO[:1]}, "variants", "out_of_range"),
        ({"variants": tuple(VariantInput(f"v{one}") for one in range(11))}, "variants", "out_of_range"),
        ({"variants": (TWO[0], TWO[0])}, "variants", "repeated"),
        ({"variants": (VariantInput("a", weight=0), *TWO)}, "variants", "no_weight"),
        ({"variants": (VariantInput("a"), VariantInput("b", weight=0))}, "variants", "no_weight"),
        ({"variants": (VariantInput("A"), *TWO)}, "variants[0].id", "invalid"),
        ({"variants": (VariantInput("a", "x" * 201), *TWO)}, "variants[0].name", "too_long"),
        ({"variants": (*TWO, VariantInput("b", weight=10_001))}, "variants[2].weight", "out_of_range"),
    ],
)
def test_what_is_no_experiment(more, field, code) -> None:
    """REQ AN-08: each wrong field by its name, when it is defined and when it is changed; nothing is written."""
    event = make_event()
    make_experiment(event, slug="taken")
    draft = make_experiment(event)
    before = (Experiment.objects.count(), Variant.objects.count(), AuditEntry.objects.count())
    with pytest.raises(Invalid) as refused:
        create_experiment(actor=SYSTEM, event_id=event.pk, given=said(**more), now=NOW)
    assert [(one.field, one.code) for one in refused.value.errors] == [(field, code)]
    with pytest.raises(Invalid):
        update_experiment(actor=SYSTEM, ref=draft.slug, given=ExperimentInput(**more), now=NOW)
    assert (Experiment.objects.count(), Variant.objects.count(), AuditEntry.objects.count()) == before
    draft.refresh_from_db()
    assert (draft.name, [one.key for one in variants_of(draft)]) == ("Button color", ["a", "b"])


def test_a_draft_is_changed_and_leaves_a_trace() -> None:
    """REQ AN-08, EV-04: only what is named changes; the same again changes nothing; as a whole the rest is default."""
    draft = make_experiment(slug="button", minimum_sample=50, hypothesis="Green sells")
    given = ExperimentInput(name="Colour", variants=(*TWO, VariantInput("red", "", 2)))
    for _ in range(2):
        update_experiment(actor=SYSTEM, ref=str(draft.pk), given=given, now=NOW)
    draft.refresh_from_db()
    assert (draft.name, draft.minimum_sample, draft.hypothesis) == ("Colour", 50, "Green sells")
    assert [(one.key, one.name, one.weight) for one in variants_of(draft)] == [
        ("control", "Blue", 1), ("green", "Green", 1), ("red", "red", 2),
    ]  # fmt: skip
    [created, changed] = AuditEntry.objects.order_by("id")
    assert (created.action, changed.action) == ("analytics.create_experiment", "analytics.update_experiment")
    assert changed.changes == {
        "name": ["Button color", "Colour"],
        "variants": [["a (A): 1", "b (B): 1"], ["control (Blue): 1", "green (Green): 1", "red (red): 2"]],
    }
    update_experiment(actor=SYSTEM, ref="button", given=said(), now=NOW, is_whole=True)
    draft.refresh_from_db()
    assert (draft.minimum_sample, draft.hypothesis) == (1_000, "")


def test_a_clock_behind_stops_it_at_its_start() -> None:
    """REQ AN-08: another server started it, whose clock is ahead."""
    started = make_experiment(running=True)
    stopped = defining.stop_experiment(actor=SYSTEM, ref=started.slug, now=STARTED - timedelta(seconds=1))
    assert (stopped.started_at, stopped.stopped_at) == (STARTED, STARTED)


def test_it_goes_one_way() -> None:
    """REQ AN-08: draft, running, stopped, archived; every other step is refused and changes nothing."""
    experiment = make_experiment(running=True)
    ref = experiment.slug
    about = {"actor": SYSTEM, "ref": ref, "now": NOW}
    with pytest.raises(ExperimentNotDraft):
        update_experiment(**about, given=ExperimentInput(name="Other"))
    with pytest.raises(ExperimentNotDraft):
        start_experiment(**about)
    with pytest.raises(ExperimentRunning):
        archive_experiment(**about)
    experiment.refresh_from_db()
    assert (experiment.status, experiment.name, experiment.started_at) == ("running", "Button color", STARTED)
    stop_experiment(**about, reason="Enough")
    for again in (stop_experiment, start_experiment):
        with pytest.raises((ExperimentNotRunning, ExperimentNotDraft)):
            again(**about)
    for _ in range(2):
        archive_experiment(**about)
    experiment.refresh_from_db()
    assert (experiment.status, experiment.stopped_at, experiment.is_archived) == ("stopped", NOW, True)
    told = AuditEntry.objects.order_by("id").values_list("action", "reason")
    assert list(told)[1:] == [
        ("analytics.start_experiment", ""), ("analytics.stop_experiment", "Enough"),
        ("analytics.archive_experiment", ""),
    ]  # fmt: skip
    draft = make_experiment()
    archive_experiment(actor=SYSTEM, ref=draft.slug, now=NOW)
    with pytest.raises(ExperimentArchived):
        start_experiment(actor=SYSTEM, ref=draft.slug, now=NOW)


ACTS = {
    "define": lambda actor, event, _: create_experiment(
        actor=actor, event_id=event.pk, given=said(), now=NOW
    ),
    "change": lambda actor, _, one: update_experiment(
        actor=actor, ref=one.slug, given=ExperimentInput(name="Other"), now=NOW
    ),
    "start": lambda actor, _, one: start_experiment(actor=actor, ref=one.slug, now=NOW),
    "archive": lambda actor, _, one: archive_experiment(actor=actor, ref=one.slug, now=NOW),
}
MAY = {
    "owner": {"define", "change", "start", "archive"}, "admin": {"define", "change", "start", "archive"},
    "staff": {"define", "change", "archive"}, "analyst": set(), "scanner": set(),
}  # fmt: skip


@pytest.mark.parametrize("act", ACTS)
def test_who_may_do_what(act) -> None:
    """REQ EV-03: staff define, admins and owners start and stop; members without the role, strangers, nobody."""
    for role, allowed in MAY.items():
        event = make_event()
        draft = make_experiment(event)
        member = actor_of(make_member(role, organization=event.organization))
        if act in allowed:
            made = ACTS[act](member, event, draft)
            Experiment.objects.filter(pk=made.pk, status="draft").update(slug=f"{made.slug}-{role}")
            continue
        with pytest.raises(Forbidden):
            ACTS[act](member, event, draft)
    event = make_event()
    draft = make_experiment(event)
    refused: list[tuple[Actor, type[Exception]]] = [
        (actor_of(make_member("owner")), NotFound), (ANONYMOUS, Unauthenticated),
    ]  # fmt: skip
    before = (Experiment.objects.count(), AuditEntry.objects.count())
    for actor, failure in refused:
        with pytest.raises(failure):
            ACTS[act](actor, event, draft)
    assert (Experiment.objects.count(), AuditEntry.objects.count()) == before
    draft.refresh_from_db()
    assert (draft.name, draft.status, draft.is_archived) == ("Button color", "draft", False)


@pytest.mark.parametrize("role", ["staff", "analyst", "owner"])
def test_who_may_stop(role) -> None:
    """REQ EV-03: as starting."""
    experiment = make_experiment(running=True)
    member = actor_of(make_member(role, organization=experiment.event.organization))
    if role == "owner":
        assert stop_experiment(actor=member, ref=experiment.slug, now=NOW).status == "stopped"
    else:
        with pytest.raises(Forbidden):
            stop_experiment(actor=member, ref=experiment.slug, now=NOW)
        experiment.refresh_from_db()
        assert experiment.status == "running"


def test_the_database_keeps_a_started_definition() -> None:
    """REQ AN-08: neither by the services nor past them: fields, weights, variants, the way back."""
    experiment = make_experiment(running=True)
    rows, variants = (
        Experiment.objects.filter(pk=experiment.pk),
        Variant.objects.filter(experiment=experiment),
    )
    attempts = [
        *(lambda field=field, value=value: rows.update(**{field: value}) for field, value in {
            "slug": "other", "metric": "revenue", "minimum_sample": 10, "currency": "EUR", "started_at": NOW,
            "event": make_event(), "status": "draft", "name": "Other", "hypothesis": "Other",
        }.items()),
        lambda: rows.update(status="draft", started_at=None),
        lambda: variants.update(weight=5),
        lambda: variants.filter(position=1)._raw_delete("default"),
        lambda: Variant.objects.create(experiment=experiment, position=2, key="c", name="C"),
    ]  # fmt: skip
    for attempt in attempts:
        with pytest.raises(IntegrityError), transaction.atomic():
            attempt()
    assert [(one.key, one.weight) for one in variants_of(experiment)] == [("a", 1), ("b", 1)]
    stop_experiment(actor=SYSTEM, ref=experiment.slug, now=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.update(status="running", stopped_at=None)


def outcomes_of_a_change_and_a_start(race: Race, experiment: Experiment) -> list[object]:
    """Change the weights and start, at once."""
    given = ExperimentInput(variants=(VariantInput("a", "A", 1), VariantInput("b", "B", 9)))
    about = {"actor": SYSTEM, "ref": experiment.slug, "now": NOW}
    return race.each([lambda: update_experiment(**about, given=given), lambda: start_experiment(**about)])


@pytest.mark.django_db(transaction=True)
def test_a_change_beside_a_start_is_before_it_or_refused(race: Race) -> None:
    """REQ AN-08: whichever is first, nothing of a started definition changes."""
    for _ in range(3):
        experiment = make_experiment()
        changed, started = outcomes_of_a_change_and_a_start(race, experiment)
        assert isinstance(started, Experiment)
        weights = [one.weight for one in variants_of(experiment)]
        assert weights == ([1, 1] if isinstance(changed, ExperimentNotDraft) else [1, 9])
        entries = AuditEntry.objects.filter(subject_id=str(experiment.pk)).order_by("id")
        assert [one.action for one in entries][-1] == "analytics.start_experiment"


@pytest.mark.django_db(transaction=True)
def test_the_same_without_the_lock_is_held_by_the_database(
    race: Race, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: both find a draft; the trigger lets one of them through, and no weight changes after the start."""
    experiment = make_experiment()
    both_looked, started = threading.Barrier(2), threading.Event()

    def read(_actor: Actor, ref: str, _capability: object) -> Experiment:
        found = Experiment.objects.select_related("event").get(slug=ref)
        both_looked.wait(30)
        return found

    def change() -> Experiment:
        found = read(SYSTEM, experiment.slug, None)
        assert started.wait(30)
        found.name = "Other"
        return defining._changed(found, {"name": ["", "Other"]}, actor=SYSTEM, action="update", now=NOW)

    def start() -> Experiment:
        done = start_experiment(actor=SYSTEM, ref=experiment.slug, now=NOW)
        started.set()
        return done

    monkeypatch.setattr(defining, "_locked", read)
    refused, done = race.each([change, start])
    assert isinstance(done, Experiment)
    assert isinstance(refused, IntegrityError)
    experiment.refresh_from_db()
    assert (experiment.status, experiment.name) == ("running", "Button color")
