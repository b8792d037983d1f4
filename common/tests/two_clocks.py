"""A time zone of which Python and PostgreSQL have different data, as after an upgrade of one of them."""

import zoneinfo
from collections.abc import Iterator
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

# Ten hours ahead of UTC, says PostgreSQL; Python is given the data of a zone that is eleven ahead.
ZONE = "Pacific/Guam"
_OTHERS = "GMT-11"


@pytest.fixture
def two_clocks(tmp_path: Path) -> Iterator[str]:
    """Give a zone whose days begin an hour earlier for Python than for PostgreSQL; asked of both."""
    data = files("tzdata.zoneinfo.Etc").joinpath(_OTHERS).read_bytes()
    file = tmp_path.joinpath(*ZONE.split("/"))
    file.parent.mkdir(parents=True)
    file.write_bytes(data)
    before = zoneinfo.TZPATH
    # The other zones are those of the package then.
    zoneinfo.reset_tzpath(to=[tmp_path])
    ZoneInfo.clear_cache(only_keys=[ZONE])
    try:
        yield ZONE
    finally:
        zoneinfo.reset_tzpath(to=before)
        ZoneInfo.clear_cache(only_keys=[ZONE])


def hours_of(instant: datetime) -> tuple[int, int]:
    """Return the hour in the zone as Python tells it, and as PostgreSQL does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(hour FROM %s::timestamptz AT TIME ZONE %s)::int", [instant, ZONE])
        (theirs,) = cursor.fetchone()
    return instant.astimezone(ZoneInfo(ZONE)).hour, theirs
