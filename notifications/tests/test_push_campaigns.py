"""Campaigns: one send to many under one id (REQ NO-04)."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services.access import actor_of
from accounts.tests.factories import make_member, make_organization, make_user
from common import clock
from common.audit.models import AuditEntry
from common.errors import Forbidden, Invalid, NotFound
from common.models import Job
from common.types import SYSTEM
from config.local_stack.pushcatcher.testing import PushCatcher
from config.local_stack.testing.race import Race
from events.models import Event
from events.tests.factories import make_event, make_registration
from notifications.errors import CampaignOver
from notifications.kinds import Channel
from notifications.models import PushCampaign, PushDelivery, PushMessage, PushStatus
from notifications.selectors.push import CampaignFigures, figures_of
from notifications.services.push import campaigns, forgetting, receipts
from notifications.services.push.campaigns import NewCampaign, Preview
from notifications.tests.preferences import mute
from notifications.tests.push import NOON, at, make_device, queue_push, run_due
from tickets.tests.factories import make_ticket, make_tier

pytestmark = pytest.mark.django_db
ADD = reverse("admin:notifications_pushcampaign_add")


def guest(event: Event, *, device: bool = True) -> User:
    user = make_user()
    make_registration(event, user)
    if device:
        make_device(user)
    return user


def new(event: Event, **changes: Any) -> NewCampaign:
    given: dict[str, Any] = {
        "event_id": event.pk, "audience": "registered", "part": None, "title": "Doors open",
        "body": "Come in.", "url": "https://example.test/e",
    }  # fmt: skip
    return NewCampaign(**given | changes)


def begun(event: Event, **changes: Any) -> PushCampaign:
    return campaigns.create(new(event, **changes), actor=SYSTEM, reason="news", now=NOON)


def figures(campaign: PushCampaign) -> CampaignFigures:
    return figures_of([campaign.pk])[campaign.pk]


def test_everybody_of_an_event_is_told_once(push_catcher: PushCatcher) -> None:
    """REQ NO-04: one message each under one campaign id; whoever mutes, has no device or is elsewhere gets none."""
    event = make_event()
    people = [guest(event) for _ in range(3)]
    mute(people[0], "announcements", Channel.PUSH)
    guest(event, device=False)
    guest(make_event())
    campaign = begun(event)
    run_due(at(1))
    assert {one.title for one in push_catcher.pushes()} == {"Doors open"}
    assert len(push_catcher.pushes()) == 2
    campaign.refresh_from_db()
    assert (campaign.people, campaign.without_device, campaign.written_at) == (4, 1, at(1))
    assert figures(campaign) == CampaignFigures(sent=2, suppressed=1)
    opened = PushMessage.objects.filter(campaign=campaign, status=PushStatus.SENT).first()
    assert opened is not None
    receipts.record([receipts.Receipt(opened.deliveries.get().pk, is_opened=True)], now=at(2))
    assert figures(campaign) == CampaignFigures(sent=2, delivered=1, opened=1, suppressed=1)
    Job.objects.filter(kind=campaigns.WRITE_KIND).update(status="pending", finished_at=None)
    run_due(at(3))
    assert len(push_catcher.requests()) == 2, "once more writes nothing"


def test_holders_of_one_tier_are_told(push_catcher: PushCatcher) -> None:
    """REQ NO-04: an audience of a room above: valid tickets of one tier, each holder once."""
    event = make_event()
    vip, standard = make_tier(event=event, name="VIP"), make_tier(event=event)
    holder, other, former = (make_device().user for _ in range(3))
    for user, tier in ((holder, vip), (holder, vip), (other, standard), (former, vip)):
        make_ticket(holder=user, tier=tier)
    former.tickets.update(status="void", voided_at=NOON)
    assert campaigns.preview(SYSTEM, event.pk, "tier", vip.pk) == Preview(1, 1)
    campaign = begun(event, audience="tier", part=vip.pk)
    run_due(at(1))
    assert campaign.audience_label == "Holders of a ticket of one tier: VIP"
    assert list(PushMessage.objects.values_list("user", flat=True)) == [holder.pk]


def test_an_hour_has_its_limit(push_catcher: PushCatcher, settings: Settings) -> None:
    """REQ NO-04: 100 an hour per campaign, counted exactly; the rest in the next hours, in batches, none lost."""
    settings.PUSH_CAMPAIGN_RATE_PER_HOUR = 3
    event = make_event()
    people = [guest(event) for _ in range(7)]
    campaign = begun(event)
    run_due(at(0))
    assert len(push_catcher.pushes()) == 3
    waiting = Job.objects.filter(status="pending").order_by("id")
    before = list(waiting.values("id", "claim", "run_at"))
    run_due(at(1800))
    assert list(waiting.values("id", "claim", "run_at")) == before, "waiting writes nothing"
    run_due(at(3599))
    assert (len(push_catcher.pushes()), figures(campaign).queued) == (3, 4)
    run_due(at(3600))
    run_due(at(7200))
    assert len(push_catcher.pushes()) == len({one.device for one in push_catcher.pushes()}) == len(people)
    assert figures(campaign).sent == 7


def test_a_large_audience_is_written_as_it_is_sent(
    push_catcher: PushCatcher, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REQ NO-04: batches by jobs; what waits in the queue stays an hour's worth however many people there are."""
    settings.PUSH_CAMPAIGN_RATE_PER_HOUR = 2
    monkeypatch.setattr(campaigns, "BATCH", 2)
    event = make_event()
    for _ in range(5):
        guest(event)
    campaign = begun(event)
    for hour in range(3):
        run_due(at(3600 * hour))
        run_due(at(3600 * hour + 60))
        campaign.refresh_from_db()
        assert PushMessage.objects.filter(begun_at__isnull=True).count() <= 2
    assert (campaign.people, len(push_catcher.pushes())) == (5, 5)
    assert campaign.written_at is not None


def test_cancelling_takes_back_what_waits(push_catcher: PushCatcher, settings: Settings) -> None:
    """REQ NO-04: what was sent stays sent, the rest is taken back, nobody else is written to; once."""
    settings.PUSH_CAMPAIGN_RATE_PER_HOUR = 1
    event = make_event()
    for _ in range(3):
        guest(event)
    owner = actor_of(make_member("owner", organization=event.organization))
    campaign = begun(event)
    run_due(at(0))
    with pytest.raises(NotFound):
        campaigns.cancel(campaign.pk, actor=actor_of(make_member("owner")), reason="x", now=at(1))
    assert campaigns.cancel(campaign.pk, actor=owner, reason="wrong hall", now=at(1)) == 2
    run_due(at(3600))
    assert len(push_catcher.requests()) == 1
    assert figures(campaign) == CampaignFigures(sent=1, cancelled=2)
    with pytest.raises(CampaignOver):
        campaigns.cancel(campaign.pk, actor=owner, reason="again", now=at(2))
    entry = AuditEntry.objects.get(action="notifications.cancel_push_campaign")
    assert (entry.reason, entry.organization_id) == ("wrong hall", event.organization_id)


def test_who_may_send_and_what(push_catcher: PushCatcher, settings: Settings) -> None:
    """REQ EV-03, NO-04: those who manage events; words and address are checked; a refusal writes nothing."""
    settings.FRONTEND_URL = "http://tickets.test"
    event, other = make_event(), make_event()
    staff = actor_of(make_member("staff", organization=event.organization))
    analyst = actor_of(make_member("analyst", organization=event.organization))
    for actor, subject, refusal in ((analyst, event, Forbidden), (staff, other, NotFound)):
        with pytest.raises(refusal):
            campaigns.create(new(subject), actor=actor, reason="x", now=NOON)
        with pytest.raises(refusal):
            campaigns.preview(actor, subject.pk, "registered", None)
    wrong: list[tuple[dict[str, Any], list[str]]] = [
        ({"title": " ", "body": ""}, ["title", "body"]),
        ({"title": "x" * 101, "body": "x" * 501}, ["title", "body"]),
        *(({"url": url}, ["url"]) for url in ("http://evil.test", "javascript:x", "/x", "https://a@b.test", "https://")),
        ({"audience": "everybody"}, ["audience"]),
        ({"audience": "tier", "part": make_tier(event=other).pk}, ["part"]),
        ({"audience": "tier"}, ["part"]),
        ({"part": make_tier(event=event).pk}, ["part"]),
    ]  # fmt: skip
    for changes, fields in wrong:
        with pytest.raises(Invalid) as refused:
            campaigns.create(new(event, **changes), actor=staff, reason="x", now=NOON)
        assert [one.field for one in refused.value.errors] == fields
    assert not PushCampaign.objects.exists()
    assert not Job.objects.exists()
    sent = campaigns.create(new(event, url="http://tickets.test/x"), actor=staff, reason="x", now=NOON)
    assert sent.url == "http://tickets.test/x"


@pytest.mark.django_db(transaction=True)
def test_one_key_is_one_campaign(race: Race, push_catcher: PushCatcher) -> None:
    """REQ NO-04: a page that is sent ten times at once is one campaign: one id, one entry, one message each."""
    event = make_event()
    guest(event)
    key, wanted = uuid4(), new(event)

    def send(_: int) -> UUID:
        return campaigns.create(wanted, actor=SYSTEM, reason="news", now=NOON, key=key).pk

    assert race(10, send) == [key] * 10
    assert AuditEntry.objects.filter(action="notifications.send_push_campaign").count() == 1
    run_due(at(1))
    assert len(push_catcher.requests()) == 1
    owner = actor_of(make_member("owner", organization=event.organization))
    with pytest.raises(Invalid):
        campaigns.create(wanted, actor=owner, reason="another person's page", now=NOON, key=key)


def test_old_messages_go_and_campaigns_keep_their_figures(
    push_catcher: PushCatcher, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REQ NO-04: messages past their retention are deleted, batch by batch; what still waits is not."""
    settings.PUSH_RETENTION_DAYS = 30
    monkeypatch.setattr(forgetting, "_AT_ONCE", 2)
    event = make_event()
    people = [guest(event) for _ in range(4)]
    mute(people[0], "announcements", Channel.PUSH)
    campaign = begun(event)
    run_due(at(1))
    receipts.record(
        [receipts.Receipt(PushMessage.objects.get(user=people[1]).deliveries.get().pk, is_opened=True)],
        now=at(2),
    )
    grouped = PushMessage.objects.get(user=people[2])
    PushMessage.objects.filter(pk=grouped.pk).update(
        status=PushStatus.GROUPED, summary=queue_push(people[2], now=at(3))
    )
    summary = PushMessage.objects.get(grouped=grouped)
    before = figures(campaign)
    assert before == CampaignFigures(queued=1, sent=2, delivered=1, opened=1, suppressed=1)
    month = timedelta(days=30)
    assert forgetting.forget_old(now=at(0) + month) == 0
    assert forgetting.forget_old(now=at(10) + month) == 3, "what waits, and what waits in a summary, stays"
    assert (figures(campaign), set(PushMessage.objects.all())) == (before, {grouped, summary})
    run_due(at(11))
    assert forgetting.forget_old(now=at(10) + month) == 2
    assert figures(campaign) == CampaignFigures(sent=3, delivered=1, opened=1, suppressed=1)
    assert not PushDelivery.objects.exists()


def test_the_screen_previews_then_sends(client: Client, push_catcher: PushCatcher) -> None:
    """REQ NO-04: staff see to how many it goes before they send it, and how far it got afterwards."""
    event = make_event(organization=make_organization())
    guest(event), guest(event, device=False)
    client.force_login(make_member("staff", organization=event.organization))
    form = {"audience": "registered", "title": "Doors <open>", "body": "Come in.", "url": "", "reason": "x"}
    address = f"{ADD}?event={event.pk}"
    assert client.get(address).status_code == 200
    shown = client.post(address, form).content.decode()
    assert "2 people, 1 with a device" in shown
    assert "Doors &lt;open&gt;" in shown
    assert not PushCampaign.objects.exists()
    assert (
        "An https address"
        in client.post(address, {**form, "url": "http://x.test", "confirmed": "1"}).content.decode()
    )
    assert "2 people" in client.post(address, {**form, "confirmed": "1"}).content.decode(), (
        "no key: a preview"
    )
    key = re.findall(r'name="key" value="([0-9a-f-]{36})"', shown)[0]
    sent = client.post(address, {**form, "confirmed": "1", "key": key}, follow=True)
    campaign = PushCampaign.objects.get()
    again = client.post(address, {**form, "confirmed": "1", "key": key}, follow=True)
    assert sent.redirect_chain == again.redirect_chain
    assert str(campaign.pk) == key
    other = client.post(address, {**form, "title": "Other words", "confirmed": "1", "key": key})
    assert "preview this one again" in other.content.decode()
    assert (PushCampaign.objects.get().title, Job.objects.count()) == ("Doors <open>", 1)
    run_due(clock.now())
    page = client.get(reverse("admin:notifications_pushcampaign_change", args=[campaign.pk])).content.decode()
    assert sent.status_code == 200
    assert "2 people written to" in page
    assert len(push_catcher.pushes()) == 1
    client.force_login(make_member("staff"))
    assert client.get(address).status_code == 404
    client.force_login(make_member("analyst", organization=event.organization))
    assert client.get(address).status_code == 403
