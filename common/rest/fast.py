"""Reading bodies at the doors that many use at once: msgspec instead of a serializer, the same errors."""

import re
from typing import Any, Final

import msgspec
from django.http import HttpRequest

from common.errors import FieldError, Invalid

# How msgspec ends its messages: "... - at `$.events[2].id`".
_AT: Final = re.compile(r"^(?P<message>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)
# An escaped backslash, a whole sign of two halves, or (the group) half of one.
_ESCAPES: Final = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)


def decoded(decoder: "msgspec.json.Decoder[Any]", body: bytes) -> Any:
    """Return what the body says. Raises ``Invalid`` with the field that is wrong, or for a body that is no JSON.

    JavaScript may write half a sign (one of two UTF-16 units) as an escape, for which the reader refuses the whole
    text. Then it becomes the sign for what cannot be shown, so that nothing else is lost for it.
    """
    try:
        try:
            return decoder.decode(body)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            mended = _mended(body)
            if mended == body:
                raise
            return decoder.decode(mended)
    except msgspec.ValidationError as error:
        raise Invalid(errors=[field_error(error)]) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid.field("", "invalid", "The body is not JSON.") from error


def _mended(body: bytes) -> bytes:
    return _ESCAPES.sub(lambda found: b"\\ufffd" if found[1] else found[0], body)


def field_error(error: msgspec.ValidationError, prefix: str = "") -> FieldError:
    """Return what msgspec found wrong as the house says it, the field dotted and indexed."""
    found = _AT.match(str(error))
    message, path = (found["message"], found["path"] or "") if found else (str(error), "")
    missing = re.match(r"Object missing required field `([^`]+)`", message)
    if missing:
        return FieldError(f"{prefix}{path}.{missing[1]}".lstrip("."), "required", "This field is required.")
    return FieldError(f"{prefix}{path}".lstrip("."), "invalid", f"{message}.")


def body_of(request: HttpRequest, *, most: int) -> bytes:
    """Return the body, whatever its content type says: a beacon's is ``text/plain``.

    One that says that it is too long was refused before. Raises ``Invalid`` for one that did not say, after ``most``
    bytes of it.
    """
    body = request.read(most + 1)
    if len(body) > most:
        raise Invalid.field("", "too_large", f"A body has at most {most} bytes.")
    return body
