"""A code as a picture."""

import io
from typing import Any

import segno

# Quiet zone and error correction as ISO/IEC 18004 asks for; M survives a scratched screen.
_BORDER = 4
_ERROR = "m"


def png(text: str, *, scale: int = 8) -> bytes:
    """Return the code as a PNG, ``scale`` pixels for each of its squares."""
    out = io.BytesIO()
    _code(text).save(out, kind="png", scale=scale, border=_BORDER)
    return out.getvalue()


def svg(text: str) -> bytes:
    """Return the code as an SVG that fills what it is put into; black on white on every theme."""
    out = io.BytesIO()
    _code(text).save(out, kind="svg", border=_BORDER, light="white", omitsize=True, xmldecl=False, nl=False)
    return out.getvalue()


def squares(text: str) -> list[list[int]]:
    """Return the code's rows, 1 for each dark square, without the quiet zone."""
    return [[int(bool(square)) for square in row] for row in _code(text).matrix]


def _code(text: str) -> Any:
    return segno.make_qr(text, error=_ERROR, boost_error=False)
