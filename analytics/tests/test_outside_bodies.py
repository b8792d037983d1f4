"""Whatever is sent as a batch is read, with its wrong events told by their place, or refused by name."""

import json

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.rest.batches import read_batch
from analytics.types.experiments import IncomingResult
from analytics.types.tracking import Incoming
from common.errors import Failure

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
