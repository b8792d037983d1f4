"""The pages of the mail catcher as HTML."""

from html import escape
from pathlib import Path

from config.local_stack.mailcatcher.store import Message
from config.local_stack.mailcatcher.telling import KINDS

STYLE = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header><a class="brand" href="/">Mail catcher</a>
<p>Every e-mail and push message of this demo ends here; none is delivered.</p></header>
<main>{main}</main>
</body>
</html>"""

_EMPTY = """<section class="empty"><h1>No e-mail yet</h1>
<p>Buy something in the storefront: the confirmation appears here within seconds.</p></section>"""


def _page(title: str, main: str) -> str:
    return _PAGE.format(title=escape(title), main=main)


def list_page(messages: list[Message], *, total: int, pushes: str) -> str:
    """Show the messages, newest first, and a button that clears them; below what came for devices (HTML)."""
    if not messages:
        return _page("Mail catcher", _EMPTY + pushes)
    rows = "".join(_row(message) for message in messages)
    older = (
        f'<a class="older" href="/?before={messages[-1].id}">Older messages</a>'
        if len(messages) < total
        else ""
    )
    main = f"""<div class="bar"><h1>{total} message{"" if total == 1 else "s"}</h1>
<form method="post" action="/clear"><button type="submit">Delete all</button></form></div>
<table class="list"><thead><tr><th scope="col">Subject</th><th scope="col">To</th>
<th scope="col">Received</th></tr></thead>
<tbody>{rows}</tbody></table>{older}{pushes}"""
    return _page(f"Mail catcher ({total})", main)


def _row(message: Message) -> str:
    return (
        f'<tr><td><a href="/messages/{message.id}">{escape(message.subject)}</a></td>'
        f"<td>{escape(', '.join(message.recipients))}</td><td>{_time(message)}</td></tr>"
    )


def _time(message: Message) -> str:
    moment = message.received_at
    return f'<time datetime="{moment.isoformat()}">{moment:%Y-%m-%d %H:%M:%S} UTC</time>'


def message_page(message: Message, *, may_tell: bool = False, told: str = "") -> str:
    """Show one message: HTML in a frame without rights, text, headers; and buttons that tell what became of it."""
    frame = (
        f'<iframe title="The message as HTML" sandbox src="/messages/{message.id}/html"></iframe>'
        if message.html
        else '<p class="none">This message has no HTML part.</p>'
    )
    text = f"<pre>{escape(message.text)}</pre>" if message.text else '<p class="none">No text part.</p>'
    headers = "".join(
        f"<tr><th scope=row>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in message.headers
    )
    main = f"""<p><a href="/">All messages</a></p><h1>{escape(message.subject)}</h1>
<dl><dt>From</dt><dd>{escape(message.sender)}</dd><dt>To</dt><dd>{escape(", ".join(message.recipients))}</dd>
<dt>Received</dt><dd>{_time(message)}</dd></dl>{_telling(message, told) if may_tell else ""}
<h2>HTML</h2>{frame}<h2>Text</h2>{text}{_files(message)}
<details><summary>Headers</summary><table>{headers}</table></details>
<p><a href="/messages/{message.id}/raw">Source</a></p>"""
    return _page(message.subject, main)


def _files(message: Message) -> str:
    rows = "".join(
        f'<li><a href="/messages/{message.id}/files/{place}">{escape(name)}</a> '
        f'<span class="none">{escape(kind)}, {len(content):,} bytes</span></li>'
        for place, (name, kind, content) in enumerate(message.attachments)
    )
    return f"<h2>Attached files</h2><ul>{rows}</ul>" if rows else ""


def _telling(message: Message, told: str) -> str:
    buttons = "".join(
        f'<form method="post" action="/messages/{message.id}/tell/{kind}"><button type="submit">{label}</button></form>'
        for kind, (_, label, _) in KINDS.items()
    )
    answer = f'<p role="status">{escape(told)}</p>' if told else ""
    return f"""<section aria-labelledby="tell"><h2 id="tell">Tell the shop what became of it</h2>
<div class="tell">{buttons}</div>{answer}</section>"""


def missing_page() -> str:
    """Say that a message is not there."""
    return _page(
        "Not found",
        '<section class="empty"><h1>This message is gone</h1><p><a href="/">All messages</a></p></section>',
    )
