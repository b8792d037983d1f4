"""Whose call is it: the caller's address behind the proxies that we trust, and no other."""

from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the caller's IP address.

    Each proxy appends the address it was called from to ``X-Forwarded-For``, so with
    ``TRUSTED_PROXY_COUNT`` proxies of ours the caller stands that many places from the right; everything
    further left is the caller's own invention. With none, or a header that is too short or not an address,
    it is the connection's own address.
    """
    peer = _normal(request.META.get("REMOTE_ADDR", "")) or "0.0.0.0"  # noqa: S104 a socket without an address
    proxies = settings.TRUSTED_PROXY_COUNT
    if proxies < 1:
        return peer
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    return (_normal(hops[-proxies]) if len(hops) >= proxies else "") or peer


def client_network(request: HttpRequest) -> str:
    """Return what a limit per address counts: an IPv4 address, or the /64 that one IPv6 customer owns."""
    address = ip_address(client_address(request))
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), 64), strict=False))
    return str(address)


def _normal(text: str) -> str:
    """Return the plain form of an address, of an IPv4 one mapped into IPv6 too; empty when it is none."""
    text = text.strip().strip("[]")
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
