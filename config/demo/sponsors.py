"""The demo's sponsors: two at the conference, with their people and the leads of the last days."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.hashers import make_password

from accounts.models import User
from ads.models import Lead, LeadSource, Sponsor, SponsorMember
from config.demo.events import Stage
from config.demo.people import PASSWORD, People
from events.models import Event
from notifications.addresses import recipient_key

_EVERY = timedelta(hours=5)


@dataclass(frozen=True, slots=True)
class _Met:
    """Somebody whom a sponsor met."""

    login: str
    source: LeadSource
    company: str = ""
    note: str = ""


_LEADS = {
    "Northwind Coffee": (
        _Met("standard5", LeadSource.BOOTH_SCAN, "Harbour Hotels", "Forty rooms; wants a price list."),
        _Met("standard6", LeadSource.FORM, "Kiln & Co", "Machines for two offices."),
        _Met("premium", LeadSource.BOOTH_SCAN, "Premium Partners", "Call after the conference."),
        _Met("standard7", LeadSource.AD_CLICK),
        _Met("standard8", LeadSource.BOOTH_SCAN, "Tall Trees Studio"),
    ),
    "Lumen Analytics": (
        _Met("vip", LeadSource.FORM, "Vip Ventures", "Asked for a demo of the dashboards."),
        _Met("standard9", LeadSource.BOOTH_SCAN, "Rivermouth Rail"),
        _Met("standard5", LeadSource.AD_CLICK, "Harbour Hotels"),
    ),
}
_SPONSORS = (
    ("Northwind Coffee", "https://coffee.demo.test/", "Keeps everybody awake, in both halls.", "sponsor"),
    ("Lumen Analytics", "https://lumen.demo.test/", "Figures that people read.", "sponsor2"),
)


def seed_sponsors(people: People, stage: Stage, *, now: datetime) -> int:
    """Create the sponsors that are missing, each with one person of its own and leads; return how many there are."""
    conference = stage.events["demo-conf"]
    for name, website, description, login in _SPONSORS:
        if Sponsor.objects.filter(event=conference, name=name).exists():
            continue
        sponsor = Sponsor.objects.create(
            event=conference,
            name=name,
            website=website,
            description=description,
            created_at=now - timedelta(days=30),
        )
        person = _person(login, name)
        SponsorMember.objects.create(sponsor=sponsor, user=person, created_at=sponsor.created_at)
        _leads(sponsor, person, people, now=now)
    return _number(conference)


def _person(login: str, sponsor: str) -> User:
    given = {"name": f"Somebody of {sponsor}", "password": make_password(PASSWORD)}
    return User.objects.get_or_create(email=f"{login}@demo.test", defaults=given)[0]


def _leads(sponsor: Sponsor, person: User, people: People, *, now: datetime) -> None:
    for place, met in enumerate(_LEADS[sponsor.name], start=1):
        user = people.users[met.login]
        at = now - place * _EVERY
        Lead.objects.create(
            sponsor=sponsor, name=user.name, email=user.email, email_key=recipient_key(user.email), user=user,
            company=met.company, source=met.source, note=met.note, consent_at=at, created_at=at,
            created_by=person if met.source == LeadSource.BOOTH_SCAN else user,
        )  # fmt: skip


def _number(event: Event) -> int:
    return Sponsor.objects.filter(event=event).count()
