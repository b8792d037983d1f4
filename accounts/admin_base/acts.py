"""Deeds on rows: declared on a ``ModelAdmin`` method, run for each row by itself.

    @act("Re-issue", capability=Capability.REISSUE, explain="The old code stops working.")
    def reissue(self, call: ActCall[Ticket]) -> str:
        reissue_ticket(actor=call.actor, ticket_id=call.subject.pk, reason=call.reason, now=call.now)
        return "A new code was sent."

The sentence that the method returns stands beside the row; a ``Failure`` that it raises stands there too, and the
other rows go on. The method calls a service, which is one transaction and writes the audit entry.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.types import Capability
from common.errors import Failure
from common.types import Actor

M = TypeVar("M", bound=Model)
_ATTRIBUTE = "marquee_act"


class ActForm(forms.Form):
    """What every act asks: why. Acts that need more name a subclass of it."""

    reason = forms.CharField(
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Kept in the audit history.",
    )

    def facts(self) -> list[tuple[str, str]]:
        """Return what one should know before one answers, as names and values; override."""
        return []

    def refused(self, refusal: "Failure | ValidationError") -> None:
        """Show why the service refused; override where the form has to change before it is sent again."""
        show_refusal(self, refusal)


@dataclass(frozen=True, slots=True)
class ActCall(Generic[M]):
    """One row's turn: the row, who acts, why, what else the form asked, when."""

    subject: M
    actor: Actor
    reason: str
    data: dict[str, Any]
    now: datetime


@dataclass(frozen=True, slots=True)
class Act:
    """How an act is shown and who may do it."""

    name: str
    label: str
    capability: Capability
    explain: str = ""
    form: type[ActForm] = ActForm
    icon: str = "bolt"
    is_dangerous: bool = False
    on_many: bool = True
    run: Callable[..., str] = field(default=lambda *_: "", repr=False)


@dataclass(frozen=True, slots=True)
class ActResult:
    """What came of one row: the sentence, or why it was refused."""

    subject: Model
    message: str
    refusal: Failure | ValidationError | None = None

    @classmethod
    def refused(cls, subject: Model, refusal: Failure | ValidationError) -> "ActResult":
        """Return a refused row."""
        return cls(subject, sentence(refusal), refusal)

    @property
    def is_done(self) -> bool:
        """Say whether the act was carried out on it."""
        return self.refusal is None


def act(
    label: str,
    *,
    capability: Capability,
    explain: str = "",
    form: type[ActForm] = ActForm,
    icon: str = "bolt",
    is_dangerous: bool = False,
    on_many: bool = True,
) -> Callable[[Callable[..., str]], Callable[..., str]]:
    """Declare a method of a ``ScopedModelAdmin`` as an act; ``on_many`` offers it in the list's actions too."""

    def declare(method: Callable[..., str]) -> Callable[..., str]:
        declared = Act(
            method.__name__, label, capability, explain, form, icon, is_dangerous, on_many, run=method
        )
        setattr(method, _ATTRIBUTE, declared)
        return method

    return declare


def acts_of(admin_class: type) -> dict[str, Act]:
    """Return what the class and its bases declare, by name, in the order of their names."""
    found = {}
    for name in dir(admin_class):
        declared = getattr(getattr(admin_class, name, None), _ATTRIBUTE, None)
        if isinstance(declared, Act):
            found[name] = declared
    return found


def sentence(error: Failure | ValidationError) -> str:
    """Return a refusal as one line for a person."""
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    details = [one.message for one in error.errors]
    return " ".join(details) if details else error.detail


def show_refusal(form: forms.BaseForm, refusal: Failure | ValidationError) -> None:
    """Put each error at its field, or above the form when the form has no such field."""
    if isinstance(refusal, ValidationError):
        known = getattr(refusal, "error_dict", {})
        for name, errors in known.items():
            form.add_error(name if name in form.fields else None, errors)
        if not known:
            form.add_error(None, refusal.messages)
        return
    for one in refusal.errors:
        form.add_error(one.field if one.field in form.fields else None, one.message)
    if not refusal.errors:
        form.add_error(None, sentence(refusal))
