"""Every e-mail that was ever due, with its frozen words and its story."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from common.outbox.ids import new_id

# What the files of one e-mail may weigh together, in bytes.
MAXIMUM_ATTACHED = 10 * 1024 * 1024
MAXIMUM_FILENAME = 150


class EmailStatus(models.TextChoices):
    """How far an e-mail got. What was sent never becomes unsent; a failed or suppressed one may be tried again.

    Suppressed: nothing was handed to the provider, or it held it back, since the box is not written to any more.
    """

    QUEUED = "queued", "Queued"
    SENT = "sent", "Sent"
    DELIVERED = "delivered", "Delivered"
    BOUNCED = "bounced", "Bounced"
    COMPLAINED = "complained", "Complained"
    FAILED = "failed", "Failed"
    SUPPRESSED = "suppressed", "Suppressed"
    CANCELLED = "cancelled", "Cancelled"


class EmailMessage(models.Model):
    """One e-mail to one recipient, rendered when it became due, so that a repetition says the same."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization_id = models.UUIDField(null=True, blank=True)
    user_id = models.UUIDField(null=True, blank=True)
    template = models.CharField(max_length=80)
    to = models.EmailField(max_length=254)
    # One box however it is written (``addresses.recipient_key``): what is limited a minute.
    recipient_key = models.CharField(max_length=32)
    subject = models.CharField(max_length=300)
    text_body = models.TextField()
    html_body = models.TextField(blank=True)
    # The link of both parts, for the header: the same at each attempt, whatever became of keys and addresses since.
    # Empty: there is nothing to unsubscribe from. None: queued by a release that kept none.
    unsubscribe_url = models.CharField(max_length=600, null=True, blank=True)
    is_urgent = models.BooleanField(default=False)
    status = models.CharField(max_length=12, choices=EmailStatus.choices, default=EmailStatus.QUEUED)
    dedupe_key = models.CharField(max_length=200, unique=True)
    # What it is about, for timelines: ("order", its id).
    about_type = models.CharField(max_length=20, blank=True)
    about_id = models.UUIDField(null=True, blank=True)
    provider_message_id = models.CharField(max_length=255, blank=True)
    last_error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    # Somebody asked to send it again although it had failed: a doubt about earlier attempts was accepted then.
    released_at = models.DateTimeField(null=True, blank=True)
    job_id = models.UUIDField(null=True, blank=True)

    class Meta:
        verbose_name = "e-mail"
        ordering = ("-created_at", "-id")
        indexes: ClassVar = [
            models.Index(fields=["organization_id", "-created_at"], name="email_organization"),
            models.Index(fields=["-created_at", "-id"], name="email_newest"),
            models.Index(
                fields=["about_type", "about_id"], name="email_about", condition=Q(about_id__isnull=False)
            ),
            models.Index(fields=["sent_at"], condition=Q(sent_at__isnull=False), name="email_sent_at"),
            # Few beside those that are sent.
            models.Index(fields=["status", "created_at"], condition=Q(status="queued"), name="email_queued"),
            models.Index(fields=["status", "-created_at"], condition=Q(status="failed"), name="email_failed"),
            models.Index(
                fields=["status", "-created_at"], condition=Q(status="suppressed"), name="email_suppressed"
            ),
            # All that was written to one person, by address or by account.
            models.Index(fields=["recipient_key", "-created_at", "-id"], name="email_recipient"),
            models.Index(
                fields=["user_id", "-created_at", "-id"],
                condition=Q(user_id__isnull=False),
                name="email_user",
            ),
            models.Index(
                fields=["provider_message_id"],
                condition=~Q(provider_message_id=""),
                name="email_provider_message",
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(status__in=EmailStatus.values), name="email_status_known"),
            models.CheckConstraint(
                condition=~Q(status__in=["sent", "delivered", "bounced", "complained"])
                | Q(sent_at__isnull=False),
                name="email_sent_has_its_time",
            ),
            models.CheckConstraint(
                condition=~Q(subject__regex=r"[\r\n]") & ~Q(to__regex=r"[\r\n]"),
                name="email_headers_one_line",
            ),
        ]

    def __str__(self) -> str:
        return self.subject


class EmailFile(models.Model):
    """A file that goes along with e-mails, frozen before they are queued; one row however many get it.

    Its bytes are forgotten after a while (``services.files``); its name and its size stay for the story.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    filename = models.CharField(max_length=MAXIMUM_FILENAME)
    content_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField()
    content = models.BinaryField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "attached file"
        indexes: ClassVar = [
            models.Index(fields=["created_at"], condition=Q(content__isnull=False), name="email_file_kept"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(size__lte=MAXIMUM_ATTACHED) & ~Q(filename__regex=r"[\\/[:cntrl:]]"),
                name="email_file_bounded",
            ),
        ]

    def __str__(self) -> str:
        return self.filename


class EmailAttachment(models.Model):
    """Says that a file goes along with an e-mail, and in which place."""

    id = models.BigAutoField(primary_key=True)
    message = models.ForeignKey(
        EmailMessage, on_delete=models.CASCADE, related_name="attachments", db_index=False
    )
    file = models.ForeignKey(EmailFile, on_delete=models.PROTECT, related_name="attachments")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ("position",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["message", "position"], name="email_attachment_place_once"),
        ]

    def __str__(self) -> str:
        return f"{self.position}"


class AttemptOutcome(models.TextChoices):
    """How one attempt ended; ``begun`` for good means that the worker was lost: nobody knows."""

    BEGUN = "begun", "Begun"
    SENT = "sent", "Accepted"
    RETRY = "retry", "Failed, to be tried again"
    UNKNOWN = "unknown", "No answer: it may have been sent"
    FINAL = "final", "Refused for good"
    PAUSED = "paused", "Refused to the whole channel"


class EmailAttempt(models.Model):
    """One time that an e-mail was handed to the provider: a token of the rate limits, and a line of its story."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    message = models.ForeignKey(EmailMessage, on_delete=models.CASCADE, related_name="attempts")
    recipient_key = models.CharField(max_length=32)
    is_urgent = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=8, choices=AttemptOutcome.choices, default=AttemptOutcome.BEGUN)
    detail = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ("started_at", "id")
        # The last minute's, in all and per recipient: at most a few hundred entries are read.
        indexes: ClassVar = [
            models.Index(
                fields=["started_at"], include=["recipient_key", "is_urgent"], name="email_attempt_minute"
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(outcome="begun", finished_at__isnull=True)
                | (~Q(outcome="begun") & Q(finished_at__isnull=False)),
                name="email_attempt_finished",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} {self.started_at:%Y-%m-%d %H:%M:%S}"


class EmailChannel(models.Model):
    """The one row that says whether e-mail goes out at all; no row: it does."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    paused_until = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(id=1), name="email_channel_is_one")]

    def __str__(self) -> str:
        return "E-mail"
