"""Reading experiments: one, lists for the organizer's people, and what runs, for front ends."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.selectors import organization_ids
from accounts.services import access
from accounts.types import Capability
from analytics.errors import AmbiguousSlug
from analytics.models import Experiment, ExperimentStatus
from analytics.types.experiments import ExperimentFilters
from common.errors import Invalid, Unauthenticated
from common.types import Actor
from events.models import Event
from events.selectors import visible_event


def find(rows: QuerySet[Experiment], actor: Actor, ref: str, capability: Capability) -> Experiment:
    """Return the experiment that somebody means by its id or its slug, for who has the capability.

    A slug is looked up in the actor's own organizations, those with the capability first: what others call theirs is
    not told. Raises as ``access.require`` (a missing one is as another organization's), and ``AmbiguousSlug`` where it
    may be several.
    """
    try:
        experiment = rows.filter(pk=UUID(ref)).first()
    except ValueError:
        experiment = _by_slug(rows, actor, ref, capability)
    if experiment is None:
        access.refuse_missing(actor)
    access.require(actor, experiment.event.organization_id, capability)
    return experiment


def _by_slug(
    rows: QuerySet[Experiment], actor: Actor, slug: str, capability: Capability
) -> Experiment | None:
    for where in (organization_ids(actor, capability), organization_ids(actor)):
        found = rows.filter(slug=slug)
        if where is not None:
            found = found.filter(organization_id__in=where)
        several = list(found.order_by("pk")[:2])
        if len(several) > 1:
            raise AmbiguousSlug
        if several:
            return several[0]
    return None


def experiment_of(
    actor: Actor, ref: str, *, capability: Capability = Capability.VIEW_ANALYTICS
) -> Experiment:
    """Return an experiment with its event and variants, for who has the capability. Raises as ``find``.

    Three statements, a fourth by its slug.
    """
    rows = Experiment.objects.select_related("event").prefetch_related("variants")
    return find(rows, actor, ref, capability)


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
