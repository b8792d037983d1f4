"""Messages are as large as their provider takes them: the text gives way."""

from collections.abc import Callable


def fitted(body: str, size: Callable[[str], int], largest: int) -> str:
    """Return the text, or its beginning and "…", so that ``size`` of it, in bytes, is ``largest`` at most.

    An empty text, where even that is too large: what else there is has to be bounded by who writes it.
    """
    while body and size(body) > largest:
        body = body[: min(len(body) - 1, len(body) * 3 // 4)].rstrip("…") + "…" if len(body) > 1 else ""
    return body
