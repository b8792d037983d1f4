"""Web Push: a message that one browser alone can read, left at its push service (RFC 8030, 8291)."""

import json
from datetime import datetime
from typing import Final

import requests
from http_ece import ECEException

from common import clock
from notifications.pushing import hosts, lines, sizes, vapid, verdicts
from notifications.pushing.types import Outcome, Outgoing, Target, Verdict

# RFC 8030, 7.2: services take 4,096 bytes; the cipher's header, tag and padding byte are 103 of them.
LARGEST: Final = 4096 - 103


def send(outgoing: Outgoing, target: Target, *, now: datetime) -> Verdict:
    """Hand one message to a push service and judge its answer; never raises for what that does.

    The host is looked at again: one that is not on the list (any more) gets no request.
    """
    # Not above: no process shall start with the quarter of a second that the library's aiohttp takes to load.
    from pywebpush import WebPushException

    try:
        hosts.require_allowed(target.token)
        # Read here: the signature is held against the service's own clock.
        signed = vapid.headers_for(target.token, now=clock.now())
        response = _post(outgoing, target, signed)
    except hosts.NotAllowed as error:
        return Verdict(Outcome.OFF_LIST, str(error))
    except vapid.BadKey as error:
        return Verdict(Outcome.PAUSED, str(error))
    except requests.RequestException as error:
        return verdicts.of_line(error, one_provider=False)
    except (WebPushException, ECEException, ValueError) as error:
        # Keys that cannot be encrypted for.
        detail = verdicts.described(f"{type(error).__name__}: {error}")
        return Verdict(Outcome.REFUSED, detail, blames_device=True)
    return verdicts.of_webpush(response.status_code, response.text[:1000], response.headers, now=now)


def _post(outgoing: Outgoing, target: Target, signed: dict[str, str]) -> requests.Response:
    from pywebpush import WebPusher

    keys = {"p256dh": target.p256dh, "auth": target.auth}
    browser = WebPusher({"endpoint": target.token, "keys": keys}, requests_session=lines.to_browsers())
    headers = {
        **signed,
        "Urgency": "high" if outgoing.is_urgent else "normal",
        # RFC 8030, 5.4: a later message of the same topic replaces one that is not delivered yet.
        "Topic": outgoing.id.hex,
    }
    answered: requests.Response = browser.send(
        payload(outgoing), headers, ttl=outgoing.ttl, timeout=lines.time_out()
    )
    return answered


def payload(outgoing: Outgoing) -> bytes:
    """Return what the service worker is given, as JSON; a text that is too long is cut."""
    return _encoded(
        outgoing, sizes.fitted(outgoing.body, lambda body: len(_encoded(outgoing, body)), LARGEST)
    )


def _encoded(outgoing: Outgoing, body: str) -> bytes:
    shown = {"title": outgoing.title, "body": body, "tag": str(outgoing.id), "data": outgoing.values()}
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()
