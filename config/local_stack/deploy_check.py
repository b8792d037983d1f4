"""`manage.py check --deploy` with production settings, as an operator would run it. REQ OP-05."""

import os
import sys

# Values as an operator gives them; none opens a door anywhere.
_PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "config.settings.production",
    "ENVIRONMENT": "production",
    "SECRET_KEY": "check-only-Zk3vQ8xN5tB1yH7wL0cR4mJ9sD2fG6aP-uE5iO8nT3kV7bX1qW",
    "JWT_SECRET": "check-only-mJ9sD2fG6aPuE5iO8nT3kV7bX1qWZk3vQ8xN5tB1yH7wL0cR4",
    "TICKET_SIGNING_KEYS": "check-only-T1yH7wL0cR4mJ9sD2fG6aPuE5iO8nT3kV7bX1qWZk3vQ8xN5",
    "ALLOWED_HOSTS": "tickets.example.com",
    "FRONTEND_URL": "https://tickets.example.com",
    "DATABASE_URL": "postgres://marquee:secret@db.example.com/marquee",
    "REDIS_URL": "redis://:secret@redis.example.com/0",
    "STRIPE_SECRET_KEY": "sk_live_check_only",
    "STRIPE_WEBHOOK_SECRET": "whsec_check_only_0123456789",
    "RESEND_API_KEY": "re_check_only",
    "RESEND_WEBHOOK_SECRET": "whsec_Y2hlY2stb25seS1yZXNlbmQtMDEyMzQ1Njc4OWFiY2Q=",
    "DEFAULT_FROM_EMAIL": "Marquee <tickets@example.com>",
    "WEBPUSH_VAPID_PRIVATE_KEY": "Y2hlY2stb25seS1rZXktZm9yLXZhcGlkLXB1c2gtISE",
    "WEBPUSH_VAPID_SUBJECT": "mailto:operators@example.com",
    "WEBPUSH_ALLOWED_HOSTS": "fcm.googleapis.com,*.push.apple.com",
    "FCM_API_BASE": "",
    "FCM_CREDENTIALS_FILE": "",
    "METRICS_TOKEN": "check-only-metrics-token-0123456789",
    "TRUSTED_PROXY_COUNT": "1",
    "STRIPE_API_BASE": "",
}


def main() -> int:
    """Run the checks; 1 when there is a warning."""
    os.environ.update(_PRODUCTION)
    import django
    from django.core.management import call_command
    from django.core.management.base import SystemCheckError

    django.setup()
    try:
        call_command("check", deploy=True, fail_level="WARNING")
    except SystemCheckError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
