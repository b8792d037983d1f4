"""A sponsor's people hear of new leads, and nobody else does. REQ RT-05, RT-01."""

import asyncio
from typing import Any

import pytest
from django.db import transaction

from accounts.models import User
from accounts.services.access import actor_of
from accounts.tests.factories import make_member, make_superuser, make_user
from ads.models import Lead, Sponsor
from ads.services.leads import give_lead
from ads.tests.factories import Door, lead, make_sponsor
from ads.types.sponsors import LeadInput
from common import clock
from common.errors import Failure
from common.outbox.testing import run_due
from notifications.models import RealtimeEvent
from notifications.realtime.rooms import rooms
from notifications.realtime.threads import in_thread
from notifications.tests.realtime import SECONDS, RealtimeProcess, connected, relay_all, token_of

GIVEN = LeadInput(name="Grace", email="grace@example.test", company="Navy", source="BOOTH_SCAN", consent=True)


def room_of(sponsor: Sponsor) -> str:
    """Return the sponsor's room."""
    return f"sponsor:{sponsor.pk}"


def answer_to(user: User, sponsor: Sponsor) -> str:
    """Return what the room answers somebody who wants to join; empty: come in."""
    try:
        rooms.authorise(room_of(sponsor), user, now=clock.now())
    except Failure as refusal:
        return refusal.code
    return ""


@pytest.mark.django_db
def test_who_may_join_the_room() -> None:
    """Its people and the organizer's staff; others are refused as REST refuses them, on the missed too. REQ RT-05."""
    ada, elsewhere = make_user(), make_user()
    sponsor = make_sponsor(people=[ada])
    make_sponsor(event=sponsor.event, people=[elsewhere])
    organization = sponsor.event.organization
    answers = {
        ada: "", make_superuser(): "", make_user(): "not_found", elsewhere: "not_found",
        make_member("owner"): "not_found",
        **{make_member(role, organization=organization): "" for role in ("staff", "admin", "owner")},
        **{make_member(role, organization=organization): "forbidden" for role in ("analyst", "scanner")},
    }  # fmt: skip
    statuses = {"": 200, "not_found": 404, "forbidden": 403}
    for user, answer in answers.items():
        assert answer_to(user, sponsor) == answer
        missed = Door(user).get("realtime/missed", stream=room_of(sponsor), after=0)
        assert missed.status_code == statuses[answer]


@pytest.mark.django_db
def test_who_is_taken_off_may_not_join_any_more() -> None:
    """The room asks the database each time. REQ RT-05."""
    ada = make_user()
    sponsor = make_sponsor(people=[ada])
    assert answer_to(ada, sponsor) == ""
    sponsor.members.all().delete()
    assert answer_to(ada, sponsor) == "not_found"


@pytest.mark.django_db
def test_a_new_lead_is_announced_with_what_a_screen_shows() -> None:
    """Neither the address nor the note is in it; the missed are read by number. REQ RT-05, RT-06."""
    ada = make_user()
    sponsor = make_sponsor(people=[ada])
    Door(ada).give(sponsor, lead(company="Navy", note="Call in May"))
    relay_all(clock.now())
    kept = Lead.objects.get()
    page = Door(ada).get("realtime/missed", stream=room_of(sponsor), after=0).json()
    (told,) = page["results"]
    del told["event_id"]
    assert told == {
        "event": "SPONSOR_LEAD", "stream": room_of(sponsor), "seq": 1, "sponsor_id": str(sponsor.pk),
        "lead_id": str(kept.pk), "name": "Grace", "company": "Navy", "source": "BOOTH_SCAN",
        "created_at": kept.created_at.isoformat(),
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_nothing_is_told_of_a_lead_that_was_rolled_back() -> None:
    """The announcement is a row of the same transaction. REQ RT-04."""
    ada = make_user()
    sponsor = make_sponsor(people=[ada])
    with transaction.atomic():
        give_lead(actor=actor_of(ada), sponsor_id=sponsor.pk, given=GIVEN, now=clock.now())
        assert RealtimeEvent.objects.count() == 1
        transaction.set_rollback(True)
    assert not RealtimeEvent.objects.exists()
    assert not Lead.objects.exists()


@pytest.fixture
def server(transactional_db: None) -> Any:
    """Give a real-time process."""
    process = RealtimeProcess()
    process.start()
    yield process
    process.stop()


@pytest.mark.django_db(transaction=True)
def test_the_sponsors_people_hear_it_over_their_socket(server: RealtimeProcess) -> None:
    """The real protocol: a stranger is refused the room, one of its people joins it and is told. REQ RT-05."""
    ada, stranger = make_user(), make_user()
    sponsor = make_sponsor(people=[ada])

    async def listen() -> tuple[Any, Any, Any]:
        mine, other = await connected(server, token_of(ada)), await connected(server, token_of(stranger))
        joined = await mine.call("join_room", {"room": room_of(sponsor)}, timeout=SECONDS)
        refused = await other.call("join_room", {"room": room_of(sponsor)}, timeout=SECONDS)
        await in_thread(
            lambda: give_lead(actor=actor_of(ada), sponsor_id=sponsor.pk, given=GIVEN, now=clock.now())
        )
        await in_thread(run_due)
        heard = await mine.receive(timeout=SECONDS)
        for client in (mine, other):
            await client.disconnect()
        return joined, refused, heard

    joined, refused, (event, data) = asyncio.run(listen())
    assert joined["ok"] is True
    assert (refused["ok"], refused["code"]) == (False, "not_found")
    assert (event, data["lead_id"], data["seq"]) == ("SPONSOR_LEAD", str(Lead.objects.get().pk), 1)
