"""Reading JSON bodies."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class StrictJSONParser(JSONParser):
    """DRF's parser, which also refuses a body nested deeper than Python can follow."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the parsed body; raises ``ParseError`` (400) for anything that is not JSON in UTF-8."""
        try:
            return super().parse(stream, media_type, parser_context)
        except (RecursionError, LookupError) as error:
            # LookupError: a charset that does not exist.
            raise ParseError("JSON parse error - nested too deeply or in an unknown charset") from error
