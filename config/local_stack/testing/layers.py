"""Time spent per layer of tests, printed at the end of a run."""

from collections import Counter
from collections.abc import Generator

import pytest

BROWSER, TRANSACTIONAL, DATABASE, UNIT = "browser", "transactional/race", "database", "unit"
_TRANSACTIONAL_FIXTURES = {"transactional_db", "live_server", "django_db_reset_sequences"}


def layer_of(item: pytest.Item) -> str:
    """Name the layer a test belongs to by what it asks for."""
    fixtures = set(getattr(item, "fixturenames", ()))
    marker = item.get_closest_marker("django_db")
    if item.get_closest_marker("browser"):
        return BROWSER
    if fixtures & _TRANSACTIONAL_FIXTURES or (marker and marker.kwargs.get("transaction")):
        return TRANSACTIONAL
    return DATABASE if marker or "db" in fixtures else UNIT


class LayerTimes:
    """Adds up set-up, call and tear-down of each test under its layer."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.tests: Counter[str] = Counter()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        # A plain attribute travels with the report from xdist's workers to the controller.
        report.layer = layer_of(item)  # type: ignore[attr-defined]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        layer = getattr(report, "layer", UNIT)
        self.seconds[layer] += report.duration  # type: ignore[assignment]
        self.tests[layer] += report.when == "call"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.tests:
            return
        parts = [
            f"{layer} {self.tests[layer]} in {self.seconds[layer]:.1f} s"
            for layer in (UNIT, DATABASE, TRANSACTIONAL, BROWSER)
            if self.seconds[layer]
        ]
        terminalreporter.write_line(f"layers: {', '.join(parts)}")
