"""Reading experiments: one, lists for the organizer's people, and what runs, for front ends."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.selectors import organization_ids
from accounts.services import access
from accounts.types import Capability
from analytics.models import Experiment, ExperimentStatus
from analytics.types.experiments import ExperimentFilters
from common.errors import Invalid, Unauthenticated
from common.types import Actor
from events.models import Event
from events.selectors import visible_event


def named(ref: str) -> Q:
    """Return the condition for an experiment by its id or its slug; no slug is an id."""
    try:
        return Q(pk=UUID(ref))
    except ValueError:
        return Q(slug=ref)


def experiment_of(
    actor: Actor, ref: str, *, capability: Capability = Capability.VIEW_ANALYTICS
) -> Experiment:
    """Return an experiment with its event and variants, for who has the capability. Three statements.

    Raises as ``access.require``; a missing one is as another organization's.
    """
    found = Experiment.objects.select_related("event").prefetch_related("variants").filter(named(ref))
    experiment = found.first()
    if experiment is None:
        access.refuse_missing(actor)
    access.require(actor, experiment.event.organization_id, capability)
    return experiment


def experiments_of(actor: Actor, filters: ExperimentFilters) -> QuerySet[Experiment]:
    """Return the experiments that the actor may read, with their variants, the newest first.

    Of one event, when one is named; else of all their organizations. Raises ``Unauthenticated``, ``NotFound`` and
    ``Forbidden`` for the event, ``Invalid`` for a status that is none.
    """
    if filters.status and filters.status not in ExperimentStatus.values:
        raise Invalid.field("status", "invalid_choice", f"One of {', '.join(ExperimentStatus.values)}.")
    found = _readable(actor, filters.event_id).prefetch_related("variants")
    found = found.filter(is_archived=filters.archived)
    if filters.status:
        found = found.filter(status=filters.status)
    if filters.search:
        found = found.filter(Q(name__icontains=filters.search) | Q(slug__icontains=filters.search))
    return found.order_by("-created_at", "-pk")


def running_at(actor: Actor, event_id: UUID) -> Sequence[Experiment]:
    """Return an event's running experiments with their variants, for whoever may see the event. Raises ``NotFound``."""
    event = visible_event(actor, event_id)
    running = Experiment.objects.filter(event=event, status=ExperimentStatus.RUNNING)
    return list(running.prefetch_related("variants").order_by("slug"))


def _readable(actor: Actor, event_id: UUID | None) -> QuerySet[Experiment]:
    if event_id is not None:
        event = Event.objects.filter(pk=event_id).first()
        if event is None:
            access.refuse_missing(actor)
        access.require(actor, event.organization_id, Capability.VIEW_ANALYTICS)
        return Experiment.objects.filter(event=event)
    if not actor.is_authenticated and not access.may_do_all(actor):
        raise Unauthenticated
    where = organization_ids(actor, Capability.VIEW_ANALYTICS)
    found = Experiment.objects.all()
    return found if where is None else found.filter(event__organization_id__in=where)
