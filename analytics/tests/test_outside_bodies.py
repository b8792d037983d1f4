"""Whatever is sent as a batch is read, with its wrong events told by their place, or refused by name."""

import json

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analytics.rest.batches import read_batch
from analytics.services.checking import Refusal, _metadata
from analytics.types.experiments import IncomingResult
from analytics.types.tracking import Incoming
from common.errors import Failure
from common.rest import unreadable_values

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
_EVENTS = st.dictionaries(
    st.sampled_from(
        ["id", "type", "entity_id", "event_id", "timestamp", "session_token", "metadata", "test_id"]
    ),
    _JSON,
    max_size=6,
)
_BODIES = st.fixed_dictionaries(
    {"events": st.lists(_EVENTS | _JSON, max_size=3)}, optional={"sent_at": _JSON}
)


@settings(max_examples=25, deadline=None, database=None)
@given(raw=st.binary(max_size=60) | (_JSON | _BODIES).map(lambda body: json.dumps(body).encode()))
def test_no_body_breaks_the_reading(raw: bytes) -> None:
    """Any bytes: a batch that tells of each event where it stands, or a refusal of ours. REQ AN-01, AN-08."""
    for kind in (Incoming, IncomingResult):
        try:
            batch = read_batch(raw, msgspec.json.Decoder(kind))
        except Failure:
            continue
        assert batch.size >= 1


@settings(max_examples=25, deadline=None, database=None)
@given(raw=st.binary(max_size=60) | _JSON.map(lambda value: json.dumps(value).encode()))
@example(raw=rb'{"a": "\u0000"}')
@example(raw=rb'{"a": "\ud800"}')
def test_no_metadata_breaks_the_check(raw: bytes) -> None:
    """Any bytes: an object that PostgreSQL keeps as it is, nothing, or a refusal of ours. REQ AN-01."""
    try:
        text = _metadata(Incoming(type="OFFER_VIEW", metadata=msgspec.Raw(raw)))
    except Refusal:
        return
    if text is not None:
        kept = json.loads(text)
        assert isinstance(kept, dict)
        # Numbers of any size are kept as they are.
        assert {one.code for one in unreadable_values(kept, "metadata")} <= {"out_of_range"}
