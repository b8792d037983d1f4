"""The forms of events and sessions: times are typed, and shown again, as the clocks at the event say them."""

from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from common.admin.times import read_in
from events.models import Event, Session

_TIMES = ("starts_at", "ends_at")


class LocalTimesForm(forms.ModelForm):  # type: ignore[type-arg]
    """Reads and shows ``starts_at`` and ``ends_at`` in the zone of the event."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = None if self.instance._state.adding else self.known_zone()
        for name in _TIMES:
            if zone is not None:
                self.initial[name] = timezone.make_naive(getattr(self.instance, name), zone)
            if name in self.fields:
                where = "" if zone is None else f": {zone.key}"
                self.fields[name].help_text = f"As clocks at the event say{where}."

    def known_zone(self) -> ZoneInfo:
        """Return the zone of what is saved already."""
        raise NotImplementedError

    def chosen_zone(self, data: dict[str, Any]) -> ZoneInfo | None:
        """Return the zone that the form means; None when it names none that there is."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        """Read the times in the zone of the event."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        zone = self.chosen_zone(data)
        for name in _TIMES:
            if zone is None or data.get(name) is None:
                continue
            try:
                data[name] = read_in(zone, data[name], getattr(self.instance, name))
            except ValidationError as error:
                self.add_error(name, error)
        return data


class EventForm(LocalTimesForm):
    """An event. With another zone its clocks show the same times, so it happens at others."""

    class Meta:
        model = Event
        fields = (
            "organization",
            "slug",
            "title",
            "description",
            "time_zone",
            "currency",
            "visibility",
            *_TIMES,
        )

    def known_zone(self) -> ZoneInfo:
        """Return the event's."""
        event: Event = self.instance
        return event.zone

    def chosen_zone(self, data: dict[str, Any]) -> ZoneInfo | None:
        """Return the one that was typed; whether it will do is the service's to say."""
        try:
            return ZoneInfo(data.get("time_zone") or "")
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return None


class SessionForm(LocalTimesForm):
    """A session, at the clocks of its event."""

    class Meta:
        model = Session
        fields = ("event", "slug", "title", "description", "starts_at", "ends_at", "maximum_capacity")

    def known_zone(self) -> ZoneInfo:
        """Return its event's."""
        session: Session = self.instance
        return session.event.zone

    def chosen_zone(self, data: dict[str, Any]) -> ZoneInfo | None:
        """Return its event's, or that of the event which was chosen."""
        event = data.get("event") if self.instance._state.adding else self.instance.event
        return None if event is None else event.zone
