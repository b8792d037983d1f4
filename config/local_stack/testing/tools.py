"""Programs of the machine that some tests need, and how those tests are skipped without them."""

import os
import shutil
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Tool:
    """A program, the marker of the tests that need it, and the names it is installed under."""

    name: str
    marker: str
    tests: str
    programs: tuple[str, ...]

    @property
    def path(self) -> str | None:
        """Where it is; None when it is not installed."""
        return next((found for program in self.programs if (found := shutil.which(program))), None)


CHROMIUM = Tool("Chromium", "browser", "browser tests", ("chromium", "chromium-browser", "google-chrome"))
NODE = Tool("node", "node", "tests of the page scripts", ("node", "nodejs"))
PROMTOOL = Tool("promtool", "promtool", "tests of the alerts", ("promtool",))
TOOLS = (CHROMIUM, NODE, PROMTOOL)


def missing_tools() -> list[Tool]:
    """List what is not installed here."""
    return [tool for tool in TOOLS if tool.path is None]


def chromium_path() -> str:
    """Give Chromium's program: CHROMIUM, or the one on the path; LookupError without one."""
    path = os.environ.get("CHROMIUM") or CHROMIUM.path
    if path is None:
        raise LookupError("Chromium is not installed")
    return path


def light_chromium_path() -> str:
    """Give the same engine without a browser's windows where that is installed: it takes a third less processor time.

    It has neither notifications nor a camera. CHROMIUM decides for all tests.
    """
    light = None if os.environ.get("CHROMIUM") else shutil.which("chromium-headless-shell")
    return light or chromium_path()


def main() -> int:
    """Say what this machine cannot run; 1 in CI, where nothing may be skipped."""
    missing = missing_tools()
    for tool in missing:
        sys.stdout.write(f"  -- {tool.tests} are skipped: {tool.name} is not installed\n")
    if missing and os.environ.get("CI") == "true":
        sys.stderr.write("error: in CI nothing may be skipped; .ci/run installs what is missing\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
