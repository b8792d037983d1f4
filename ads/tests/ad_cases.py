"""What may be said about an ad, and what is refused of it."""

from typing import Any
from uuid import uuid4

GOOD: dict[str, Any] = {
    "name": "Backstage tour", "content_type": "BANNER", "media_url": "https://media.test/ad.png",
    "placements": ["EVENT_HERO"],
}  # fmt: skip

# (case, what is said beside or instead of GOOD, the field errors it gets)
REFUSED: list[tuple[str, dict[str, Any], set[tuple[str, str]]]] = [
    ("no name", {"name": "  "}, {("name", "required")}),
    ("long name", {"name": "x" * 201}, {("name", "too_long")}),
    *(
        (f"name {wrong!a}", {"name": wrong}, {("name", "unreadable_text")})
        for wrong in ("Tour\u202eevil", "\u2066Tour", "Tour\u200f", "Tour\x07", "To\nur", "To\u2028ur")
    ),
    ("no media", {"media_url": ""}, {("media_url", "required")}),
    *(
        (f"media {wrong[:24]}", {"media_url": wrong}, {("media_url", "not_a_web_address")})
        for wrong in (
            "javascript:alert(1)", "data:text/html,x", "ftp://media.test/a", "//media.test/a", "https://",
            "https://user@media.test/a", "https://media.test/a b", "https://media.test/<a>",
            "https://media.test\\@evil.test/", "https://media.test:0/", f"https://media.test/{'x' * 2048}",
        )
    ),
    ("click script", {"click_url": "JavaScript:alert(1)"}, {("click_url", "not_a_web_address")}),
    *(
        (f"ratio {wrong}", {"aspect_ratio": wrong}, {("aspect_ratio", "invalid")})
        for wrong in ("", "16", "16:0", "0:9", "016:9", "12345:1", "16:9:1", "16/9", "-1:9", "٣:٢")
    ),
    ("nowhere", {"placements": []}, {("placements", "required")}),
    ("twice", {"placements": ["SIDEBAR", "SIDEBAR"]}, {("placements", "repeated")}),
    ("foreign session", {"target_sessions": [str(uuid4())]}, {("target_sessions", "not_of_this_event")}),
    (
        "too many sessions",
        {"target_sessions": [str(uuid4()) for _ in range(201)]},
        {("target_sessions", "too_many")},
    ),
    *(
        (f"{name} {value}", {name: value}, {(name, "out_of_range")})
        for name, most in (("weight", 1000), ("frequency_cap", 100), ("display_duration_seconds", 3600))
        for value in (0, -1, most + 1)
    ),
    (
        "ends as it starts",
        {"starts_at": "2026-12-02T10:00:00Z", "ends_at": "2026-12-02T11:00:00+01:00"},
        {("ends_at", "not_after_start")},
    ),
    ("a time of nowhere", {"starts_at": "2026-12-02T10:00:00"}, {("starts_at", "naive_time")}),
    ("the end of time", {"ends_at": "9999-12-31T12:00:00Z"}, {("ends_at", "out_of_range")}),
    ("the beginning", {"starts_at": "0001-01-02T00:00:00Z"}, {("starts_at", "out_of_range")}),
    *((f"price {wrong}", {"price": wrong}, {("price", "not_a_price")}) for wrong in ("1.5.5", "1e3", "-1", "1.999")),
    ("price above all", {"price": "1000000.00"}, {("price", "out_of_range")}),
    ("unknown currency", {"currency": "XXX"}, {("currency", "unknown")}),
    ("no budget", {"budget_total": "0"}, {("budget_total", "out_of_range")}),
    ("no budget of a day", {"budget_daily": "0.00"}, {("budget_daily", "out_of_range")}),
    ("budget above all", {"budget_total": "21474836.48"}, {("budget_total", "out_of_range")}),
    ("a day above all", {"budget_total": "5", "budget_daily": "5.01"}, {("budget_daily", "above_total")}),
    ("fee above the budget", {"price": "5.01", "budget_total": "5"}, {("budget_total", "below_price")}),
    (
        "not a single click",
        {"price_model": "CPC", "price": "2", "budget_total": "9", "budget_daily": "1.99"},
        {("budget_daily", "below_price")},
    ),
    (
        "not a single impression",
        {"price_model": "CPM", "price": "20.01", "budget_total": "0.02"},
        {("budget_total", "below_price")},
    ),
    (
        "all at once",
        {
            "name": "", "media_url": "x", "aspect_ratio": "1", "placements": [], "weight": 0, "price": "free",
            "budget_daily": "0", "target_sessions": [str(uuid4())],
        },
        {
            ("name", "required"), ("media_url", "not_a_web_address"), ("aspect_ratio", "invalid"),
            ("placements", "required"), ("weight", "out_of_range"), ("price", "not_a_price"),
            ("budget_daily", "out_of_range"), ("target_sessions", "not_of_this_event"),
        },
    ),
    (
        "nulls and rules",
        {"name": None, "weight": None, "placements": None, "price": None, "frequency_cap": 0},
        {
            ("name", "null"), ("weight", "null"), ("placements", "null"), ("price", "null"),
            ("frequency_cap", "out_of_range"),
        },
    ),
]  # fmt: skip
