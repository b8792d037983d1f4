"""Links in the cells of lists."""

from django.utils.html import format_html
from django.utils.safestring import SafeString


def link_to(address: str, text: object) -> SafeString:
    """Return a link for a cell of a list; its text stays on one line."""
    return format_html('<a class="mq-order" href="{}">{}</a>', address, text)
