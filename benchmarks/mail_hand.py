"""A worker of e-mail whose clock is set by order: ``{"at": seconds}`` drains both mail lanes at that time."""

import json
import sys
from datetime import datetime, timedelta

import django

django.setup()

from common.outbox import Lane, drain  # noqa: E402
from notifications.tests.factories import NOON  # noqa: E402


def main() -> None:
    """Say that it is ready, then answer each order by a line."""
    print(json.dumps({"ready": 1}), flush=True)
    for line in sys.stdin:
        print(json.dumps({"count": _drain(NOON + timedelta(seconds=json.loads(line)["at"]))}), flush=True)


def _drain(now: datetime) -> int:
    return sum(drain(lane, read_clock=lambda: now).done for lane in (Lane.URGENT_MAIL, Lane.BULK))


if __name__ == "__main__":
    main()
