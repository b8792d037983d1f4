"""The demo's mail catcher over real SMTP and HTTP. CONTRACT `MAIL_PORT`, REQ NO-01 (refusals)."""

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from config.local_stack.mailcatcher.server import MailCatcher
from config.local_stack.mailcatcher.store import MailStore


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[MailCatcher]:
    with MailCatcher(tmp_path) as running:
        yield running


def _message(subject: str = "Your order", *, html: str | None = "<p>Thank you</p>") -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "shop@demo.test", "vip@demo.test"
    message.set_content("Thank you, Zoë")
    if html is not None:
        message.add_alternative(html, subtype="html")
    return message


def _send(catcher: MailCatcher, message: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", catcher.smtp_port, timeout=5) as smtp:
        smtp.send_message(message)


def test_a_sent_message_is_shown_in_list_page_and_api(catcher: MailCatcher) -> None:
    """What went in by SMTP is read on the page and by the API, newest first."""
    _send(catcher, _message("first"))
    _send(catcher, _message("second"))
    found = catcher.messages()
    assert [message["subject"] for message in found] == ["second", "first"]
    assert found[0]["to"] == ["vip@demo.test"]
    assert found[0]["text"].strip() == "Thank you, Zoë"
    assert found[0]["html"].strip() == "<p>Thank you</p>"
    page = httpx.get(catcher.url).text
    assert page.index("second") < page.index("first")
    shown = httpx.get(f"{catcher.url}/messages/{found[0]['id']}").text
    assert "Thank you, Zoë" in shown
    assert "shop@demo.test" in shown


def test_an_empty_catcher_says_what_to_do(catcher: MailCatcher) -> None:
    """No table without rows: the page tells where e-mail comes from."""
    page = httpx.get(catcher.url).text
    assert "No e-mail yet" in page
    assert "<table" not in page


def test_html_of_a_message_runs_no_script_and_reaches_nothing(catcher: MailCatcher) -> None:
    """A caught message is foreign: framed without rights, and its text is escaped on our page."""
    _send(catcher, _message("<script>alert(1)</script>", html="<script>alert(2)</script>"))
    number = catcher.messages()[0]["id"]
    page = httpx.get(f"{catcher.url}/messages/{number}")
    assert "<script>" not in page.text
    assert f'<iframe title="The message as HTML" sandbox src="/messages/{number}/html">' in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    framed = httpx.get(f"{catcher.url}/messages/{number}/html")
    assert framed.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


@pytest.mark.parametrize(("kind", "code"), [("451", 451), ("550", 550)])
def test_ordered_refusals_are_answered_and_keep_nothing(catcher: MailCatcher, kind: str, code: int) -> None:
    """Temporary and final refusals come as often as ordered, then mail is taken again."""
    order = httpx.post(f"{catcher.url}/_faults", json={"smtp": kind, "times": 1})
    assert order.json() == {"smtp": kind, "times": 1}
    with pytest.raises(smtplib.SMTPDataError) as refused:
        _send(catcher, _message())
    assert refused.value.smtp_code == code
    assert catcher.messages() == []
    _send(catcher, _message())
    assert len(catcher.messages()) == 1


def test_an_ordered_drop_cuts_the_connection(catcher: MailCatcher) -> None:
    """The sender sees a lost connection and cannot know: nothing was kept."""
    catcher.fail("drop")
    with pytest.raises(smtplib.SMTPServerDisconnected):
        _send(catcher, _message())
    assert catcher.messages() == []


def test_an_ordered_timeout_says_nothing(catcher: MailCatcher) -> None:
    """The sender waits until its own time-out."""
    catcher.fail("timeout")
    smtp = smtplib.SMTP("127.0.0.1", catcher.smtp_port, timeout=0.3)
    with pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)):
        smtp.send_message(_message())
    smtp.close()
    assert catcher.messages() == []


@pytest.mark.parametrize("body", [b"", b"[]", b'{"smtp": "999"}', b'{"smtp": "451", "times": -1}'])
def test_a_senseless_order_is_refused(catcher: MailCatcher, body: bytes) -> None:
    """400, and mail is still taken."""
    assert httpx.post(f"{catcher.url}/_faults", content=body).status_code == 400
    _send(catcher, _message())
    assert len(catcher.messages()) == 1


def test_messages_are_cleared_by_button_and_api(catcher: MailCatcher) -> None:
    """Both empty the list; a page of another origin cannot."""
    _send(catcher, _message())
    assert httpx.post(f"{catcher.url}/clear", headers={"Origin": "http://evil.test"}).status_code == 403
    assert len(catcher.messages()) == 1
    assert httpx.post(f"{catcher.url}/clear").status_code == 303
    assert catcher.messages() == []
    _send(catcher, _message())
    assert httpx.delete(f"{catcher.url}/api/messages").status_code == 204
    assert catcher.messages() == []


def test_attached_files_are_listed_and_kept_as_sent(catcher: MailCatcher) -> None:
    """Byte for byte, as a file to be kept, whatever it is; its name is escaped."""
    message = _message()
    message.add_attachment(b"%PDF \0", maintype="application", subtype="pdf", filename="T-1 <b>é.pdf")
    message.add_attachment(b"<script>", maintype="text", subtype="html", filename="x.html")
    _send(catcher, message)
    page = httpx.get(f"{catcher.url}/messages/1").text
    assert (
        '<a href="/messages/1/files/0">T-1 &lt;b&gt;é.pdf</a> <span class="none">application/pdf, 6 bytes'
        in page
    )
    answers = [httpx.get(f"{catcher.url}/messages/1/files/{place}") for place in range(3)]
    assert [(one.status_code, one.content) for one in answers] == [
        (200, b"%PDF \0"),
        (200, b"<script>"),
        (404, b"gone"),
    ]
    assert answers[1].headers["content-type"] == "application/octet-stream"
    assert answers[0].headers["content-disposition"] == "attachment; filename*=UTF-8''T-1%20%3Cb%3E%C3%A9.pdf"


def test_a_browser_may_press_the_buttons(catcher: MailCatcher) -> None:
    """REQ NO-02: its pages let a browser name their origin, which is taken; a page without one ("null"), such as a
    caught message in its frame, can press nothing."""
    _send(catcher, _message())
    for path in ("/", "/messages/1"):
        assert httpx.get(f"{catcher.url}{path}").headers["referrer-policy"] == "same-origin"
    for foreign in ("null", catcher.url.replace("http:", "https:")):
        assert httpx.post(f"{catcher.url}/clear", headers={"Origin": foreign}).status_code == 403
    assert len(catcher.messages()) == 1
    assert httpx.post(f"{catcher.url}/clear", headers={"Origin": catcher.url}).status_code == 303
    assert catcher.messages() == []


def test_another_name_for_loopback_is_refused(catcher: MailCatcher) -> None:
    """A foreign page whose name was pointed at loopback must not read the mail."""
    assert httpx.get(catcher.url, headers={"Host": "evil.test"}).status_code == 400


def test_the_store_is_bounded_and_survives_a_restart(tmp_path: Path) -> None:
    """The oldest go when there are too many; the rest is there for the next start."""
    store = MailStore(tmp_path, most=3)
    for number in range(5):
        store.add(sender="a@demo.test", recipients=["b@demo.test"], raw=f"Subject: {number}\n\nx".encode())
    store.close()
    again = MailStore(tmp_path, most=3)
    assert [message.subject for message in again.newest(limit=10)] == ["4", "3", "2"]
    again.close()


def test_a_broken_message_is_shown_all_the_same(tmp_path: Path) -> None:
    """Bytes that are no proper e-mail do not take the page down."""
    store = MailStore(tmp_path)
    store.add(
        sender="",
        recipients=["b@demo.test"],
        raw=b"\xff\xfe\x00Content-Type: text/html; charset=nonsense\n\n\xff",
    )
    message = store.newest(limit=1)[0]
    assert message.subject == "-"
    assert isinstance(message.text + message.html, str)
    store.close()
