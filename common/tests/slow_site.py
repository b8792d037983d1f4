"""A small site beside the product's own middleware and health check: one answer never ends, another is ordinary.

Served by the real server in the test of slow readers, never imported by a test.
"""

import os
from collections.abc import Iterator

from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    MIDDLEWARE=["common.streams.StreamsMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="of-a-test",
    WEB_STREAMS_AT_ONCE=int(os.environ["WEB_STREAMS_AT_ONCE"]),
)

from django.core.wsgi import get_wsgi_application  # noqa: E402

application = get_wsgi_application()

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse  # noqa: E402
from django.urls import path  # noqa: E402

from common.health import healthz  # noqa: E402


def _endless(request: HttpRequest) -> StreamingHttpResponse:
    def pieces() -> Iterator[bytes]:
        while True:
            yield b"x" * 65_536

    return StreamingHttpResponse(pieces())


def _ordinary(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ordinary")


urlpatterns = [path("healthz", healthz), path("endless", _endless), path("ordinary", _ordinary)]
