"""Reading bodies at the doors that many use at once: msgspec instead of a serializer, the same errors."""

import re
from typing import Any, Final

import msgspec
from django.http import HttpRequest

from common.errors import FieldError, Invalid

# How msgspec ends its messages: "... - at `$.events[2].id`".
_AT: Final = re.compile(r"^(?P<message>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)


def decoded(decoder: "msgspec.json.Decoder[Any]", body: bytes) -> Any:
    """Return what the body says. Raises ``Invalid`` with the field that is wrong, or for a body that is no JSON."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Invalid(errors=[field_error(error)]) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid.field("", "invalid", "The body is not JSON.") from error


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
