"""What the acts on a queue ask. Each refusal of a service is shown at its field."""

from typing import Any
from uuid import UUID

from django import forms
from django.core.validators import MaxLengthValidator
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from accounts.admin_base import ActForm, refuse_overtaken, shown_by
from common.admin.times import read_in
from common.admin.widgets import LocalTimeInput
from events.models import Session
from events.services.sessions import MAXIMUM_CAPACITY
from tickets.models import Priority, TicketTier
from waitlist.models import GroupRule, TierPriority, WaitlistPolicy
from waitlist.services.history import LONGEST_REASON
from waitlist.services.policies import LONGEST_MINUTES, SHORTEST_MINUTES
from waitlist.services.staff import MOST_OFFERS
from waitlist.types import PolicyInput


class QueueForm(ActForm):
    """Asks why; the session is at hand for what else a form asks."""

    is_reason_needed = False

    def __init__(self, *args: Any, session: Session, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.session = session
        reason = self.fields["reason"]
        reason.required = self.is_reason_needed
        reason.validators.append(MaxLengthValidator(LONGEST_REASON))
        reason.widget.attrs["maxlength"] = LONGEST_REASON
        self.order_fields([name for name in self.fields if name != "reason"])


class ReasonedForm(QueueForm):
    """Does not go without saying why."""

    is_reason_needed = True


class CountForm(QueueForm):
    """How many are offered a seat."""

    count = forms.IntegerField(
        min_value=1,
        max_value=MOST_OFFERS,
        widget=UnfoldAdminIntegerFieldWidget(),
        label="How many",
        help_text=f"The next in the queue, {MOST_OFFERS} at most, and no more than seats are free.",
    )


class PositionForm(ReasonedForm):
    """Which place."""

    position = forms.IntegerField(
        min_value=1,
        widget=UnfoldAdminIntegerFieldWidget(),
        label="New position",
        help_text="1 is the next to be offered a seat; past the end is the end.",
    )


class CapacityForm(QueueForm):
    """How many seats."""

    maximum_capacity = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MAXIMUM_CAPACITY,
        widget=UnfoldAdminIntegerFieldWidget(),
        label="Capacity",
        help_text="Seats in all; empty: unlimited. Lowering it takes nobody's seat or open offer away.",
    )


class TermsForm(QueueForm):
    """The organizer's terms: groups, closing time, how long offers last, what each tier counts for."""

    group_rule = forms.ChoiceField(
        choices=GroupRule.choices,
        widget=UnfoldAdminSelectWidget(),
        label="When the next group is larger than what is free",
    )
    closes_at = forms.DateTimeField(
        required=False,
        widget=LocalTimeInput(),
        label="Closing time",
        help_text="After it nobody joins and nothing is offered by itself. Empty: until the session begins.",
    )
    offer_minutes = forms.IntegerField(
        required=False,
        min_value=SHORTEST_MINUTES,
        max_value=LONGEST_MINUTES,
        widget=UnfoldAdminIntegerFieldWidget(),
        label="Minutes to answer an offer",
        help_text="Empty: as for all sessions.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = self.session.event.time_zone
        self.fields["closes_at"].help_text += f" As clocks at the event say: {zone}."
        self.tiers = list(TicketTier.objects.filter(event_id=self.session.event_id))
        for tier in self.tiers:
            self.fields[_name(tier.pk)] = forms.ChoiceField(
                required=False,
                choices=[("", f"As it is ({tier.get_priority_display()})"), *Priority.choices],
                widget=UnfoldAdminSelectWidget(),
                label=f"In this queue, {tier.name} counts as",
            )
        self.order_fields([name for name in self.fields if name != "reason"])
        # What the page showed: it sends all terms, and puts none back that somebody else changed meanwhile.
        stored = WaitlistPolicy.objects.filter(pk=self.session.pk).first()
        self.stored = stored or WaitlistPolicy(session=self.session)
        self.initial = _terms_of(self.session, self.stored)
        shown = shown_by(self)
        self.fields["shown"] = forms.CharField(required=False, widget=forms.HiddenInput(), initial=shown)

    def clean(self) -> dict[str, Any]:
        """Refuse what a colleague changed since the page was opened; the page that says so knows it."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        refuse_overtaken(self, self.data.get("shown", ""))
        self.data = {**dict(self.data.items()), "shown": self.fields["shown"].initial}
        return data

    def clean_closes_at(self) -> Any:
        """Read the time at the event."""
        read = self.cleaned_data["closes_at"]
        return None if read is None else read_in(self.session.event.zone, read, self.stored.closes_at)

    def policy(self) -> PolicyInput:
        """Return what was chosen."""
        data = self.cleaned_data
        chosen = {tier.pk: data[_name(tier.pk)] for tier in self.tiers if data[_name(tier.pk)]}
        return PolicyInput(data["group_rule"], data["closes_at"], data["offer_minutes"], chosen)


def _terms_of(session: Session, policy: WaitlistPolicy) -> dict[str, Any]:
    """Return the session's terms as they stand."""
    counts = TierPriority.objects.filter(session=session).values_list("tier_id", "priority")
    return {
        "group_rule": policy.group_rule,
        "closes_at": policy.closes_at
        and policy.closes_at.astimezone(session.event.zone).replace(tzinfo=None),
        "offer_minutes": policy.offer_seconds and policy.offer_seconds // 60,
        **{_name(tier_id): priority for tier_id, priority in counts},
    }


def _name(tier_id: UUID) -> str:
    return f"tier_{tier_id.hex}"
