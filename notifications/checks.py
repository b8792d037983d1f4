"""Start-up checks: every registered e-mail has its words and a kind, and its provider can be heard."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as StartupWarning
from django.template import TemplateDoesNotExist, TemplateSyntaxError

from notifications import kinds
from notifications.mailer.signatures import key_of
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


@register(Tags.security)
def email_webhook(**_: Any) -> list[CheckMessage]:
    """Name what keeps the provider's webhooks out: a secret that is none (an error), or none at all (a warning)."""
    if settings.RESEND_API_KEY and not settings.RESEND_WEBHOOK_SECRETS:
        return [
            StartupWarning(
                "RESEND_WEBHOOK_SECRET is missing: nobody hears of deliveries, bounces and complaints.",
                hint="Add a webhook at Resend and set its signing secret.",
                id="notifications.W001",
            )
        ]
    if all(_is_secret(one) for one in settings.RESEND_WEBHOOK_SECRETS):
        return []
    hint = "Copy the signing secret, whsec_ and base64; several are comma-separated."
    return [Error("RESEND_WEBHOOK_SECRET is no secret of a webhook.", hint=hint, id="notifications.E004")]


def _is_secret(text: str) -> bool:
    try:
        return bool(key_of(text))
    except ValueError:
        return False


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
