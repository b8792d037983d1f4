"""What of the children's logs reaches the terminal. CONTRACT `make run`, REQ OP-01."""

from pathlib import Path

import pytest

from config.local_stack.logwatch import LogWatch, loud_text


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('{"level": "info", "event": "request"}', ""),
        ('{"level": "error", "event": "job_failed"}', "error: job_failed"),
        ("{broken json", ""),
        ("[INFO] Listening at: http://127.0.0.1:8000", ""),
        ("[WARNING] worker 1 was slow", "[WARNING] worker 1 was slow"),
        ("Traceback (most recent call last):", ""),
        ("ModuleNotFoundError: No module named 'x'", "ModuleNotFoundError: No module named 'x'"),
        ("  raise ValueError()", ""),
    ],
)
def test_only_trouble_is_shown(line: str, shown: str) -> None:
    """Warnings, errors and the last line of a stack trace; nothing else."""
    assert loud_text(line) == shown


def test_each_line_is_shown_once_and_whole(tmp_path: Path) -> None:
    """Old lines are not repeated, half lines wait for their end, a new log begins anew."""
    log, said = tmp_path / "web.log", []
    log.write_text("ERROR before the start\n")
    watch = LogWatch([log], said.append)
    with log.open("a") as file:
        file.write("ERROR one\nERROR tw")
    watch.look()
    assert said == ["[web] ERROR one"]
    with log.open("a") as file:
        file.write("o\n")
    watch.look()
    watch.look()
    assert said == ["[web] ERROR one", "[web] ERROR two"]
    log.write_text("ERROR new\n")
    watch.look()
    assert said[-1] == "[web] ERROR new"


def test_a_flood_is_shortened(tmp_path: Path) -> None:
    """Five lines a look, and how many more there are."""
    log, said = tmp_path / "worker.log", []
    watch = LogWatch([log], said.append)
    log.write_text("ERROR again\n" * 12)
    watch.look()
    assert said == ["[worker] ERROR again"] * 5 + [f"[worker] and 7 more in {log}"]
