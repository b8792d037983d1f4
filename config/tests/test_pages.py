"""Diagrams, the table of benchmarks and the index of alerts say what the code, the benchmarks and the rules have."""

import re

import pytest
from django.db.models import TextChoices

from ads.types.ads import AdStatus
from analytics.models import ExperimentStatus, RunState
from common.outbox.types import JobStatus
from config.local_stack.environment import ROOT
from config.tests.test_docs import DOCS
from config.tests.test_monitoring import rules
from notifications.models import EmailStatus, PushStatus
from offers.models import FulfillmentStatus
from payments.models import OrderState
from tickets.models import TicketStatus
from waitlist.models import EntryStatus

_DIAGRAM = re.compile(r"^```mermaid\nstateDiagram-v2\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    ("page", "place", "states"),
    [
        ("queue.md", 0, JobStatus),
        ("money-path.md", 0, OrderState),
        ("organizer.md", 0, FulfillmentStatus),
        ("tickets.md", 0, TicketStatus),
        ("waitlist.md", 0, EntryStatus),
        ("ads.md", 0, AdStatus),
        ("messages.md", 0, EmailStatus),
        ("messages.md", 1, PushStatus),
        ("analytics.md", 0, RunState),
        ("experiments.md", 0, ExperimentStatus),
    ],
)
def test_every_diagram_has_the_codes_states(page: str, place: int, states: type[TextChoices]) -> None:
    """Each state that the code knows is reached by an arrow, and none is drawn that it does not know. REQ OP-05."""
    diagram = _DIAGRAM.findall((DOCS / page).read_text())[place]
    # What is no state of its own: a frame round several, and the mark of an experiment that is put away.
    others = {"archived", *re.findall(r'^ *state "[^"]+" as (\w+) \{$', diagram, re.MULTILINE)}
    reached = set(re.findall(r"--> (\w+)", diagram))
    left = set(re.findall(r"^ *(\w+) -->", diagram, re.MULTILINE))
    assert reached - others == set(states.values)
    assert left - others <= set(states.values)


def test_every_part_of_the_benchmarks_is_explained_and_has_its_command() -> None:
    """What is measured stands in the page with what bounds it, its figures and how to measure it again. REQ OP-05."""
    code = (ROOT / "benchmarks" / "__main__.py").read_text()
    parts = set(re.findall(r'^    "(\w+)": \w+\.measure,$', code, re.MULTILINE))
    text = (DOCS / "performance.md").read_text()
    assert set(re.findall(r"`ONLY=(\w+)`", text)) == parts
    assert {part for part in parts if f"- **{part}" not in text} == set()


def test_the_runbooks_begin_with_every_alert() -> None:
    """Whoever is woken finds the section by the alert's name, and sees whether it is one that wakes. REQ OP-05."""
    page = (DOCS / "runbooks.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| \[[^\]]+\]\((#[\w-]+)\) \|$", page, re.MULTILINE)
    told = [
        (
            rule["alert"],
            rule["labels"]["severity"],
            rule["annotations"]["runbook"].removeprefix("docs/runbooks.md"),
        )
        for rule in rules("alert")
    ]
    assert rows == sorted(told, key=lambda row: row[0].lower())
