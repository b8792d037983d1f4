"""The look of the staff's screens (django-unfold)."""

from typing import Any

from django.templatetags.static import static

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Marquee",
    "SITE_HEADER": "Marquee",
    "SITE_SUBHEADER": "Event monetization",
    "SITE_SYMBOL": "local_activity",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "8px",
    "DASHBOARD_CALLBACK": "config.dashboard.callback",
    "GLOBAL_CALLBACK": "config.navigation.menu_place",
    "LOGIN": {"form": "accounts.admin_login.LimitedAuthenticationForm"},
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("storefront/icon.svg")},
    ],
    "STYLES": [lambda request: static("admin-marquee/admin.css")],
    "COLORS": {
        "primary": {
            "50": "oklch(97% 0.02 280)", "100": "oklch(94% 0.04 280)", "200": "oklch(88% 0.07 280)",
            "300": "oklch(80% 0.11 280)", "400": "oklch(70% 0.16 280)", "500": "oklch(64% 0.18 280)",
            "600": "oklch(52% 0.22 280)", "700": "oklch(45% 0.20 280)", "800": "oklch(38% 0.17 280)",
            "900": "oklch(32% 0.13 280)", "950": "oklch(24% 0.10 280)",
        },
    },
    "SIDEBAR": {"show_search": True, "show_all_applications": False, "navigation": "config.navigation.sidebar"},
}  # fmt: skip
