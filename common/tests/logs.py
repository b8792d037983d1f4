"""The log as it is written: every logger, the configured formatter, one JSON object a line."""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django.conf import settings

from common.logging import configure


@contextmanager
def written(levels: Mapping[str, str]) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Give what is asked for the lines so far; ``levels`` as in the settings."""
    stream = io.StringIO()
    try:
        with patch("sys.stderr", stream):
            configure({"levels": dict(levels), "json": True})
            yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    finally:
        configure(settings.LOGGING)
