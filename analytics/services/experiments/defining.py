"""Defining, starting, stopping and archiving experiments. Staff define; admins and owners start and stop."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.services import access
from accounts.types import Capability
from analytics.errors import ExperimentArchived, ExperimentNotDraft, ExperimentNotRunning, ExperimentRunning
from analytics.models import Experiment, ExperimentStatus, Variant
from analytics.selectors.experiments import find
from analytics.services.experiments.rules import judge
from analytics.types.experiments import ExperimentInput, VariantInput
from common import audit
from common.db import retrying, violated
from common.errors import Invalid
from common.types import Actor
from events.models import Event

# What an experiment changes is what visitors are offered.
DEFINE = Capability.MANAGE_OFFERS
RUN = Capability.RUN_EXPERIMENTS


@retrying
@transaction.atomic
def create_experiment(*, actor: Actor, event_id: UUID, given: ExperimentInput, now: datetime) -> Experiment:
    """Define an experiment of an event, as a draft that nobody sees yet. For staff and up.

    Raises ``Unauthenticated``, ``NotFound`` (also for another organization's event), ``Forbidden``, and ``Invalid``
    with every wrong field, also for a slug that the organization has already.
    """
    event = Event.objects.filter(pk=event_id).first()
    if event is None:
        access.refuse_missing(actor)
    access.require(actor, event.organization_id, DEFINE)
    values = judge(given)
    variants: tuple[VariantInput, ...] = values.pop("variants")
    experiment = Experiment(
        event=event,
        organization_id=event.organization_id,
        currency=event.currency,
        created_by_id=actor.user_id,
        created_at=now,
        updated_at=now,
        **values,
    )
    _save(experiment, is_new=True)
    _write_variants(experiment, variants)
    changes = {name: [None, value] for name, value in {**values, "variants": _said(variants)}.items()}
    audit.record(
        actor=actor, action="analytics.create_experiment", subject=experiment,
        organization_id=event.organization_id, changes=changes, now=now,
    )  # fmt: skip
    return experiment


@retrying
@transaction.atomic
def update_experiment(
    *, actor: Actor, ref: str, given: ExperimentInput, now: datetime, is_whole: bool = False
) -> Experiment:
    """Change a draft; the result is judged as a whole. For staff and up.

    ``is_whole``: what is not named gets its default. Raises as ``create_experiment``, ``AmbiguousSlug``,
    ``ExperimentNotDraft`` for one that was started, ``ExperimentArchived``.
    """
    experiment = _locked(actor, ref, DEFINE)
    _require_draft(experiment)
    before, before_variants = audit.snapshot(experiment), _stored(experiment)
    values = judge(given, experiment=experiment, is_whole=is_whole)
    variants: tuple[VariantInput, ...] = values.pop("variants")
    for name, value in values.items():
        setattr(experiment, name, value)
    changes = audit.changes_between(before, experiment)
    if variants != before_variants:
        experiment.variants.all().delete()
        _write_variants(experiment, variants)
        changes["variants"] = [_said(before_variants), _said(variants)]
    if not changes:
        return experiment
    return _changed(experiment, changes, actor=actor, action="update", now=now)


@retrying
@transaction.atomic
def start_experiment(*, actor: Actor, ref: str, now: datetime, reason: str = "") -> Experiment:
    """Start a draft: from now on people are counted, and its definition stands still. For admins and owners.

    Raises as ``update_experiment``.
    """
    experiment = _locked(actor, ref, RUN)
    _require_draft(experiment)
    return _stepped(experiment, actor=actor, action="start", reason=reason, now=now)


@retrying
@transaction.atomic
def stop_experiment(*, actor: Actor, ref: str, now: datetime, reason: str = "") -> Experiment:
    """Stop a running experiment for good; what happened before still counts when it comes late.

    For admins and owners. Raises as ``access.require``, and ``ExperimentNotRunning``.
    """
    experiment = _locked(actor, ref, RUN)
    if experiment.status != ExperimentStatus.RUNNING:
        raise ExperimentNotRunning
    return _stepped(experiment, actor=actor, action="stop", reason=reason, now=now)


@retrying
@transaction.atomic
def archive_experiment(*, actor: Actor, ref: str, now: datetime, reason: str = "") -> Experiment:
    """Put an experiment out of sight, keeping its results; doing so twice changes nothing. For staff and up.

    Raises as ``access.require``, and ``ExperimentRunning``.
    """
    experiment = _locked(actor, ref, DEFINE)
    if experiment.status == ExperimentStatus.RUNNING:
        raise ExperimentRunning
    if experiment.is_archived:
        return experiment
    experiment.is_archived = True
    changes = {"is_archived": [False, True]}
    return _changed(experiment, changes, actor=actor, action="archive", reason=reason, now=now)


def _locked(actor: Actor, ref: str, capability: Capability) -> Experiment:
    """Lock an experiment that the actor may do this with. Without its key: events that point to it come on."""
    rows = Experiment.objects.select_for_update(of=("self",), no_key=True).select_related("event")
    return find(rows, actor, ref, capability)


def _require_draft(experiment: Experiment) -> None:
    if experiment.is_archived:
        raise ExperimentArchived
    if experiment.status != ExperimentStatus.DRAFT:
        raise ExperimentNotDraft


def _stepped(experiment: Experiment, *, actor: Actor, action: str, reason: str, now: datetime) -> Experiment:
    before = audit.snapshot(experiment)
    if action == "start":
        experiment.status, experiment.started_at = ExperimentStatus.RUNNING, now
    else:
        # The clock of the server that started it may be ahead of this one's.
        stopped_at = max(now, experiment.started_at or now)
        experiment.status, experiment.stopped_at = ExperimentStatus.STOPPED, stopped_at
    changes = audit.changes_between(before, experiment)
    return _changed(experiment, changes, actor=actor, action=action, reason=reason, now=now)


def _changed(
    experiment: Experiment,
    changes: dict[str, Any],
    *,
    actor: Actor,
    action: str,
    now: datetime,
    reason: str = "",
) -> Experiment:
    experiment.updated_at = now
    _save(experiment)
    audit.record(
        actor=actor, action=f"analytics.{action}_experiment", subject=experiment,
        organization_id=experiment.event.organization_id, reason=reason, changes=changes, now=now,
    )  # fmt: skip
    return experiment


def _save(experiment: Experiment, *, is_new: bool = False) -> None:
    try:
        with transaction.atomic():
            experiment.save(force_insert=is_new, force_update=not is_new)
    except IntegrityError as error:
        if not violated(error, "experiment_slug_once"):
            raise
        said = "Another experiment of this organization is called that; choose another."
        raise Invalid.field("slug", "taken", said) from error


def _write_variants(experiment: Experiment, variants: tuple[VariantInput, ...]) -> None:
    Variant.objects.bulk_create(
        Variant(experiment=experiment, position=place, key=one.key, name=one.name, weight=one.weight)
        for place, one in enumerate(variants)
    )


def _stored(experiment: Experiment) -> tuple[VariantInput, ...]:
    return tuple(
        VariantInput(one.key, one.name, one.weight) for one in experiment.variants.order_by("position")
    )


def _said(variants: tuple[VariantInput, ...]) -> list[str]:
    return [f"{one.key} ({one.name}): {one.weight}" for one in variants]
