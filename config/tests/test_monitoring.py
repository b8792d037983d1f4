"""Rules, alerts and dashboard are held to the code: what they ask for is told, and each alert says what to do."""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from typing import Any

import promql_parser
import pytest
import yaml
from django.urls import get_resolver
from prometheus_client import REGISTRY
from prometheus_client.core import Metric
from promql_parser import MatchOp, VectorSelector

from common import metrics
from common.operations import SECONDS
from config.local_stack.environment import ROOT
from config.schedules import SCHEDULES
from config.tests.test_docs import DOCS, _anchors, _sources
from notifications.services import metrics as email

RULES = ROOT / "deploy" / "prometheus" / "rules.yml"
CASES = RULES.with_name("rules_test.yml")
SCRAPED = RULES.with_name("prometheus.yml")
BOARD = ROOT / "deploy" / "grafana" / "marquee.json"
# What Prometheus itself adds to each series.
_ITS_OWN = {"job", "instance"}
_EQUAL = (MatchOp.Equal, MatchOp.Re)
# Loaded by processes other than a web's.
_ELSEWHERE = ("config.celery", "notifications.realtime.sockets", "config.wsgi")


def groups() -> list[dict[str, Any]]:
    """Read the rules."""
    found: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"]
    return found


def rules(sort: str) -> list[dict[str, Any]]:
    """Return the rules of a sort: record or alert."""
    return [rule for group in groups() for rule in group["rules"] if sort in rule]


def panels() -> list[dict[str, Any]]:
    """Return the dashboard's panels with figures."""
    return [panel for panel in json.loads(BOARD.read_text())["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[str]:
    """Yield everything that is asked of Prometheus."""
    yield from (rule["expr"] for rule in (*rules("record"), *rules("alert")))
    yield from (target["expr"] for panel in panels() for target in panel["targets"])


@lru_cache(maxsize=1)
def told() -> dict[str, set[str]]:
    """Return the labels of every series that the product tells, by name."""
    assert get_resolver().url_patterns
    for module in _ELSEWHERE:
        import_module(module)
    found: dict[str, set[str]] = {"up": set()}
    for collector in list(REGISTRY._collector_to_names):
        labels = set(getattr(collector, "_labelnames", ()))
        for metric in collector.collect():
            _add(found, metric, labels)
    for collector in list(metrics._at_scrape._collector_to_names):
        for metric in collector.collect():
            _add(found, metric, set(getattr(metric, "_labelnames", ())))
    return _not_now() | found


def _not_now() -> dict[str, set[str]]:
    """Return what is read at the scrape and told only when there is something to tell, such as a share of nothing."""
    made = re.compile(r'GaugeMetricFamily\(\s*"(\w+)"[^)]*?(?:labels=\[([^\]]*)\][^)]*)?\)', re.DOTALL)
    return {
        name: set(re.findall(r'"(\w+)"', labels))
        for path in _sources(tests=False)
        for name, labels in made.findall(path.read_text())
    }


def _add(found: dict[str, set[str]], metric: Metric, labels: set[str]) -> None:
    names = {"counter": ("_total",), "histogram": ("_sum", "_count", "_bucket")}.get(metric.type, ("",))
    for end in names:
        found[metric.name + end] = labels | ({"le"} if end == "_bucket" else set())


def selectors(expression: str) -> list[VectorSelector]:
    """Parse an expression and return what it reads. Raises ``ValueError`` when it is not PromQL."""
    found: list[VectorSelector] = []

    def note(node: object) -> None:
        if isinstance(node, VectorSelector):
            found.append(node)

    promql_parser.walk(promql_parser.parse(expression), pre_visit=note)
    return found


@pytest.mark.django_db
def test_everything_that_is_asked_is_told() -> None:
    """Each series of rules and dashboard is one of ours or a rule, with the labels it is asked by. REQ OP-02."""
    recorded = {rule["record"]: _labels_of(rule["expr"]) for rule in rules("record")}
    known = told() | recorded
    wrong = []
    for expression in expressions():
        for one in selectors(expression):
            labels = {matcher.name for matcher in one.matchers.matchers}
            if one.name not in known or not labels <= known[one.name] | _ITS_OWN:
                wrong.append(f"{one.name} by {sorted(labels)}")
    assert wrong == []
    assert len(known) > 40


def _labels_of(expression: str) -> set[str]:
    """Return what a recorded series is summed by; the boundary of a bucket is gone once a percentile is taken."""
    found: set[str] = set()

    def note(node: object) -> None:
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            found.update(node.modifier.labels)

    promql_parser.walk(promql_parser.parse(expression), pre_visit=note)
    return found - {"le"}


def test_every_value_that_is_asked_for_occurs() -> None:
    """An outcome, a lane, a kind of job that no code writes would make an alert that never fires. REQ OP-02."""
    code = "\n".join(path.read_text() for path in _sources(tests=False))
    services = set(yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"])
    wrong = set()
    for expression in expressions():
        for one in selectors(expression):
            for matcher in one.matchers.matchers:
                assert matcher.op in _EQUAL, matcher
                values = set(matcher.value.split("|")) - {"5.."}
                if matcher.name == "job":
                    wrong |= values - services
                elif matcher.name != "le":
                    wrong |= {value for value in values if f'"{value}"' not in code}
    assert wrong == set()


def test_a_promises_limit_is_a_boundary_of_its_histogram() -> None:
    """0.5 s, 2 s, 3 s and 30 s are exact, not guessed between two buckets. REQ OP-02."""
    assert {0.5, 2, 3} <= set(SECONDS)
    assert 30.0 in email._SECONDS._upper_bounds


def test_every_operation_asked_for_is_observed() -> None:
    """An alert on an operation that nobody counts would never fire. REQ OP-02."""
    code = "\n".join(path.read_text() for path in _sources(tests=False))
    counted = set(re.findall(r'observed\(\s*"(\w+)"', code))
    asked = {
        value
        for expression in expressions()
        for one in selectors(expression)
        for matcher in one.matchers.matchers
        if matcher.name == "operation"
        for value in matcher.value.split("|")
    }
    assert asked == counted


def test_every_alert_has_a_runbook_and_every_runbook_its_alerts() -> None:
    """Whoever is woken finds what to do; a runbook names no alert that is not there. REQ OP-02."""
    page = DOCS / "runbooks.md"
    anchors = _anchors(page)
    alerts = {rule["alert"]: rule["annotations"]["runbook"] for rule in rules("alert")}
    assert [name for name, place in alerts.items() if place.partition("#")[2] not in anchors] == []
    named: dict[str, str] = {}
    heading = ""
    for line in page.read_text().splitlines():
        if line.startswith("## "):
            heading = re.sub(r"[^\w\- ]", "", line[3:].lower()).replace(" ", "-")
        elif line.startswith("- **Alert**:"):
            named |= dict.fromkeys(re.findall(r"`(\w+)`", line), f"docs/runbooks.md#{heading}")
    assert named == alerts


def test_rules_are_complete() -> None:
    """Names once, a time before it is told, a severity that somebody routes by, a sentence. REQ OP-02."""
    alerts = rules("alert")
    names = [rule["alert"] for rule in alerts] + [rule["record"] for rule in rules("record")]
    assert len(set(names)) == len(names)
    for rule in alerts:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}, rule["alert"]
        assert rule["labels"]["severity"] in {"page", "ticket"}, rule["alert"]
        assert re.fullmatch(r"\d+m", rule["for"]), rule["alert"]
        assert len(rule["annotations"]["summary"]) > 10
    used = {one.name for expression in expressions() for one in selectors(expression)}
    assert {rule["record"] for rule in rules("record")} <= used


def test_every_page_has_a_case_in_which_it_fires() -> None:
    """What wakes somebody is tried (`test_alerts.py`): by series that it reads, in its words. REQ OP-02."""
    alerts, recorded = ({rule[sort]: rule for rule in rules(sort)} for sort in ("alert", "record"))
    fired = set()
    for case in yaml.safe_load(CASES.read_text())["tests"]:
        given = {selectors(one["series"])[0].name for one in case["input_series"]}
        for tried in case["alert_rule_test"]:
            rule = alerts[tried["alertname"]]
            read = _read_by(rule["expr"], recorded)
            assert given <= read, (case["name"], given - read)
            for wanted in tried["exp_alerts"]:
                fired.add(rule["alert"])
                assert wanted["exp_labels"]["severity"] == rule["labels"]["severity"], case["name"]
                assert wanted["exp_annotations"]["runbook"] == rule["annotations"]["runbook"], case["name"]
                assert re.fullmatch(
                    _template(rule["annotations"]["summary"]), wanted["exp_annotations"]["summary"]
                )
    pages = {name for name, rule in alerts.items() if rule["labels"]["severity"] == "page"}
    assert pages - fired == set()


def _read_by(expression: str, recorded: dict[str, dict[str, Any]]) -> set[str | None]:
    """Return the series that an alert rests on, those of the recorded ones too."""
    names = {one.name for one in selectors(expression)}
    return names | {name for one in names if one in recorded for name in _read_by(recorded[one]["expr"], {})}


def _template(summary: str) -> str:
    """Return a pattern of what a summary with values filled in looks like."""
    return ".+".join(map(re.escape, re.split(r"\{\{.*?\}\}", summary)))


def test_every_process_that_is_asked_is_missed() -> None:
    """Of each job: one that does not answer, and nobody left, for a stopped container is no target. REQ OP-02."""
    jobs = {one["job_name"] for one in yaml.safe_load(SCRAPED.read_text())["scrape_configs"]}
    alerts = {rule["alert"]: rule["expr"] for rule in rules("alert")}
    named = {
        name: {
            value
            for one in selectors(alerts[name])
            for each in one.matchers.matchers
            for value in each.value.split("|")
        }
        for name in ("ProcessGone", "NobodyAnswers")
    }
    assert named == {"ProcessGone": jobs, "NobodyAnswers": jobs}
    assert alerts["NobodyAnswers"].count("absent(up") == len(jobs)


def test_every_promise_of_the_product_has_its_alert() -> None:
    """Checkout, scans, e-mail, analytics, push and Stripe, each with the figure that was promised. REQ OP-02."""
    limits = {rule["alert"]: rule["expr"] for rule in rules("alert")}
    for name, limit in {
        "CheckoutFailing": "> 0.01",
        "CheckoutSlow": "> 2",
        "ScansFailing": "> 0.001",
        "ScansSlow": "> 0.5",
        "EmailLost": "> 0.02",
        "EmailLate": "> 30",
        "AnalyticsFailing": "> 0.01",
        "AnalyticsSlow": "> 3",
        "PushLost": "> 0.05",
        "StripeTimeouts": "> 0.01",
    }.items():
        assert re.search(rf"{re.escape(limit)}(?![\d.])", limits[name]), name


def test_the_dashboard_is_one_that_grafana_reads() -> None:
    """Numbers once, no panel over another, each asks the one source. REQ OP-02."""
    board = json.loads(BOARD.read_text())
    source = yaml.safe_load((BOARD.parent / "datasource.yml").read_text())["datasources"][0]["uid"]
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(set(numbers)) == len(numbers) > 20
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert max(x for x, _ in cells) < 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells
    assert {target["datasource"]["uid"] for panel in panels() for target in panel["targets"]} == {source}


def test_schedules_can_be_told_apart() -> None:
    """A late one is told by its name, which is its label. REQ OP-02."""
    assert len({one.name for one in SCHEDULES}) == len(SCHEDULES)
