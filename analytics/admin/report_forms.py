"""The form of a scheduled report. It checks shapes only; what the service refuses is told at its field."""

from typing import Any
from uuid import UUID

from django import forms
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from analytics.models import ScheduledReport, Weekday
from analytics.models.reports import MAXIMUM_NAME
from analytics.services.reports.rules import allowed_people
from analytics.types.exports import ReportFormat
from analytics.types.reports import ReportInput, Timetable
from common.admin.widgets import Checkboxes
from events.models import Event

PLAIN = ("name", "cadence")


class TimeOfDayInput(UnfoldAdminTextInputWidget):
    """A time of day, with the browser's own picker."""

    input_type = "time"

    def format_value(self, value: Any) -> str | None:
        """Show what the browser's picker reads."""
        return f"{value:%H:%M}" if hasattr(value, "strftime") else value


class ReportForm(forms.ModelForm):  # type: ignore[type-arg]
    """A report of one event: its clocks decide the time, its organization's people are those to choose from."""

    name = forms.CharField(max_length=MAXIMUM_NAME, widget=UnfoldAdminTextInputWidget())
    weekday = forms.TypedChoiceField(
        coerce=int, empty_value=None, required=False, choices=[("", "-"), *Weekday.choices],
        widget=UnfoldAdminSelectWidget(), help_text="Of a weekly report.",
    )  # fmt: skip
    day_of_month = forms.IntegerField(
        min_value=1, max_value=31, required=False, widget=UnfoldAdminIntegerFieldWidget(),
        help_text="Of a monthly report, 1 to 31. A shorter month has it on its last day.",
    )  # fmt: skip
    local_time = forms.TimeField(widget=TimeOfDayInput(), label="Time")
    formats = forms.MultipleChoiceField(
        choices=ReportFormat.choices, widget=Checkboxes("Formats"), help_text="One or more; 10 MB together."
    )
    recipient_ids = forms.MultipleChoiceField(
        widget=Checkboxes("Recipients"), label="Recipients",
        help_text="People of the organization who may see analytics. Who may not any more gets nothing.",
    )  # fmt: skip

    # Set by the screen: whose report it is.
    event: Event

    class Meta:
        model = ScheduledReport
        fields = PLAIN
        help_texts = {"cadence": "It covers the day before, the 7 days before, or the month before."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        report: ScheduledReport = self.instance
        # Who only looks has no fields.
        if "recipient_ids" not in self.fields:
            return
        self.fields["local_time"].help_text = (
            f"As clocks at the event say: {self.event.time_zone}. A time that they skip is the moment they go on; "
            "one that they show twice is the first."
        )
        chosen = () if report._state.adding else tuple(report.recipients.values_list("user_id", flat=True))
        self._offer(chosen)
        if report._state.adding:
            report.event = self.event
            return
        shown = ("weekday", "day_of_month", "local_time", "formats")
        self.initial.update({name: getattr(report, name) for name in shown})
        self.initial["recipient_ids"] = [str(one) for one in chosen]

    def _offer(self, chosen: tuple[UUID, ...]) -> None:
        field = self.fields["recipient_ids"]
        allowed = allowed_people(self.event.organization_id).values()
        if isinstance(field, forms.MultipleChoiceField):
            field.choices = [
                (str(one.pk), f"{one.name} ({one.email})" if one.name else one.email) for one in allowed
            ]
            gone = len(set(chosen) - {one.pk for one in allowed})
            if gone:
                field.help_text = (
                    f"{field.help_text} {gone} of its recipients may not, and leave it when you save."
                )

    def as_input(self) -> ReportInput:
        """Return what was typed as the service takes it."""
        data = self.cleaned_data
        table = Timetable(data["cadence"], data["local_time"], data["weekday"], data["day_of_month"])
        people = tuple(UUID(one) for one in data["recipient_ids"])
        return ReportInput(data["name"], table, tuple(data["formats"]), people)

    def _get_validation_exclusions(self) -> set[str]:
        """Leave the model's own checks out: the service judges, once for all doors."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded | {field.name for field in ScheduledReport._meta.get_fields()}
