"""The demo's ads: five that run, one each that is paused, planned and over, and a month of what happened to them."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.templatetags.static import static

from accounts.services.access import actor_of
from ads.models import Ad, AdPlacement, ContentType, Pacing, PriceModel
from ads.services.daily import recompute_event
from ads.services.writing import create_ad, pause_ad
from ads.types.ads import AdInput
from common.types import Actor
from config.demo.ad_history import Run, seed_ad_history
from config.demo.events import Stage
from config.demo.people import People
from events.models import Event

_BEGAN = timedelta(days=31)
_HERO, _BREAK, _SIDE = AdPlacement.EVENT_HERO, AdPlacement.SESSION_BREAK, AdPlacement.SIDEBAR
_FEED, _OVERLAY, _CHECKOUT = AdPlacement.IN_FEED, AdPlacement.LIVE_OVERLAY, AdPlacement.CHECKOUT


@dataclass(frozen=True, slots=True)
class _Demo:
    """One ad of the demo: where its picture lies, what it says, and how it does on an ordinary day."""

    picture: str
    ad: AdInput
    a_day: int = 0
    viewable: float = 0.0
    clicked: float = 0.0
    leads_to: str = ""
    is_paused: bool = False


def seed_ads(people: People, stage: Stage, *, now: datetime) -> int:
    """Create the ads that are missing, by the service, and their past once; return how many ads there are."""
    conference, owner = stage.events["demo-conf"], actor_of(people.users["owner"])
    known = {ad.name: ad for ad in Ad.objects.filter(event=conference)}
    demos = _demos(stage, now)
    for demo in demos:
        if demo.ad.name not in known:
            made = _make(demo, owner, conference, now=now)
            known[made.name] = made
    _seed_past(conference, demos, known, now=now)
    return len(known)


def _make(demo: _Demo, owner: Actor, event: Event, *, now: datetime) -> Ad:
    began = now - _BEGAN
    given = replace(demo.ad, media_url=_address(static(f"demo/{demo.picture}")))
    given = replace(given, click_url=_address(demo.leads_to or static("demo/sponsor.html")))
    ad = create_ad(actor=owner, event_id=event.pk, given=given, now=began)
    if demo.is_paused:
        pause_ad(
            actor=owner, ad_id=ad.pk, now=began + timedelta(days=2), reason="The bar opens in the autumn"
        )
    return ad


def _address(path: str) -> str:
    return f"{settings.FRONTEND_URL.rstrip('/')}{path}"


def _seed_past(event: Event, demos: list[_Demo], known: dict[str, Ad], *, now: datetime) -> None:
    shown = [(known[str(demo.ad.name)], demo) for demo in demos if demo.a_day]
    runs = [Run(ad, demo.a_day, demo.viewable, demo.clicked, until=ad.ends_at or now) for ad, demo in shown]
    if seed_ad_history(event, runs, now=now):
        recompute_event(event_id=event.pk, now=now)


def _demos(stage: Stage, now: datetime) -> list[_Demo]:
    return [*_running(stage, now), *_others(now)]


def _running(stage: Stage, now: datetime) -> list[_Demo]:
    began, ends = now - _BEGAN, stage.events["demo-conf"].ends_at
    masterclass = f"/sessions/{stage.sessions['masterclass'].pk}/waitlist"
    elsewhere = tuple(stage.sessions[slug].pk for slug in ("keynote", "workshop"))
    return [
        _Demo("northwind.svg", AdInput(
            name="Northwind Coffee: free refills", content_type=ContentType.BANNER, aspect_ratio="4:1",
            placements=(_HERO, _FEED), weight=3, display_duration_seconds=20, starts_at=began, ends_at=ends,
            price_model=PriceModel.CPM, price="90.00", budget_total="120.00", budget_daily="3.00",
        ), a_day=30, viewable=0.78, clicked=0.021),
        _Demo("lumen.svg", AdInput(
            name="Lumen Analytics: figures people read", content_type=ContentType.BANNER, aspect_ratio="4:1",
            placements=(_HERO, _BREAK, _CHECKOUT), weight=2, display_duration_seconds=20, starts_at=began,
            price_model=PriceModel.CPC, price="2.50", budget_total="150.00", pacing=Pacing.ASAP,
        ), a_day=24, viewable=0.71, clicked=0.034),
        _Demo("masterclass.svg", AdInput(
            name="Pricing masterclass", content_type=ContentType.SPONSORED_SESSION, aspect_ratio="16:5",
            placements=(_BREAK,), target_sessions=elsewhere, starts_at=began, ends_at=ends,
            price_model=PriceModel.FLAT, price="300.00",
        ), a_day=9, viewable=0.84, clicked=0.05, leads_to=masterclass),
        _Demo("backstage.webm", AdInput(
            name="Backstage tour, the film", content_type=ContentType.VIDEO, aspect_ratio="16:9",
            placements=(_BREAK, _OVERLAY), weight=2, starts_at=began, price_model=PriceModel.FLAT, price="0.00",
        ), a_day=12, viewable=0.62, clicked=0.03, leads_to="/events/demo-conf"),
        _Demo("harbour.svg", AdInput(
            name="Harbour Hotels: five minutes away", content_type=ContentType.BANNER, aspect_ratio="4:5",
            placements=(_SIDE,), starts_at=began, price_model=PriceModel.CPC, price="1.20",
        ), a_day=16, viewable=0.55, clicked=0.018),
    ]  # fmt: skip


def _others(now: datetime) -> list[_Demo]:
    return [
        _Demo("northwind.svg", AdInput(
            name="Northwind Coffee: the evening bar", content_type=ContentType.BANNER, aspect_ratio="4:1",
            placements=(_HERO,), price_model=PriceModel.CPM, price="60.00",
        ), is_paused=True),
        _Demo("harbour.svg", AdInput(
            name="Harbour Hotels: late check-out", content_type=ContentType.INTERSTITIAL, aspect_ratio="4:5",
            placements=(_OVERLAY, _SIDE), starts_at=now + timedelta(days=7), ends_at=now + timedelta(days=21),
            price_model=PriceModel.FLAT, price="120.00",
        )),
        _Demo("lumen.svg", AdInput(
            name="Lumen Analytics: early access", content_type=ContentType.BANNER, aspect_ratio="4:1",
            placements=(_HERO,), starts_at=now - _BEGAN, ends_at=now - timedelta(days=3),
            price_model=PriceModel.FLAT, price="80.00",
        ), a_day=14, viewable=0.69, clicked=0.025),
    ]  # fmt: skip
