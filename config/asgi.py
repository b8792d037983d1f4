"""The ASGI door: Socket.IO alone, in a process of its own. Served by uvicorn."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")

import django

django.setup()

from notifications.realtime.server import application  # noqa: E402

__all__ = ["application"]
