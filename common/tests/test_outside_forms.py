"""What staff type as a time, and what is sent as an operation: read, or refused by name."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.test import RequestFactory
from hypothesis import example, given, settings
from hypothesis import strategies as st

from common.admin.times import read_in, time_words
from common.errors import Failure
from common.graphql.view import read_request

_FEW = settings(max_examples=15, deadline=None, database=None)
_ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe", "Asia/Kathmandu"]
).map(ZoneInfo)


@_FEW
@given(clock_time=st.datetimes(), zone=_ZONES)
@example(clock_time=datetime(2026, 3, 29, 2, 30), zone=ZoneInfo("Europe/Berlin"))  # noqa: DTZ001 skipped there
@example(clock_time=datetime(2026, 10, 25, 2, 30), zone=ZoneInfo("Europe/Berlin"))  # noqa: DTZ001 shown twice
@example(clock_time=datetime.max, zone=ZoneInfo("America/New_York"))  # noqa: DTZ901
@example(clock_time=datetime.min, zone=ZoneInfo("Asia/Kathmandu"))  # noqa: DTZ901
def test_a_time_is_the_one_that_clocks_there_show(clock_time: datetime, zone: ZoneInfo) -> None:
    """Any time a form read: the instant at which the zone's clocks show it, which can be shown again, or
    `ValidationError`. REQ EV-04.
    """
    try:
        instant = read_in(zone, clock_time.replace(tzinfo=UTC))
    except ValidationError:
        return
    assert instant.astimezone(zone).replace(tzinfo=None, fold=0) == clock_time
    assert str(clock_time.year) in time_words(instant, zone)
    for elsewhere in ("Pacific/Kiritimati", "Etc/GMT+12"):
        assert time_words(instant, ZoneInfo(elsewhere)) != "-"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
_OPERATIONS = st.fixed_dictionaries(
    {}, optional={"query": st.text(max_size=30) | _JSON, "variables": _JSON, "operationName": _JSON}
)


@_FEW
@given(raw=st.binary(max_size=60) | (_JSON | _OPERATIONS).map(lambda body: json.dumps(body).encode()))
@example(raw=b"[" * 100_000)
@example(raw=b'{"query": "{me}", "variables": {"n": ' + b"9" * 5000 + b"}}")
def test_any_body_is_one_operation_or_refused(raw: bytes) -> None:
    """Any bytes: a query with an object of variables, or a failure of ours, nothing else. REQ OP-05."""
    request = RequestFactory().post("/graphql", raw, content_type="application/json")
    try:
        asked = read_request(request)
    except Failure:
        return
    assert asked.query.strip()
    assert isinstance(asked.variables, dict)
    assert isinstance(asked.operation_name, str | None)
