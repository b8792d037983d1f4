"""Addresses that answer with a file: which form it has is not the ``Accept`` header's to say."""

from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class FileNegotiation(BaseContentNegotiation):
    """Answers with the file whatever the caller accepts: it has one form, or the query names it."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """Take the first."""
        return parsers[0]

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Take the first; what is refused is a problem document."""
        return renderers[0], renderers[0].media_type
