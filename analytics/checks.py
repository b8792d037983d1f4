"""Start-up checks of this room (``manage.py check``): thresholds that can be told apart."""

from collections.abc import Iterator, Sequence
from typing import Final

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

_SHARES: Final = ("CTR_EXCELLENT", "CTR_GOOD", "DROPOFF_HIGH", "DROPOFF_MODERATE", "CONVERSION_SUCCESS")
# The first is to be above the second.
_ORDERED: Final = (("CTR_EXCELLENT", "CTR_GOOD"), ("DROPOFF_HIGH", "DROPOFF_MODERATE"))


@register("marquee")
def check_thresholds(app_configs: Sequence[AppConfig] | None = None, **_: object) -> list[CheckMessage]:
    """E017, E018: thresholds are shares of 0 to 1, and the higher one is above the lower one."""
    return list(_wrong())


def _wrong() -> Iterator[CheckMessage]:
    outside = [name for name in _SHARES if not 0 <= getattr(settings, name) <= 1]
    if outside:
        yield Error(
            f"{', '.join(outside)}: must be from 0 to 1.", hint="A share: 0.05 is 5 %.", id="marquee.E017"
        )
    for upper, lower in _ORDERED:
        if not getattr(settings, upper) > getattr(settings, lower):
            yield Error(
                f"{upper} must be above {lower}.", hint="Remove both to get the defaults.", id="marquee.E018"
            )
