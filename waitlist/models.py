"""The queue of a session: who waits, who holds an offer, and how each wait ended."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from common.outbox.ids import new_id
from events.models import Session
from tickets.models import Priority
from waitlist.querysets import LIST_ORDER, QUEUE_ORDER, EntryQuerySet

LARGEST_GROUP = 4


class EntryStatus(models.TextChoices):
    """Where an entry stands. All but the first two are ends: joining again is a new entry at the end."""

    WAITING = "WAITING", "Waiting"
    OFFERED = "OFFERED", "Offered"
    ACCEPTED = "ACCEPTED", "Accepted"
    DECLINED = "DECLINED", "Declined"
    EXPIRED = "EXPIRED", "Expired"
    LEFT = "LEFT", "Left"
    REMOVED = "REMOVED", "Removed"


LIVE = (EntryStatus.WAITING, EntryStatus.OFFERED)


class Entry(models.Model):
    """One person's place in a session's queue, for a group of ``quantity``. Changes only under the session's lock.

    The order is (rank, queue_at, id). ``rank`` follows from the tier on joining and falls with it when the better
    ticket goes; a staff move rewrites rank and queue_at, while ``priority_tier`` and ``joined_at`` keep what was. An
    offer is counted in ``offer_number`` and holds ``quantity`` seats until it is answered or over.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # Both have their index below.
    session = models.ForeignKey(
        "events.Session", on_delete=models.PROTECT, related_name="waitlist_entries", db_index=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="waitlist_entries", db_index=False
    )
    quantity = models.PositiveSmallIntegerField(default=1)
    priority_tier = models.CharField(max_length=10, choices=Priority.choices)
    rank = models.PositiveSmallIntegerField()
    queue_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=EntryStatus.choices, default=EntryStatus.WAITING)
    joined_at = models.DateTimeField()
    offer_number = models.PositiveSmallIntegerField(default=0)
    offered_at = models.DateTimeField(null=True, blank=True)
    offer_expires_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=200, blank=True)
    attendance = models.OneToOneField(
        "events.Attendance", on_delete=models.PROTECT, null=True, blank=True, related_name="waitlist_entry"
    )
    near_front_told_at = models.DateTimeField(null=True, blank=True)

    objects = EntryQuerySet.as_manager()

    class Meta:
        ordering = QUEUE_ORDER
        verbose_name_plural = "entries"
        constraints = [
            models.UniqueConstraint(
                fields=["session", "user"],
                condition=Q(status__in=LIVE),
                name="waitlist_once_per_person",
            ),
            models.CheckConstraint(
                condition=Q(quantity__gte=1, quantity__lte=LARGEST_GROUP), name="waitlist_group_size"
            ),
            models.CheckConstraint(
                condition=Q(rank__lt=len(Priority.values)), name="waitlist_rank_is_a_tier"
            ),
            models.CheckConstraint(condition=Q(status__in=EntryStatus.values), name="waitlist_status_known"),
            models.CheckConstraint(
                condition=~Q(status__in=(EntryStatus.OFFERED, EntryStatus.ACCEPTED))
                | Q(offer_number__gte=1, offered_at__isnull=False, offer_expires_at__gt=F("offered_at")),
                name="waitlist_offer_is_complete",
            ),
            models.CheckConstraint(
                condition=Q(status__in=LIVE, ended_at__isnull=True)
                | (~Q(status__in=LIVE) & Q(ended_at__isnull=False)),
                name="waitlist_ended_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(status=EntryStatus.ACCEPTED, attendance__isnull=False)
                | (~Q(status=EntryStatus.ACCEPTED) & Q(attendance__isnull=True)),
                name="waitlist_accepted_has_seats",
            ),
        ]
        indexes = [
            models.Index(fields=["session", "status", *QUEUE_ORDER], name="waitlist_queue"),
            models.Index("session", *LIST_ORDER, name="waitlist_listed"),
            models.Index(
                fields=["offer_expires_at"],
                condition=Q(status=EntryStatus.OFFERED),
                name="waitlist_open_offers",
            ),
            models.Index(fields=["session", "offered_at"], name="waitlist_turnover"),
            models.Index(fields=["user", "session"], name="waitlist_person"),
        ]

    def __str__(self) -> str:
        return f"{self.user} for {self.session}"

    @property
    def is_live(self) -> bool:
        """Say whether it waits or holds an offer."""
        return self.status in LIVE


class GroupRule(models.TextChoices):
    """What happens when the group at the head of the queue is larger than what is free."""

    WAIT = "wait", "Wait for room for the whole group"
    SKIP = "skip", "Let smaller groups pass until it fits"


class WaitlistPolicy(models.Model):
    """What the organizer decided about a session's waitlist. No row: the defaults."""

    session = models.OneToOneField(
        "events.Session", on_delete=models.CASCADE, primary_key=True, related_name="waitlist_policy"
    )
    offers_paused = models.BooleanField(default=False)
    paused_at = models.DateTimeField(null=True, blank=True)
    pause_reason = models.CharField(max_length=200, blank=True)
    group_rule = models.CharField(max_length=4, choices=GroupRule.choices, default=GroupRule.WAIT)
    closes_at = models.DateTimeField(
        null=True, blank=True, help_text="After it nothing is offered by itself and nobody joins."
    )
    offer_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="How long an offer lasts. Empty: as the setting says."
    )

    class Meta:
        verbose_name_plural = "waitlist policies"
        constraints = [
            models.CheckConstraint(
                condition=Q(group_rule__in=GroupRule.values), name="waitlist_group_rule_known"
            ),
            models.CheckConstraint(
                condition=Q(offer_seconds__isnull=True)
                | Q(offer_seconds__gte=60, offer_seconds__lte=604_800),
                name="waitlist_offer_lifetime",
            ),
            models.CheckConstraint(
                condition=Q(offers_paused=False, paused_at__isnull=True)
                | Q(offers_paused=True, paused_at__isnull=False),
                name="waitlist_paused_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"Waitlist of {self.session}"


class TierPriority(models.Model):
    """For one session, a ticket tier counts as another priority than it has."""

    session = models.ForeignKey("events.Session", on_delete=models.CASCADE, related_name="tier_priorities")
    tier = models.ForeignKey("tickets.TicketTier", on_delete=models.CASCADE, related_name="+")
    priority = models.CharField(max_length=10, choices=Priority.choices)

    class Meta:
        verbose_name_plural = "tier priorities"
        constraints = [
            models.UniqueConstraint(fields=["session", "tier"], name="waitlist_tier_priority_once"),
            models.CheckConstraint(
                condition=Q(priority__in=Priority.values), name="waitlist_tier_priority_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tier} counts as {self.priority}"


class SessionWaitlist(Session):
    """A session, as the staff's waitlist screen shows it."""

    class Meta:
        proxy = True
        verbose_name = "waitlist"
        ordering = ("starts_at", "id")
