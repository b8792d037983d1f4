"""How often ads may be asked for: more than people's pages do holds up what others would see.

Counted in this process, minute by minute: a decision has one round trip to Redis and no second one. So with several
processes the limits are looser by as many; they are generous anyway, and never unlimited.
"""

import math
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from django.conf import settings

from common.errors import RateLimited

_SECONDS: Final = 60
# So many viewers of a minute are told apart; what is more begins anew, looser, never closed.
_VIEWERS_KEPT: Final = 100_000


class Asks:
    """Counts what was asked in the minute that runs, by viewer and by network.

    Without a lock: of threads that count at the same instant one may be lost, which loosens the limit by nothing that
    matters and makes nobody wait.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.forget()

    def forget(self) -> None:
        """Begin anew, as between tests."""
        self._minute = -1
        self._viewers: dict[int, int] = {}
        self._networks: dict[str, int] = {}

    def count(self, viewer: UUID, network: str) -> None:
        """Count one question. Raises ``RateLimited`` with the seconds until the next minute; then it is not counted.

        A viewer who gave no name is somebody else each time, so only the network tells of them.
        """
        now = self._clock()
        minute = int(now // _SECONDS)
        if minute != self._minute or len(self._viewers) >= _VIEWERS_KEPT:
            if minute != self._minute:
                self._networks = {}
            self._viewers, self._minute = {}, minute
        # A number is compared in no time; an id is an object that takes as long as all of the rest.
        key = viewer.int
        of_network, of_viewer = self._networks.get(network, 0), self._viewers.get(key, 0)
        if (
            of_network >= settings.AD_SERVE_NETWORK_RATE_LIMIT
            or of_viewer >= settings.AD_SERVE_VIEWER_RATE_LIMIT
        ):
            raise RateLimited(retry_after=math.ceil((minute + 1) * _SECONDS - now))
        self._networks[network] = of_network + 1
        self._viewers[key] = of_viewer + 1


asks = Asks()
