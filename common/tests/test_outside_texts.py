"""Whatever text comes from outside is read, or refused by name."""

from ipaddress import ip_address, ip_network

from django.test import RequestFactory, override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import Invalid
from common.idempotency.services import check_key
from common.rest import client_address, client_network

_FEW = settings(max_examples=25, deadline=None, database=None)
_HOPS = st.text(max_size=30) | st.sampled_from(
    [
        "203.0.113.9",
        "::ffff:203.0.113.9",
        "[2001:db8::1]",
        "fe80::1%eth0",
        "203.0.113.9:80",
        "1.2.3.4, ::1",
        ",",
    ]
)


@_FEW
@given(header=_HOPS, peer=_HOPS, proxies=st.integers(0, 2))
def test_a_caller_has_an_address_whatever_is_forwarded(header: str, peer: str, proxies: int) -> None:
    """What limits count and logs show is an address, whoever writes what into the header. REQ OP-04."""
    request = RequestFactory().get("/", headers={"X-Forwarded-For": header}, REMOTE_ADDR=peer)
    with override_settings(TRUSTED_PROXY_COUNT=proxies):
        ip_address(client_address(request))
        ip_network(client_network(request), strict=False)


@_FEW
@given(key=st.text(max_size=300))
def test_an_idempotency_key_is_printable_or_refused(key: str) -> None:
    """1 to 255 printable ASCII characters, and nothing else passes. REQ OP-04."""
    try:
        check_key(key, "Idempotency-Key")
    except Invalid:
        return
    assert 1 <= len(key) <= 255
    assert key.isascii()
    assert key.isprintable()
