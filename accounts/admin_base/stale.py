"""Forms that were overtaken: what somebody else changed since a page was opened is not undone by saving it.

The form of an object's page sends every field, so a page opened before a colleague's change would put the old price,
or an offer that was paused, back. Each page therefore says what it showed, and saving it is refused at the fields that
stand otherwise by now. The page that tells so shows what was typed and knows the new state: saved again, it counts. Of
the acts, those that set many things at once compare too. A form whose fields are read in units, such as a price's
currency, names them in ``units``: with another unit the same number is something else.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from django.db.models import Model, QuerySet
from django.forms import BaseForm, ModelChoiceField
from django.utils.choices import flatten_choices

FIELD = "_shown"
_HEX_DIGITS = 16


def shown_by(form: BaseForm) -> str:
    """Return what the form shows of the saved object, a short hash per field; "" for a form without fields."""
    return " ".join(f"{name}={_hash(form, name)}" for name in form.fields)


def refuse_overtaken(form: BaseForm, shown: str) -> None:
    """Add an error to each field that the page showed otherwise than it is now.

    Fields that ``shown`` does not name are not compared: who sends no page's state has looked at none.
    """
    for part in shown.split():
        name, _, known = part.partition("=")
        if name in form.fields and known != _hash(form, name):
            form.add_error(name, _told(form, name))


def _told(form: BaseForm, name: str) -> str:
    now = (
        ""
        if isinstance(form.fields[name], ModelChoiceField)
        else _words(_saved(form, name), _labels(form, name))
    )
    unit = _unit(form, name)
    what = f"it is “{now}{unit and f' {unit}'}” now" if now else "see its history"
    return f"Somebody changed this after you opened the page: {what}. Set what is to hold, and save again."


def _labels(form: BaseForm, name: str) -> dict[str, str]:
    """Return how the page names the choices that are stored as codes."""
    choices: Any = flatten_choices(getattr(form.fields[name], "choices", ()))
    return {str(stored): str(shown) for stored, shown in choices if stored not in {None, ""}}


def _words(value: Any, labels: dict[str, str]) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None or value == "":
        return "empty"
    return labels.get(str(value), str(value)) if isinstance(value, str | int) else ""


def _saved(form: BaseForm, name: str) -> Any:
    return form[name].initial


def _unit(form: BaseForm, name: str) -> str:
    units: dict[str, str] = getattr(form, "units", {})
    return units.get(name, "")


def _hash(form: BaseForm, name: str) -> str:
    shown = repr(_plain(_saved(form, name))) + _unit(form, name)
    return sha256(shown.encode()).hexdigest()[:_HEX_DIGITS]


def _plain(value: Any) -> Any:
    """Return the value in a form that is the same each time it is read."""
    if isinstance(value, Model):
        return str(value.pk)
    if isinstance(value, QuerySet | list | tuple | set | frozenset):
        return sorted(str(_plain(one)) for one in value)
    return str(value)
