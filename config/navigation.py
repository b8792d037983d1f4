"""The staff's sidebar: the screens in the order of their work. What a member may not see is not there."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

# title of the group: (title, icon of Material Symbols, app label, model name)
GROUPS: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    "Sell": (
        ("Offers", "sell", "offers", "offer"),
        ("Purchases", "shopping_bag", "offers", "purchase"),
    ),
    "Deliver": (
        ("Parcels to send", "local_shipping", "offers", "merchandisefulfillment"),
        ("Appointments to set", "event_available", "offers", "servicefulfillment"),
        ("All fulfilment", "task_alt", "offers", "fulfillment"),
    ),
    "Ads": (
        ("Ads", "ads_click", "ads", "ad"),
        ("Ad performance", "monitoring", "ads", "ad"),
        ("Why an ad shows", "help_center", "ads", "ad"),
        ("Invalid traffic", "gpp_bad", "ads", "invalidsample"),
    ),
    "Analytics": (
        ("Event consoles", "dashboard", "analytics", "eventconsole"),
        ("Scheduled reports", "schedule_send", "analytics", "scheduledreport"),
        ("Experiments", "science", "analytics", "experiment"),
        ("Refused events", "gpp_maybe", "analytics", "refusedcount"),
    ),
    "Sponsors": (
        ("Sponsors", "handshake", "ads", "sponsor"),
        ("Leads", "contact_mail", "ads", "lead"),
    ),
    "Money": (
        ("Orders", "receipt_long", "payments", "order"),
        ("Refunds", "undo", "payments", "refund"),
        ("Disputes", "gavel", "payments", "dispute"),
        ("Ledger", "account_balance", "payments", "ledgerentry"),
    ),
    "Events": (
        ("Events", "event", "events", "event"),
        ("Sessions", "schedule", "events", "session"),
        ("Waitlists", "format_list_numbered", "waitlist", "sessionwaitlist"),
        ("Attendance", "groups", "events", "attendance"),
        ("Ticket tiers", "confirmation_number", "tickets", "tickettier"),
        ("Tickets", "qr_code_2", "tickets", "ticket"),
        ("Scans", "qr_code_scanner", "tickets", "ticketscan"),
        ("Scan anomalies", "report", "tickets", "scananomaly"),
        ("Check-in policies", "door_front", "tickets", "checkinpolicy"),
        ("Registrations", "how_to_reg", "events", "registration"),
    ),
    "Messages": (
        ("E-mail outbox", "mail", "notifications", "emailmessage"),
        ("How e-mail does", "monitor_heart", "notifications", "emailmessage"),
        ("Messages to a person", "person_search", "notifications", "emailmessage"),
        ("Suppressed addresses", "unsubscribe", "notifications", "emailsuppression"),
        ("Push messages", "notifications", "notifications", "pushmessage"),
        ("Push campaigns", "campaign", "notifications", "pushcampaign"),
        ("Push devices", "devices", "notifications", "pushdevice"),
        ("People's preferences", "tune", "notifications", "notificationpreferences"),
    ),
    "Operations": (
        ("Dead letters", "dangerous", "common", "deadletter"),
        ("Jobs", "low_priority", "common", "job"),
        ("Webhook inbox", "webhook", "common", "inboxevent"),
        ("Schedules", "alarm", "django_celery_beat", "periodictask"),
    ),
    "Organization": (
        ("Organizations", "apartment", "accounts", "organization"),
        ("Members", "badge", "accounts", "membership"),
        ("Users", "person", "accounts", "user"),
    ),
}
# Entries that lead to another page of a screen than its list: title: name of the address
PAGES = {
    "Ad performance": "ads_ad_performance",
    "Why an ad shows": "ads_ad_explain",
    "How e-mail does": "notifications_emailmessage_health",
    "Messages to a person": "notifications_emailmessage_person",
}


def address_of(title: str, app: str, model: str) -> str:
    """Return the name of the address that an entry leads to."""
    return f"admin:{PAGES.get(title, f'{app}_{model}_changelist')}"


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of the sidebar with the screens that this member may look at (unfold calls this)."""
    screens = {
        (model._meta.app_label, model._meta.model_name): screen
        for model, screen in admin.site._registry.items()
    }
    here = menu_place(request).get("menu_place", {}).get("link")
    groups = []
    for group, entries in GROUPS.items():
        items = [
            _item(title, icon, reverse(address_of(title, app, model)), here)
            for title, icon, app, model in entries
            if (app, model) in screens and screens[app, model].has_view_permission(request)
        ]
        if items:
            groups.append({"title": group, "separator": True, "items": items})
    return groups


def menu_place(request: HttpRequest) -> dict[str, Any]:
    """Return the menu's words for where this page is, for its title and its way (unfold calls this for each page).

    Its group, its entry and where that leads; nothing for a page that is below no entry.
    """
    places = [
        {"group": group, "title": title, "link": reverse(address_of(title, app, model))}
        for group, entries in GROUPS.items()
        for title, _, app, model in entries
    ]
    above = [place for place in places if request.path.startswith(place["link"])]
    # A page that has an entry of its own is not its list's too: the longest way is the nearest.
    return {"menu_place": max(above, key=lambda place: len(place["link"]))} if above else {}


def _item(title: str, icon: str, link: str, here: str | None) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": link, "active": link == here}
