"""Addresses made short enough that nobody is found by them."""

from ipaddress import ip_address, ip_network


def shortened(address: str) -> str:
    """Return the network of an address as it may be stored: an IPv4 address' /24, an IPv6 address' /48."""
    prefix = 24 if ip_address(address).version == 4 else 48
    return str(ip_network(f"{address}/{prefix}", strict=False).network_address)
