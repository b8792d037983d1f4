"""E-mails to speak of in tests."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

from notifications import templates
from notifications.models import EmailMessage
from notifications.services.email import queue_email
from notifications.templates import EmailTemplate

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
_numbers = count(1)

SUBJECT = "Your code for {{ title }}"
TEXT = (
    '{% extends "email/base.txt" %}{% block content %}'
    "Hello {{ name }}, here is {{ title }}: {{ code }}{% endblock %}"
)
HTML = (
    '{% extends "email/base.html" %}{% block content %}<p>Hello {{ name }}</p>'
    '{% include "email/code.html" %}{% include "email/button.html" with url=site_url label=title %}{% endblock %}'
)
VARIABLES = frozenset({"title", "name", "code"})
CONTEXT: Mapping[str, Any] = {"title": "Backstage video", "name": "Ada", "code": "AB-12"}


@contextmanager
def message_kind(
    folder: Path,
    *,
    subject: str = SUBJECT,
    text: str = TEXT,
    html: str | None = HTML,
    required: frozenset[str] = VARIABLES,
    optional: frozenset[str] = frozenset(),
    urgent: bool = False,
) -> Iterator[str]:
    """Register a message whose words lie in ``folder`` (one of the template folders) and name it."""
    name = f"test_message_{next(_numbers)}"
    words = folder / "email" / name
    words.mkdir(parents=True)
    (words / "subject.txt").write_text(subject)
    (words / "body.txt").write_text(text)
    if html is not None:
        (words / "body.html").write_text(html)
    templates.register(EmailTemplate(name, required=required, optional=optional, urgent=urgent))
    try:
        yield name
    finally:
        templates.registry.remove(name)


def queue(template: str, **changes: Any) -> UUID:
    """Queue one e-mail; what is not said is as good as anything."""
    given: dict[str, Any] = {
        "template": template,
        "to": "ada@example.com",
        "context": CONTEXT,
        "dedupe_key": f"test:{next(_numbers)}",
        "urgent": True,
        "now": NOON,
    }
    return queue_email(**given | changes)


def stored(email_id: UUID) -> EmailMessage:
    """Return the e-mail as the database has it."""
    return EmailMessage.objects.get(id=email_id)
