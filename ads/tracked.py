"""Where clicks are counted, for both doors."""

from ads.decision.types import Candidate


def tracked_path(ad: Candidate) -> str:
    """Return where a click is counted and sent on, up to the token; empty for an ad that leads nowhere."""
    return f"/api/v1/ads/{ad.id}/go?token=" if ad.click_url else ""
