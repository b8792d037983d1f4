"""What forms of the house are filled in with, where the theme has nothing that fits."""

from typing import Any

from django.forms import CheckboxSelectMultiple
from django.forms.renderers import BaseRenderer
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget


class LocalTimeInput(UnfoldAdminTextInputWidget):
    """A date and a time to the second in one field, with the browser's own picker."""

    input_type = "datetime-local"
    supports_microseconds = False

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"step": "1", **(attrs or {})})

    def format_value(self, value: Any) -> str | None:
        """Show what the browser's picker reads."""
        return f"{value:%Y-%m-%dT%H:%M:%S}" if hasattr(value, "strftime") else value


class DayInput(UnfoldAdminTextInputWidget):
    """A day, with the browser's own picker."""

    input_type = "date"

    def format_value(self, value: Any) -> str | None:
        """Show what the browser's picker reads."""
        return f"{value:%Y-%m-%d}" if hasattr(value, "strftime") else value


class Checkboxes(CheckboxSelectMultiple):
    """Choices to tick. Screen readers hear them as one group with its name, its help and its error."""

    def __init__(self, label: str, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.label = label

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: BaseRenderer | None = None
    ) -> SafeString:
        """Return the group. ``aria-invalid`` stands at each box: a group cannot carry it."""
        widget = self.get_context(name, value, attrs)["widget"]
        is_wrong = widget["attrs"].get("aria-invalid") == "true"
        context = {"widget": widget, "label": self.label, "is_wrong": is_wrong}
        return SafeString(render_to_string("admin/checkboxes.html", context))
