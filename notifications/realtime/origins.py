"""From which pages browsers may connect."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from django.conf import settings


def is_allowed(origin: str | None, environ: Mapping[str, object]) -> bool:
    """Allow the origins of ``CORS_ALLOWED_ORIGINS`` and the storefront's, exactly, and the page's own host.

    Programs other than browsers send no origin: what protects is the token, not this.
    """
    if not origin:
        return True
    return origin in allowed_origins() or _is_same(origin, environ)


def allowed_origins() -> frozenset[str]:
    """Return the configured origins, as browsers write them."""
    configured = [*settings.CORS_ALLOWED_ORIGINS, settings.FRONTEND_URL]
    parts = [urlsplit(address) for address in configured if address]
    return frozenset(
        f"{part.scheme}://{part.netloc}".lower() for part in parts if part.scheme and part.netloc
    )


def _is_same(origin: str, environ: Mapping[str, object]) -> bool:
    """Compare with the host that was asked; a proxy in front passes it on."""
    host = str(environ.get("HTTP_HOST", ""))
    try:
        return bool(host) and urlsplit(origin).netloc == host
    except ValueError:  # `http://[`: whoever writes a header may write anything
        return False
