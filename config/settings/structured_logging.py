"""Log levels by logger. The shape of a line is ``common.logging``'s."""

LOGGING = {
    "levels": {
        "": "INFO",
        "django.server": "WARNING",
        "django.request": "ERROR",
        "celery": "WARNING",
        "stripe": "WARNING",
        "socketio": "WARNING",
        "engineio": "WARNING",
        "fontTools": "WARNING",
    },
}
