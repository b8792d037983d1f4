"""From a registered message and its variables to frozen words."""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import structlog
from django.conf import settings
from django.template import Context, Engine, TemplateDoesNotExist
from django.template.backends.django import get_installed_libraries

from notifications.errors import BrokenTemplate, MissingVariables, UnknownVariables
from notifications.templates import EmailTemplate

SITE_NAME = "Marquee"
LONGEST_SUBJECT = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_BLANK_LINES = re.compile(r"\n{3,}")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Rendered:
    """The words of one e-mail. ``html`` is empty when the message has no HTML part or it failed."""

    subject: str
    text: str
    html: str


class _Undeclared(str):
    """What Django puts in the place of a variable that it cannot find: here, a refusal that names it."""

    __slots__ = ()

    def __contains__(self, _part: object) -> bool:
        return True

    def __mod__(self, variable: object) -> NoReturn:
        raise BrokenTemplate(f"The template reads {variable}, which was not given")


def render(
    template: EmailTemplate, variables: Mapping[str, Any], *, kind_title: str = "", unsubscribe_url: str = ""
) -> Rendered:
    """Return the words of the message. With an ``unsubscribe_url`` its footer offers to do without its kind.

    Raises ``MissingVariables`` or ``UnknownVariables``, naming them, and ``BrokenTemplate`` when the subject or
    the text part cannot be made. An HTML part that fails is left out and logged.
    """
    _check(template, variables)
    values: dict[str, Any] = {
        **dict.fromkeys(template.optional, ""),
        **variables,
        "site_name": SITE_NAME,
        "site_url": settings.FRONTEND_URL,
        "kind_title": kind_title,
        "unsubscribe_url": unsubscribe_url,
    }
    subject = one_line(_plain(template.subject_file, values))
    text = _tidy(_plain(template.text_file, values | {"subject": subject}))
    if not subject or not text.strip():
        raise BrokenTemplate(f"The e-mail {template.name!r} came out without a subject or without words")
    return Rendered(subject, text, _html(template, values | {"subject": subject}))


def one_line(text: str) -> str:
    """Return the text as one bounded line, so that nobody's words can begin another header."""
    line = " ".join(_CONTROL.sub(" ", text).split())
    return line if len(line) <= LONGEST_SUBJECT else f"{line[: LONGEST_SUBJECT - 1]}…"


def engine_for(*, autoescape: bool) -> Engine:
    """Return the engine of the HTML parts (escaping) or of the text parts (not)."""
    folders: list[Path] = settings.TEMPLATES[0]["DIRS"]  # type: ignore[assignment]  # the stubs say object
    return _engine(tuple(str(folder) for folder in folders), autoescape)


@functools.lru_cache(maxsize=8)
def _engine(folders: tuple[str, ...], autoescape: bool) -> Engine:
    return Engine(
        dirs=list(folders),
        app_dirs=True,
        autoescape=autoescape,
        string_if_invalid=_Undeclared("undeclared"),
        libraries=get_installed_libraries(),
    )


def _check(template: EmailTemplate, variables: Mapping[str, Any]) -> None:
    given = {name for name, value in variables.items() if value is not None}
    if missing := template.required - given:
        raise MissingVariables(template.name, missing)
    if unknown := variables.keys() - template.required - template.optional:
        raise UnknownVariables(template.name, unknown)


def _plain(file: str, values: Mapping[str, Any]) -> str:
    try:
        return _render(file, values, autoescape=False)
    except BrokenTemplate as error:
        raise BrokenTemplate(f"{file}: {error}") from error
    except Exception as error:
        # Tags and filters raise what they like.
        raise BrokenTemplate(f"{file} cannot be rendered: {type(error).__name__}: {error}") from error


def _html(template: EmailTemplate, values: Mapping[str, Any]) -> str:
    try:
        return _render(template.html_file, values, autoescape=True)
    except TemplateDoesNotExist as error:
        if str(error) == template.html_file:
            return ""
        log.exception("email_html_failed", template=template.name)
    except Exception:
        # Whatever broke the HTML part, the text part says the same and must go out.
        log.exception("email_html_failed", template=template.name)
    return ""


def _render(file: str, values: Mapping[str, Any], *, autoescape: bool) -> str:
    # None is shown as "None" by Django: an optional variable that is not known is left blank.
    shown = {name: "" if value is None else value for name, value in values.items()}
    return engine_for(autoescape=autoescape).get_template(file).render(Context(shown, autoescape=autoescape))


def _tidy(text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n"))
    return _BLANK_LINES.sub("\n\n", lines).strip("\n") + "\n"
