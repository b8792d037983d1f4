"""The messages that the product can send: each room registers its own in ``ready()``.

The words of a message lie in ``templates/email/<name>/``: ``subject.txt``, ``body.txt`` and, if it has one,
``body.html`` (``{% extends "email/base.html" %}``).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from notifications.errors import UnknownTemplate

# Given to every message by the renderer.
PROVIDED = frozenset({"site_name", "site_url", "subject", "kind_title", "unsubscribe_url"})
_NAME = re.compile(r"[a-z][a-z0-9_]{0,79}")


@dataclass(frozen=True, slots=True)
class EmailTemplate:
    """One kind of message: the variables that it must and may be given, and whether it goes before bulk mail."""

    name: str
    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    urgent: bool = False

    def __init__(
        self,
        name: str,
        required: Iterable[str] = (),
        urgent: bool = False,
        optional: Iterable[str] = (),
    ) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "required", frozenset(required))
        object.__setattr__(self, "optional", frozenset(optional))
        object.__setattr__(self, "urgent", urgent)
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot name a folder of templates/email")
        if reserved := (self.required | self.optional) & PROVIDED:
            raise ValueError(
                f"{name!r} declares {', '.join(sorted(reserved))}, which every message is given anyway"
            )

    @property
    def subject_file(self) -> str:
        """Return where its subject lies, below the template folders."""
        return f"email/{self.name}/subject.txt"

    @property
    def text_file(self) -> str:
        """Return where its text part lies."""
        return f"email/{self.name}/body.txt"

    @property
    def html_file(self) -> str:
        """Return where its HTML part lies, if it has one."""
        return f"email/{self.name}/body.html"


class Registry:
    """All messages by name. Filled before the first is queued, unchanged afterwards."""

    def __init__(self) -> None:
        self._templates: dict[str, EmailTemplate] = {}

    def register(self, template: EmailTemplate) -> None:
        """Make a message known; the same name with other terms is a ``ValueError``."""
        if self._templates.setdefault(template.name, template) != template:
            raise ValueError(f"The e-mail template {template.name!r} is registered twice, differently")

    def remove(self, name: str) -> None:
        """Forget a message."""
        self._templates.pop(name, None)

    def get(self, name: str) -> EmailTemplate:
        """Return the message of this name, or raise ``UnknownTemplate``."""
        try:
            return self._templates[name]
        except KeyError:
            raise UnknownTemplate(name) from None

    def all(self) -> list[EmailTemplate]:
        """Return every message, by name."""
        return [self._templates[name] for name in sorted(self._templates)]


registry = Registry()
register = registry.register
