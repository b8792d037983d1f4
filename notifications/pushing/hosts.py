"""Where a browser's subscription may lie: an address that a stranger sends us, and that we then call.

So it is held to a list of push services, when it is registered and again at the moment of sending, and read by the
same eyes that the HTTP library has: a host is what that library would connect to.
"""

import re
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

LONGEST: Final = 2048
# What an address may consist of (RFC 3986), without user names (@), fragments, and what parsers disagree about.
_PLAIN: Final = re.compile(r"[a-z]+://[A-Za-z0-9.\-:]+/[A-Za-z0-9\-._~!$&'()*+,;=:/?%]*")
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9\-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9\-]*[a-z0-9])?)+")
_PORTS: Final = {"https": 443, "http": 80}


class NotAllowed(ValueError):
    """The address does not lead to a push service that is on the list."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of ``WEBPUSH_ALLOWED_HOSTS``: a host, ``*.`` and what its name ends on, or a whole origin.

    A host means https at its usual port. An origin (``http://127.0.0.1:8003/push/``) is for stand-ins, whose other
    addresses are nobody's subscriptions, and refused in production.
    """

    host: str
    is_suffix: bool = False
    scheme: str = "https"
    port: int = 443
    path: str = "/"

    def admits(self, scheme: str, host: str, port: int) -> bool:
        """Say whether an address of these parts is on this line."""
        if (scheme, port) != (self.scheme, self.port):
            return False
        if not self.is_suffix:
            return host == self.host
        # At least one more label: "*.example.com" is neither "example.com" nor "badexample.com".
        return host.endswith(f".{self.host}") and _HOST.fullmatch(host) is not None

    @property
    def pattern(self) -> str:
        """Return what addresses on this line begin with, as a regular expression whose case does not count."""
        labels = r"[^/]+\." if self.is_suffix else ""
        return rf"^{self.scheme}://{labels}{re.escape(self.host)}(:{self.port})?/"

    @property
    def is_origin(self) -> bool:
        """Say whether it was written as an origin, as stand-ins are."""
        return self.scheme != "https" or self.port != 443 or not _HOST.fullmatch(self.host)


def entry_of(text: str) -> Entry:
    """Read one line; ``ValueError`` for what is none."""
    if "://" in text:
        scheme, _, rest = text.rpartition("://")
        origin, _, path = rest.partition("/")
        host, _, port = origin.partition(":")
        if (
            scheme not in _PORTS
            or not re.fullmatch(r"[a-z0-9.\-]+", host)
            or not re.fullmatch(r"\d{0,5}", port)
            or not re.fullmatch(r"[A-Za-z0-9_\-]*/?", path)
        ):
            raise ValueError(f"{text!r} is no origin")
        below = f"/{path.rstrip('/')}/" if path else "/"
        return Entry(host, scheme=scheme, port=int(port or _PORTS[scheme]), path=below)
    host = text.removeprefix("*.")
    if not _HOST.fullmatch(host) or host.rpartition(".")[2].isdigit():
        raise ValueError(f"{text!r} is no host")
    return Entry(host, is_suffix=text.startswith("*."))


def require_allowed(address: str) -> Url:
    """Return the address as the HTTP library reads it, or raise ``NotAllowed``."""
    if len(address) > LONGEST or not _PLAIN.fullmatch(address):
        raise NotAllowed("This is not the address of a push subscription")
    try:
        read = parse_url(address)
    except LocationParseError as error:
        raise NotAllowed("This is not the address of a push subscription") from error
    scheme, host = read.scheme or "", read.host or ""
    port = _PORTS.get(scheme, 0) if read.port is None else read.port
    entries = (entry_of(line) for line in settings.WEBPUSH_ALLOWED_HOSTS)
    if not any(one.admits(scheme, host, port) and (read.path or "").startswith(one.path) for one in entries):
        raise NotAllowed("Push subscriptions of this host are not taken")
    return read


def normal(address: str) -> str:
    """Return the one spelling of an allowed address, which is what the HTTP library sends: the host in small letters,
    without its usual port, dots in the path resolved. Raises ``NotAllowed``."""
    read = require_allowed(address)
    is_usual = read.port == _PORTS[read.scheme or ""]
    return require_allowed((read._replace(port=None) if is_usual else read).url).url


def line_of(address: str) -> str:
    """Return the line of the list on which an allowed address is. Raises ``NotAllowed``."""
    read = require_allowed(address)
    port = _PORTS.get(read.scheme or "", 0) if read.port is None else read.port
    lines = settings.WEBPUSH_ALLOWED_HOSTS
    return next(line for line in lines if entry_of(line).admits(read.scheme or "", read.host or "", port))
