"""The alerts, tried by Prometheus' own tool."""

import subprocess
from pathlib import Path

import pytest
import yaml

from config.local_stack.testing.tools import PROMTOOL
from config.tests.test_monitoring import CASES, RULES, SCRAPED

pytestmark = pytest.mark.promtool


def _said(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [str(PROMTOOL.path), *arguments], capture_output=True, text=True, check=False, cwd=RULES.parent
    )
    return done.returncode, done.stdout + done.stderr


def test_prometheus_reads_its_files(tmp_path: Path) -> None:
    """What is scraped, and the rules that it loads, are as Prometheus wants them. REQ OP-02."""
    scraped = tmp_path / SCRAPED.name
    # In its container the rules lie elsewhere.
    scraped.write_text(SCRAPED.read_text().replace("/etc/prometheus/rules.yml", str(RULES)))
    code, said = _said("check", "config", str(scraped))
    assert code == 0, said
    number = sum(len(group["rules"]) for group in yaml.safe_load(RULES.read_text())["groups"])
    assert f"{number} rules found" in said


def test_alerts_fire_when_they_should_and_not_otherwise() -> None:
    """Each case of the file: at these minutes this alert fires, in these words, or none does. REQ OP-02."""
    code, said = _said("test", "rules", CASES.name)
    assert code == 0, said


def test_an_alert_that_fires_unasked_is_told(tmp_path: Path) -> None:
    """The control: the first case as if nothing should fire. REQ OP-02."""
    cases = yaml.safe_load(CASES.read_text())
    (tried,) = cases["tests"][0]["alert_rule_test"]
    wrong = {**cases["tests"][0], "alert_rule_test": [{**tried, "exp_alerts": []}]}
    file = tmp_path / "wrong.yml"
    file.write_text(yaml.safe_dump({**cases, "rule_files": [str(RULES)], "tests": [wrong]}))
    code, said = _said("test", "rules", str(file))
    assert code == 1
    assert tried["alertname"] in said
