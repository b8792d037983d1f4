"""What one process changes, the others know: with processes of their own, as the web has."""

import json
import subprocess
import sys
import time
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection

from accounts.services.access import actor_of
from accounts.tests.factories import make_member
from ads.services.writing import pause_ad
from ads.tests.ad_factories import make_ad
from common import clock

pytestmark = pytest.mark.django_db(transaction=True)

# Decides for each line it is given, as a web process does, and says how many ads there were.
_DECIDER = """
import json, sys, django
django.setup()
from django.conf import settings
from uuid import UUID, uuid4
settings.DATABASES["default"]["NAME"] = sys.argv[1]
from ads.decision.decide import decide
from ads.decision.types import Context
from ads.decision.viewers import viewer_of
from common import clock
from common.types import ANONYMOUS
for line in sys.stdin:
    context = Context(UUID(line.strip()), "EVENT_HERO", None, viewer_of(None, uuid4().hex), 1, None)
    decision = decide(context=context, who=lambda: ANONYMOUS, now=clock.now())
    print(json.dumps([len(decision.ads), decision.degraded]), flush=True)
"""


class Decider:
    """A process that decides when it is asked."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _DECIDER, connection.settings_dict["NAME"]],
            cwd=settings.BASE_DIR, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self, event_id: UUID) -> list[object]:
        """Return how many ads it gave, and whether it had to do without Redis."""
        self.process.stdin.write(f"{event_id}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def end(self) -> None:
        """Let it end by itself."""
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


def test_a_pause_reaches_every_process_within_a_second() -> None:
    """REQ AD-09: two processes that had the ad in memory show it no more, a second after it was paused elsewhere."""
    ad = make_ad()
    staff = actor_of(make_member("staff", organization=ad.event.organization))
    deciders = [Decider(), Decider()]
    try:
        for _ in range(2):
            assert [decider.ask(ad.event_id) for decider in deciders] == [[1, False], [1, False]]
        pause_ad(actor=staff, ad_id=ad.pk, reason="", now=clock.now())
        paused_at = time.monotonic()
        while any(decider.ask(ad.event_id)[0] for decider in deciders):
            assert time.monotonic() - paused_at < 1
        assert [decider.ask(ad.event_id) for decider in deciders] == [[0, False], [0, False]]
    finally:
        for decider in deciders:
            decider.end()
