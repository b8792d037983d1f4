"""Whatever is sent as Stripe's is signed by Stripe, or refused as badly signed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.gateway.signatures import BadSignature, verify

_PARTS = st.sampled_from(["t=", "v1=", "v0=", ",", "=", "1700000000", "-1", "9" * 13, "²", "a" * 64, " "])


@settings(max_examples=25, deadline=None, database=None)
@given(body=st.binary(max_size=50), header=st.text(max_size=60) | st.lists(_PARTS, max_size=8).map("".join))
def test_no_header_passes_without_the_secret(body: bytes, header: str) -> None:
    """Any body and header: `BadSignature`, nothing else. REQ PA-03."""
    with pytest.raises(BadSignature):
        verify(body, header, ["whsec_test", ""], now=1_700_000_000)
