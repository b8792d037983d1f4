"""Whatever is signed as an event of Stripe's is read for its ids, or refused as none."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from payments.rest.webhooks import BadWebhook, _event
from payments.services.stripe_events import _hint, _uuid

_FEW = settings(max_examples=15, deadline=None, database=None)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
_OBJECTS = st.fixed_dictionaries(
    {},
    optional={
        "object": st.sampled_from(["checkout.session", "payment_intent", "charge"]) | _JSON,
        "id": st.text(max_size=12) | _JSON,
        "payment_intent": st.text(max_size=12) | _JSON,
        "metadata": st.fixed_dictionaries({}, optional={"order_id": st.text(max_size=40) | _JSON}) | _JSON,
    },
)
_EVENTS = st.fixed_dictionaries(
    {
        "id": st.just("evt_1") | st.text(max_size=8),
        "object": st.just("event"),
        "type": st.just("charge.refunded") | st.text(max_size=8),
        "livemode": st.booleans(),
        "data": st.fixed_dictionaries({"object": _OBJECTS}),
    },
    optional={"account": st.text(max_size=8) | _JSON, "api_version": st.text(max_size=8) | _JSON},
)


@_FEW
@given(raw=st.binary(max_size=60) | (_JSON | _EVENTS).map(lambda event: json.dumps(event).encode()))
def test_any_signed_bytes_are_an_event_or_refused(raw: bytes) -> None:
    """Any bytes: an event whose names can be shown, or `BadWebhook`, nothing else. REQ PA-03."""
    try:
        event = _event(raw)
    except BadWebhook:
        return
    assert f"{event.id}{event.type}{event.account or ''}{event.api_version or ''}".isprintable()
    assert event.object == "event"
    assert isinstance(json.loads(raw)["data"]["object"], dict)


@_FEW
@given(found=_OBJECTS)
def test_the_ids_of_any_object_are_texts_or_it_cannot_be_read(found: dict[str, object]) -> None:
    """Any object: ids that PostgreSQL can be asked for, or `ValueError`, by which it is quarantined. REQ PA-03."""
    try:
        hint = _hint(found)
    except ValueError:
        return
    for told in (hint.session_id, hint.intent_id, hint.order_id):
        assert told is None or told.isprintable()
    _uuid(hint.order_id or "")
