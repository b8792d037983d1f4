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


def _code(text: str) -> Any:
    return segno.make_qr(text, error=_ERROR, boost_error=False)
