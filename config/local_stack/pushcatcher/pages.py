"""What came for devices, as HTML for the page that shows caught e-mails too."""

from html import escape

from config.local_stack.pushcatcher.store import Push

_LONGEST_NAME = 40
_NONE = (
    '<p class="none">No push message yet. A seat that is offered to somebody with a device appears here.</p>'
)


def section(pushes: list[Push], *, total: int) -> str:
    """Show the newest messages with what each device would show."""
    rows = "".join(_row(push) for push in pushes)
    table = f"""<table class="list"><thead><tr><th scope="col">Message</th><th scope="col">Device</th>
<th scope="col">Received</th></tr></thead><tbody>{rows}</tbody></table>"""
    heading = f'<h2 id="push">Push messages ({total})</h2>'
    return f'<section aria-labelledby="push">{heading}{table if rows else _NONE}</section>'


def _row(push: Push) -> str:
    again = f", came {push.times} times and is shown once" if push.times > 1 else ""
    moment = push.received_at
    return (
        f"<tr><td><strong>{escape(push.title)}</strong><br>{escape(push.body)}</td>"
        f"<td>{escape(_short(push.device))}<br><span class=none>{escape(push.service)}{again}</span></td>"
        f'<td><time datetime="{moment.isoformat()}">{moment:%Y-%m-%d %H:%M:%S} UTC</time></td></tr>'
    )


def _short(device: str) -> str:
    """Return the name of a browser, or what tells two phones' tokens apart."""
    return device if len(device) <= _LONGEST_NAME else f"{device[:12]}…{device[-6:]}"
