"""What the pages about one event's ads share: their addresses, and the frame around them."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from accounts.admin_base import ScopedModelAdmin


class EventPages(ScopedModelAdmin):
    """Pages beside the list of ads, each about one event."""

    def page_at(self, address: str, view: Any, name: str) -> URLPattern:
        """Return the address of a page, for members who are signed in."""
        page: URLPattern = path(address, self.admin_site.admin_view(view), name=f"ads_ad_{name}")
        return page

    def show(self, request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
        """Show a page in the frame of the admin."""
        frame = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "media": self.media,
        }
        return TemplateResponse(request, f"admin/ads/{template}", {**frame, **context})
