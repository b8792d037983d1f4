"""Start-up check: every registered e-mail has its words, and they can be parsed."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.template import TemplateDoesNotExist, TemplateSyntaxError

from notifications import kinds
from notifications.services.rendering import engine_for
from notifications.templates import EmailTemplate, registry


@register(Tags.templates)
def email_templates(**_: Any) -> list[CheckMessage]:
    """Name each registered e-mail whose files are missing or cannot be parsed."""
    return [error for template in registry.all() for error in _errors(template)]


@register(Tags.templates)
def message_kinds(**_: Any) -> list[CheckMessage]:
    """Name each registered e-mail of which nobody can say whether people may do without it."""
    return [
        Error(f"The e-mail {template.name!r} belongs to no kind of messages", id="notifications.E003")
        for template in registry.all()
        if kinds.find(template.name) is None
    ]


def _errors(template: EmailTemplate) -> Iterator[CheckMessage]:
    files = (
        (template.subject_file, False, True),
        (template.text_file, False, True),
        (template.html_file, True, False),
    )
    for file, autoescape, is_needed in files:
        try:
            engine_for(autoescape=autoescape).get_template(file)
        except TemplateDoesNotExist:
            if is_needed:
                yield Error(f"The e-mail {template.name!r} has no {file}", id="notifications.E001")
        except TemplateSyntaxError as error:
            yield Error(f"{file}: {error}", id="notifications.E002")
