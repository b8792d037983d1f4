"""SciPy, loaded when it is first needed: its import takes seconds, which no web process should start with."""

import importlib
from typing import Any


def stats() -> Any:
    """Return ``scipy.stats``."""
    return importlib.import_module("scipy.stats")
