"""Events, their sessions and seats, and who belongs to them."""

import uuid
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Greatest

from common.windows import Window, tellable
from events.querysets import EventQuerySet, SessionQuerySet


class Visibility(models.TextChoices):
    """Who may see an event: everybody, or registered people and members only."""

    PUBLIC = "public", "Public"
    PRIVATE = "private", "Private"


class Event(models.Model):
    """An event of an organization. Its time zone decides its days, its currency the money of what it
    sells."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="events")
    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    currency = models.CharField(max_length=3, default="USD")
    visibility = models.CharField(max_length=10, choices=Visibility.choices, default=Visibility.PUBLIC)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ("starts_at", "id")
        constraints = [
            models.CheckConstraint(
                condition=Q(currency__regex="^[A-Z]{3}$"), name="event_currency_is_a_code"
            ),
            models.CheckConstraint(
                condition=Q(starts_at__lt=F("ends_at")), name="event_starts_before_it_ends"
            ),
            models.CheckConstraint(
                condition=tellable("starts_at", "ends_at"), name="event_window_is_tellable"
            ),
            models.CheckConstraint(
                condition=Q(visibility__in=Visibility.values), name="event_visibility_known"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "starts_at"], name="event_organization_start"),
            models.Index(fields=["visibility", "starts_at"], name="event_visibility_start"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def zone(self) -> ZoneInfo:
        """The event's time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def is_public(self) -> bool:
        """Say whether everybody may see it."""
        return self.visibility == Visibility.PUBLIC


class Session(models.Model):
    """A session of an event, and the ledger of its seats.

    ``attendance`` counts seats taken, ``held`` seats of open waitlist offers, ``waiting`` entries in the
    queue.
    ``seats_kept`` is what was taken when capacity was lowered below it: nobody loses a seat by that.
    ``last_queue_at`` is the latest place given in the queue, so that no two are the same;
    ``queue_version`` rises with each change of the queue, so that copies of it know whether they are current.
    All of them change only under this row's lock.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="sessions")
    slug = models.SlugField(max_length=80)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    maximum_capacity = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: unlimited.")
    current_attendance = models.PositiveIntegerField(default=0, editable=False)
    held = models.PositiveIntegerField(default=0, editable=False)
    waiting = models.PositiveIntegerField(default=0, editable=False)
    seats_kept = models.PositiveIntegerField(default=0, editable=False)
    last_queue_at = models.DateTimeField(null=True, blank=True, editable=False)
    queue_version = models.PositiveBigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        ordering = ("starts_at", "id")
        constraints = [
            models.UniqueConstraint(fields=["event", "slug"], name="session_slug_unique_in_event"),
            models.CheckConstraint(
                condition=Q(starts_at__lt=F("ends_at")), name="session_starts_before_it_ends"
            ),
            models.CheckConstraint(
                condition=tellable("starts_at", "ends_at"), name="session_window_is_tellable"
            ),
            # Idea 3 of the design: the database says the invariant again. No capacity: no limit.
            models.CheckConstraint(
                condition=Q(maximum_capacity__isnull=True)
                | Q(current_attendance__lte=Greatest(F("maximum_capacity"), F("seats_kept")) - F("held")),
                name="session_seats_within_capacity",
            ),
        ]
        indexes = [models.Index(fields=["event", "starts_at"], name="session_event_start")]

    def __str__(self) -> str:
        return self.title

    @property
    def window(self) -> Window:
        """When it takes place."""
        return Window(self.starts_at, self.ends_at)

    @property
    def free_seats(self) -> int | None:
        """Seats that may be granted now, under the true capacity; None when unlimited."""
        if self.maximum_capacity is None:
            return None
        return max(0, self.maximum_capacity - self.current_attendance - self.held)

    @property
    def is_full(self) -> bool:
        """Say whether nobody may walk in: no free seat, or people waiting for the ones there are."""
        return self.waiting > 0 or self.free_seats == 0


class AttendanceStatus(models.TextChoices):
    """Whether the seat is still taken."""

    ATTENDING = "ATTENDING", "Attending"
    LEFT = "LEFT", "Left"


class Attendance(models.Model):
    """Seats of one person in a session. Leaving keeps the row; coming back makes a new one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(Session, on_delete=models.PROTECT, related_name="attendances")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="attendances")
    seats = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(
        max_length=10, choices=AttendanceStatus.choices, default=AttendanceStatus.ATTENDING
    )
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("joined_at", "id")
        constraints = [
            models.UniqueConstraint(
                fields=["session", "user"],
                condition=Q(status=AttendanceStatus.ATTENDING),
                name="attendance_once_per_person",
            ),
            models.CheckConstraint(condition=Q(seats__gte=1), name="attendance_has_seats"),
            models.CheckConstraint(
                condition=Q(status=AttendanceStatus.ATTENDING, left_at__isnull=True)
                | Q(status=AttendanceStatus.LEFT, left_at__isnull=False),
                name="attendance_left_at_a_time",
            ),
        ]
        indexes = [
            models.Index(fields=["session", "status", "joined_at"], name="attendance_roster"),
            models.Index(fields=["user", "status"], name="attendance_user"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.session}"


class RegistrationSource(models.TextChoices):
    """How a person came to belong to an event."""

    TICKET = "ticket", "Ticket"
    ORGANIZER = "organizer", "Organizer"


class Registration(models.Model):
    """A person belongs to an event. ``tickets`` writes them: a ticket makes one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="registrations")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="registrations")
    source = models.CharField(
        max_length=10, choices=RegistrationSource.choices, default=RegistrationSource.TICKET
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("created_at", "id")
        constraints = [models.UniqueConstraint(fields=["event", "user"], name="registration_once")]
        indexes = [models.Index(fields=["user"], name="registration_user")]

    def __str__(self) -> str:
        return f"{self.user} at {self.event}"
