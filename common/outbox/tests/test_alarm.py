"""The alarm over dead letters."""

import logging
from typing import Any

import pytest

from common.outbox.celery import check_dead
from common.outbox.tests.factories import make_dead

pytestmark = pytest.mark.django_db


def alarms(caplog: pytest.LogCaptureFixture) -> list[tuple[int, dict[str, Any]]]:
    """Return the alarms that were raised: the level of each, and what it says."""
    return [
        (record.levelno, record.msg)
        for record in caplog.records
        if isinstance(record.msg, dict) and record.msg["event"] == "too_many_dead_letters"
    ]


def test_more_than_ten_dead_letters_raise_the_alarm(caplog: pytest.LogCaptureFixture) -> None:
    """Ten lie still, whatever waits or was given up besides; the eleventh is an error that says how many. REQ PA-05."""
    for _ in range(10):
        make_dead()
    make_dead(status="pending", finished_at=None)
    make_dead(status="discarded")
    assert (check_dead(), alarms(caplog)) == (10, [])
    make_dead()
    assert check_dead() == 11
    [(level, told)] = alarms(caplog)
    assert (level, told["count"], told["limit"]) == (logging.ERROR, 11, 10)
