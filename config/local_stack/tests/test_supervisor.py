"""The supervisor as a process: started, killed, crowded, stopped. CONTRACT "Commands", `make run`."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.local_stack import processes
from config.local_stack.environment import ROOT
from config.local_stack.postgres import discard
from config.local_stack.testing import patience
from config.local_stack.tests.runs import Supervised


class Stack(Supervised):
    """A dummy stack in a process of its own, its output in a file."""

    def __init__(self, data_dir: Path, *wishes: str) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self.data_dir = data_dir
        self.output = data_dir / f"output-{time.monotonic_ns()}.txt"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.local_stack.tests.dummy_stack", str(data_dir), *wishes],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def says(self, text: str) -> None:
        assert processes.wait_until(lambda: text in self.said, seconds=patience.SECONDS), self.said


StartStack = Callable[..., Stack]


@pytest.fixture
def start_stack(tmp_path: Path) -> Iterator[StartStack]:
    stacks: list[Stack] = []
    data_dir = tmp_path / "data folder"

    def start(*wishes: str, ready: bool = True) -> Stack:
        stack = Stack(data_dir, *wishes)
        stacks.append(stack)
        if ready:
            stack.says("ready")
        return stack

    yield start
    for stack in stacks:
        if stack.process.poll() is None:
            stack.end()
    discard(data_dir)


def _alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if processes.identity(pid) is not None}


def _all_gone(pids: set[int]) -> bool:
    return processes.wait_until(lambda: not _alive(pids), seconds=patience.SECONDS)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_signal_leaves_nothing_behind(start_stack: StartStack, number: signal.Signals) -> None:
    """SIGTERM, Ctrl-C and a closed terminal stop every child and grandchild. CONTRACT `make run`."""
    stack = start_stack()
    assert processes.wait_until(lambda: len(stack.family()) == 4, seconds=patience.SECONDS)
    family = stack.family()
    assert stack.end(number) == 0
    assert _alive(family) == set()
    assert stack.children() == {}


def test_children_that_ignore_the_stop_signal_are_killed(start_stack: StartStack) -> None:
    """A child that does not listen is killed after its time, with what it started. CONTRACT `make run`."""
    stack = start_stack("stubborn")
    family = stack.family()
    begun = time.monotonic()
    assert stack.end() == 0
    assert time.monotonic() - begun < 10
    assert _alive(family) == set()


def test_a_killed_child_is_started_again(start_stack: StartStack) -> None:
    """A child that dies comes back under another pid, and its orphaned worker is gone. REQ OP-03"""
    stack = start_stack()
    assert processes.wait_until(lambda: len(stack.family()) == 4, seconds=patience.SECONDS)
    web = stack.children()["web"]
    group = set(processes.group_members(web))
    os.kill(web, signal.SIGKILL)
    stack.says("web ended with -9; starting it again")
    assert processes.wait_until(lambda: stack.children().get("web", web) != web, seconds=patience.SECONDS)
    assert _alive(group) == set()


def test_a_child_that_keeps_dying_is_a_clear_error(start_stack: StartStack) -> None:
    """Five deaths within a minute end the stack with the child's name and exit 1. CONTRACT `make run`."""
    stack = start_stack("crashing", ready=False)
    assert stack.process.wait(patience.SECONDS) == 1
    assert "died 5 times in a minute" in stack.said
    assert stack.children() == {}


def test_a_second_stack_on_the_same_data_is_refused(start_stack: StartStack) -> None:
    """The second says who runs already, exits 1 and leaves the first alone. CONTRACT `make run`."""
    first = start_stack()
    family = first.family()
    second = start_stack(ready=False)
    assert second.process.wait(patience.SECONDS) == 1
    assert f"a stack is already running on {first.data_dir} (process {first.process.pid})" in second.said
    assert _alive(family) == family


@pytest.mark.parametrize("wish", ["obedient", "stubborn"])
def test_what_a_killed_supervisor_left_is_ended_by_the_next(start_stack: StartStack, wish: str) -> None:
    """`kill -9` of the supervisor: the next run ends its orphans and starts. CONTRACT `make run`."""
    first = start_stack(wish)
    family = first.family()
    first.end(signal.SIGKILL)
    second = start_stack(wish)
    assert _all_gone(family)
    assert set(second.children()) == {"web", "worker"}


def test_a_recorded_pid_that_now_is_another_process_is_left_alone(
    start_stack: StartStack, tmp_path: Path
) -> None:
    """A pid from the record that the system gave to somebody else is not touched."""
    stranger = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        record = tmp_path / "data folder" / "children.json"
        record.parent.mkdir()
        entry = {"name": "web", "pid": stranger.pid, "started": "long ago", "program": "sleep", "tier": 0}
        record.write_text(json.dumps([{**entry, "stop_signal": int(signal.SIGTERM)}]))
        stack = start_stack()
        assert "ended web" not in stack.said
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_servers_survive_a_killed_supervisor_with_their_data(start_stack: StartStack) -> None:
    """After `kill -9` the next run finds PostgreSQL and Valkey in order. CONTRACT `make run`."""
    first = start_stack("servers")
    before = first.children()
    first.end(signal.SIGKILL)
    second = start_stack("servers")
    after = second.children()
    assert set(after) == {"postgres", "valkey", "web", "worker"}
    assert after["postgres"] != before["postgres"]
    assert _all_gone(set(before.values()))
    assert second.end() == 0
    assert _all_gone(set(after.values()))
