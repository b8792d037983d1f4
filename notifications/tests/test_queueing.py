from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import structlog.testing
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from common.models import Job
from config.local_stack.testing.race import Race
from notifications import addresses, templates
from notifications.errors import (
    BrokenTemplate,
    InvalidRecipient,
    MissingVariables,
    UnknownTemplate,
    UnknownVariables,
)
from notifications.models import EmailMessage, EmailStatus
from notifications.selectors import emails_about
from notifications.templates import EmailTemplate
from notifications.tests.factories import CONTEXT, NOON, message_kind, queue, stored

pytestmark = pytest.mark.django_db


def nothing_was_written() -> bool:
    return not EmailMessage.objects.exists() and not Job.objects.exists()


def test_an_email_is_frozen_and_has_a_job_in_its_lane(kind: str) -> None:
    """REQ NO-01: each e-mail is one row with its final words, and one job that sends it."""
    order_id, user_id, organization_id = uuid4(), uuid4(), uuid4()
    email_id = queue(
        kind, user_id=user_id, organization_id=organization_id, subject_ref=("order", order_id), urgent=True
    )
    message = stored(email_id)
    assert message.subject == "Your code for Backstage video"
    assert message.text_body.startswith("Hello Ada, here is Backstage video: AB-12\n")
    assert "AB-12" in message.html_body
    assert (message.status, message.created_at, message.sent_at) == (EmailStatus.QUEUED, NOON, None)
    assert (message.user_id, message.organization_id) == (user_id, organization_id)
    job = Job.objects.get()
    assert (job.lane, job.kind, job.organization_id) == (
        "urgent_mail",
        "notifications.send_email",
        organization_id,
    )
    assert "ada@example.com" not in str(job.payload)
    assert [email.id for email in emails_about("order", order_id)] == [email_id]
    queue(kind, urgent=False)
    assert Job.objects.filter(lane="bulk").count() == 1


def test_the_same_key_sends_nothing_new(kind: str) -> None:
    """REQ NO-01: a second call under a key gives the first e-mail, whatever it says."""
    first = queue(kind, dedupe_key="order:1:receipt")
    second = queue(kind, dedupe_key="order:1:receipt", to="eve@example.com")
    assert second == first
    assert EmailMessage.objects.get().to == "ada@example.com"
    assert Job.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_ten_threads_with_one_key_queue_one_email(kind: str, race: Race) -> None:
    """REQ NO-01: ten callers at once get the id of the same e-mail, which has one job."""
    ids = race(10, lambda _: queue(kind, dedupe_key="order:2:receipt"))
    assert set(ids) == {EmailMessage.objects.get().id}
    assert Job.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_cause_sends_nothing(kind: str) -> None:
    """REQ NO-01: the e-mail belongs to the caller's transaction."""
    with transaction.atomic():
        queue(kind)
        transaction.set_rollback(True)
    assert nothing_was_written()


def test_queueing_costs_two_statements(kind: str) -> None:
    """REQ NO-01: one row and one job, and no more, inside a caller's transaction."""
    queue(kind)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        queue(kind)
    assert len(queries) == 2


def test_missing_variables_are_named_and_nothing_is_written(kind: str) -> None:
    """REQ NO-03: what is missing (or None) is named before anything is sent."""
    with pytest.raises(MissingVariables) as refused:
        queue(kind, context={"title": "Backstage video", "name": None})
    assert refused.value.names == ("code", "name")
    assert nothing_was_written()


def test_unknown_variables_and_templates_are_refused(kind: str) -> None:
    """REQ NO-03: a misspelt variable or message fails at once."""
    with pytest.raises(UnknownVariables) as refused:
        queue(kind, context={**CONTEXT, "titel": "Backstage video"})
    assert refused.value.names == ("titel",)
    with pytest.raises(UnknownTemplate):
        queue("no_such_message")
    assert nothing_was_written()


@pytest.mark.parametrize(
    "broken",
    [
        {"text": "{{ undeclared }}"},
        {"text": "   \n"},
        {"text": "{% broken %}"},
        {"subject": "{{ undeclared|default:'x' }}"},
        {"subject": " \n "},
    ],
)
def test_a_broken_text_or_subject_queues_nothing(words: Path, broken: dict[str, str]) -> None:
    """REQ NO-03: without a sound subject and text part there is no e-mail."""
    with message_kind(words, **broken) as name, pytest.raises(BrokenTemplate):
        queue(name)
    assert nothing_was_written()


@pytest.mark.parametrize("html", ["{{ undeclared }}", "{% broken %}", '{% extends "email/nowhere.html" %}'])
def test_a_failing_html_part_leaves_the_text_and_is_logged(words: Path, html: str) -> None:
    """REQ NO-03: a failing HTML part sends the text part and is logged."""
    with message_kind(words, html=html) as name, structlog.testing.capture_logs() as logs:
        message = stored(queue(name))
    assert message.html_body == ""
    assert "AB-12" in message.text_body
    assert [(line["event"], line["template"]) for line in logs] == [("email_html_failed", name)]


def test_a_message_may_have_no_html_part(words: Path) -> None:
    """REQ NO-03: the text part is what every message has."""
    with message_kind(words, html=None) as name, structlog.testing.capture_logs() as logs:
        assert stored(queue(name)).html_body == ""
    assert logs == []


def test_html_is_escaped_and_text_is_not(kind: str) -> None:
    """REQ NO-03: what people write is words, not markup."""
    message = stored(queue(kind, context={**CONTEXT, "name": "<b>A & B</b>"}))
    assert "&lt;b&gt;A &amp; B&lt;/b&gt;" in message.html_body
    assert "<b>A" not in message.html_body
    assert "Hello <b>A & B</b>," in message.text_body


def test_optional_variables_may_be_left_out(words: Path) -> None:
    """REQ NO-03: what may be missing is blank."""
    with message_kind(words, text="Hi {{ name }}{{ note }}!", optional=frozenset({"note"})) as name:
        assert stored(queue(name)).text_body == "Hi Ada!\n"
        assert stored(queue(name, context={**CONTEXT, "note": None})).text_body == "Hi Ada!\n"


@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r", "\u2028", "\x85"])
def test_nobodys_words_begin_another_header(kind: str, newline: str) -> None:
    """REQ NO-03: a subject is one line whatever is in the variables."""
    message = stored(queue(kind, context={**CONTEXT, "title": f"Video{newline}Bcc: eve@example.com"}))
    assert message.subject == "Your code for Video Bcc: eve@example.com"


def test_a_long_subject_is_cut(kind: str) -> None:
    """REQ NO-03: a subject has 200 characters at most."""
    message = stored(queue(kind, context={**CONTEXT, "title": "x" * 5000}))
    assert len(message.subject) == 200
    assert message.subject.endswith("x…")


@pytest.mark.parametrize(
    "address",
    ["", "ada", "ada@", "a@b@example.com", "ada@example.com\nBcc: eve@example.com", "ada@example.com, eve@example.com",
     "ä@example.com", f"{'a' * 250}@example.com", "Ada <ada@example.com>"],
)  # fmt: skip
def test_a_wrong_recipient_is_refused(kind: str, address: str) -> None:
    """REQ NO-01: an e-mail goes to exactly one valid address."""
    with pytest.raises(InvalidRecipient) as refused:
        queue(kind, to=address)
    assert [error.field for error in refused.value.errors] == ["to"]
    assert nothing_was_written()


@pytest.mark.parametrize(
    ("written", "other"),
    [
        ("demo@case.test", ' "demo"@Case.Test '),
        ('"de\\mo"@case.test', "DEMO@case.test"),
        ("demo@bücher.test", "demo@XN--bcher-kva.test"),
        ("demo@BU\u0308CHER.test", "demo@bücher.test"),
    ],
)
def test_one_box_has_one_name_however_it_is_written(written: str, other: str) -> None:
    """REQ NO-02, NO-03: so that a list of boxes, a limit and an event of the provider's mean the same one."""
    assert addresses.recipient_key(written) == addresses.recipient_key(other)


def test_boxes_that_are_not_one_have_names_of_their_own() -> None:
    """REQ NO-02: what only looks alike stays apart, and any text of a provider's has a name."""
    odd = ["demo@case.test", "demo+x@case.test", "de.mo@case.test", '"demo@case.test', '"a b"@x.test', "ab@x.test",
           "a@" + "ü" * 300, "a@..b", "", '"', "\ud800@x.test", "demo"]  # fmt: skip
    assert len({addresses.recipient_key(one) for one in odd}) == len(odd)


def test_one_name_means_one_message() -> None:
    """REQ NO-03: a message is registered once, with one set of variables."""
    template = EmailTemplate("test_twice", required={"a"})
    templates.register(template)
    try:
        templates.register(EmailTemplate("test_twice", required={"a"}))
        with pytest.raises(ValueError, match="registered twice"):
            templates.register(EmailTemplate("test_twice", required={"b"}))
    finally:
        templates.registry.remove("test_twice")
    for wrong in ({"name": "../x"}, {"name": "x", "required": {"subject"}}):
        with pytest.raises(ValueError):
            EmailTemplate(**wrong)  # type: ignore[arg-type]


def test_the_check_names_messages_without_words(words: Path) -> None:
    """REQ NO-03: start-up checks find messages whose files are missing or broken."""
    from notifications.checks import email_templates

    assert email_templates() == []
    templates.register(EmailTemplate("test_wordless"))
    try:
        with message_kind(words, html="{% broken %}"):
            ids = sorted(error.id or "" for error in email_templates())
    finally:
        templates.registry.remove("test_wordless")
    assert ids == ["notifications.E001", "notifications.E001", "notifications.E002"]


def test_a_queued_email_without_a_job_gets_one(kind: str) -> None:
    """REQ OP-03: nothing that is due is forgotten, and nothing gets a second job."""
    from notifications.services.sending import requeue_orphans

    queue(kind)
    lost = queue(kind)
    Job.objects.filter(dedupe_key=f"email:{lost}").delete()
    assert requeue_orphans(now=NOON + timedelta(seconds=59)) == 0
    assert requeue_orphans(now=NOON + timedelta(seconds=61)) == 1
    assert requeue_orphans(now=NOON + timedelta(seconds=61)) == 0
    assert Job.objects.filter(dedupe_key=f"email:{lost}", status="pending").count() == 1


def test_one_without_a_job_is_found_behind_a_long_campaign(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REQ OP-03: however many older ones wait for their turn, what was lost behind them gets a job."""
    from notifications.services import sending

    monkeypatch.setattr(sending, "_SWEPT_AT_ONCE", 2)
    for _ in range(3):
        queue(kind)
    lost = queue(kind)
    Job.objects.filter(dedupe_key=f"email:{lost}").delete()
    assert sending.requeue_orphans(now=NOON + timedelta(seconds=61)) == 1
    assert Job.objects.filter(dedupe_key=f"email:{lost}", status="pending").count() == 1
