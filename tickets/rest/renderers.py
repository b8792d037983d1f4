"""Forms in which a code is answered, for the negotiation by ``Accept``; the view makes the bytes."""

from typing import Any

from rest_framework.renderers import BaseRenderer


class _Ready(BaseRenderer):
    """Passes on what the view made."""

    charset = None
    render_style = "binary"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> Any:
        """Return the bytes as they are."""
        return data


class PngRenderer(_Ready):
    """A picture of squares."""

    media_type = "image/png"
    format = "png"


class PdfRenderer(_Ready):
    """Pages for printing."""

    media_type = "application/pdf"
    format = "pdf"


class SvgRenderer(_Ready):
    """A picture that stays sharp."""

    media_type = "image/svg+xml"
    format = "svg"
