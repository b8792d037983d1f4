"""Addresses on the web that other people will follow."""

from collections.abc import Collection
from urllib.parse import urlsplit


def is_web_address(url: str, *, longest: int, schemes: Collection[str] = ("https",)) -> bool:
    """Say whether it is a plain address of one of the schemes, with a host: no user, no blanks, no odd signs."""
    if len(url) > longest or not url.isprintable() or any(sign in url for sign in " \\<>\"'`"):
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    is_whole = bool(host) and not host.startswith(".") and port != 0 and "@" not in parts.netloc
    return is_whole and parts.scheme in schemes
