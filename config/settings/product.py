"""What the product allows and for how long: limits, times and thresholds of its rooms."""

import environ

env = environ.Env()

# Answers that one web process sends piece by piece at once, each of which holds a thread: two less than its threads
WEB_STREAMS_AT_ONCE: int = env.int("WEB_STREAMS_AT_ONCE", default=2)

# The purchase path
FRONTEND_URL: str = env.str("FRONTEND_URL", default="")
PURCHASES_ENABLED: bool = env.bool("PURCHASES_ENABLED", default=True)
PURCHASE_RATE_LIMIT: int = env.int("PURCHASE_RATE_LIMIT", default=10)
PURCHASE_RATE_WINDOW_SECONDS: int = env.int("PURCHASE_RATE_WINDOW_SECONDS", default=60)
PURCHASE_ADDRESS_RATE_LIMIT: int = env.int("PURCHASE_ADDRESS_RATE_LIMIT", default=120)
RESERVATION_TTL_SECONDS: int = env.int("RESERVATION_TTL_SECONDS", default=900)
HOLD_LIMIT_UNITS: int = env.int("HOLD_LIMIT_UNITS", default=20)
HOLD_LIMIT_CHECKOUTS: int = env.int("HOLD_LIMIT_CHECKOUTS", default=3)

# Tickets. Keys that sign their codes: the newest first signs, all verify; none: one that follows from SECRET_KEY
TICKET_SIGNING_KEYS: list[str] = env.list("TICKET_SIGNING_KEYS", default=[])
TICKET_LIVE_SECONDS: int = env.int("TICKET_LIVE_SECONDS", default=300)
# Scans a minute of one scanner, and refused ones among them; hours after which a kept scan comes too late
SCAN_RATE_LIMIT: int = env.int("SCAN_RATE_LIMIT", default=120)
SCAN_INVALID_RATE_LIMIT: int = env.int("SCAN_INVALID_RATE_LIMIT", default=10)
SCAN_OFFLINE_HOURS: int = env.int("SCAN_OFFLINE_HOURS", default=24)

# Waitlists
WAITLIST_OFFER_TTL_SECONDS: int = env.int("WAITLIST_OFFER_TTL_SECONDS", default=900)
WAITLIST_JOIN_RATE_LIMIT: int = env.int("WAITLIST_JOIN_RATE_LIMIT", default=30)
WAITLIST_NEAR_FRONT_PLACES: int = env.int("WAITLIST_NEAR_FRONT_PLACES", default=3)

# Leads of sponsors, a minute: of an attendee, and of each of the sponsor's people
LEAD_RATE_LIMIT: int = env.int("LEAD_RATE_LIMIT", default=10)
LEAD_PEOPLE_RATE_LIMIT: int = env.int("LEAD_PEOPLE_RATE_LIMIT", default=120)

# Tracked events a minute of one address, which may be a whole venue's; and how long raw events are kept
TRACK_RATE_LIMIT: int = env.int("TRACK_RATE_LIMIT", default=120_000)
ANALYTICS_EVENT_RETENTION_DAYS: int = env.int("ANALYTICS_EVENT_RETENTION_DAYS", default=400)
# What the dashboard calls figures, as shares of 0 to 1: clicks by impressions, a stage's people who do not go on,
# purchases by views
CTR_EXCELLENT: float = env.float("CTR_EXCELLENT", default=0.05)
CTR_GOOD: float = env.float("CTR_GOOD", default=0.02)
DROPOFF_HIGH: float = env.float("DROPOFF_HIGH", default=0.7)
DROPOFF_MODERATE: float = env.float("DROPOFF_MODERATE", default=0.4)
CONVERSION_SUCCESS: float = env.float("CONVERSION_SUCCESS", default=0.02)

# Ads: how long a served ad may be counted, and how long it holds caps and budgets before it is, in seconds
AD_TOKEN_TTL_SECONDS: int = env.int("AD_TOKEN_TTL_SECONDS", default=3600)
AD_RESERVATION_SECONDS: int = env.int("AD_RESERVATION_SECONDS", default=120)
# How often ads may be asked for a minute, in each process: by one viewer, and from one address
AD_SERVE_VIEWER_RATE_LIMIT: int = env.int("AD_SERVE_VIEWER_RATE_LIMIT", default=600)
AD_SERVE_NETWORK_RATE_LIMIT: int = env.int("AD_SERVE_NETWORK_RATE_LIMIT", default=120_000)
# What may be told of ads a minute, in impressions and clicks: of one viewer, and from one address
AD_VIEWER_RATE_LIMIT: int = env.int("AD_VIEWER_RATE_LIMIT", default=120)
AD_NETWORK_RATE_LIMIT: int = env.int("AD_NETWORK_RATE_LIMIT", default=12000)
AD_CLICK_NETWORK_RATE_LIMIT: int = env.int("AD_CLICK_NETWORK_RATE_LIMIT", default=60)
# How many days raw events are kept; figures of days stay
AD_EVENT_RETENTION_DAYS: int = env.int("AD_EVENT_RETENTION_DAYS", default=90)

# Real time: how long a message can be asked for again, events a second of one socket, how often a socket is checked
REALTIME_RETENTION_HOURS: int = env.int("REALTIME_RETENTION_HOURS", default=24)
REALTIME_EVENTS_PER_SECOND: int = env.int("REALTIME_EVENTS_PER_SECOND", default=20)
REALTIME_CHECK_SECONDS: float = env.float("REALTIME_CHECK_SECONDS", default=20)
REALTIME_LEGACY_EVENTS: bool = env.bool("REALTIME_LEGACY_EVENTS", default=False)

# E-mails a minute, in all and to one address; dead jobs from which operators are alarmed
EMAIL_RATE_PER_MINUTE: int = env.int("EMAIL_RATE_PER_MINUTE", default=100)
EMAIL_RECIPIENT_RATE_PER_MINUTE: int = env.int("EMAIL_RECIPIENT_RATE_PER_MINUTE", default=10)
# Requests a second that Resend takes of our account, which others may share; 0: not counted
EMAIL_RATE_PER_SECOND: int = env.int("EMAIL_RATE_PER_SECOND", default=2)
# The mail provider's webhook: what it signs with, several while a secret is being rotated
RESEND_WEBHOOK_SECRETS: list[str] = env.list("RESEND_WEBHOOK_SECRET", default=[])
# E-mails to one box that bounce for now in a row until it is not written to any more; 0: however many
EMAIL_SOFT_BOUNCES: int = env.int("EMAIL_SOFT_BOUNCES", default=5)
# Shares of a day's e-mails from which operators are alarmed, once so many were sent: bounced, called unwanted
EMAIL_BOUNCE_RATE_ALERT: float = env.float("EMAIL_BOUNCE_RATE_ALERT", default=0.04)
EMAIL_COMPLAINT_RATE_ALERT: float = env.float("EMAIL_COMPLAINT_RATE_ALERT", default=0.0008)
EMAIL_ALERT_MINIMUM: int = env.int("EMAIL_ALERT_MINIMUM", default=100)
DEAD_JOBS_ALERT: int = env.int("DEAD_JOBS_ALERT", default=10)

# Federation: whether _service tells the schema, introspection or not
GRAPHQL_SDL: bool = env.bool("GRAPHQL_SDL", default=True)

# Push. FCM: the file of a service account; an API base only for a stand-in. Web Push: our key pair, who may be asked
# about it (mailto: or https:), and the push services whose subscriptions are taken
FCM_CREDENTIALS_FILE: str = env.str("FCM_CREDENTIALS_FILE", default="")
FCM_API_BASE: str = env.str("FCM_API_BASE", default="")
WEBPUSH_VAPID_PRIVATE_KEY: str = env.str("WEBPUSH_VAPID_PRIVATE_KEY", default="")
WEBPUSH_VAPID_SUBJECT: str = env.str("WEBPUSH_VAPID_SUBJECT", default="")
WEBPUSH_ALLOWED_HOSTS: list[str] = env.list(
    "WEBPUSH_ALLOWED_HOSTS",
    default=[
        "fcm.googleapis.com",
        "*.push.services.mozilla.com",
        "*.notify.windows.com",
        "*.push.apple.com",
    ],
)
PUSH_TIMEOUT_SECONDS: float = env.float("PUSH_TIMEOUT_SECONDS", default=10)
# Messages an hour, to one person and of one campaign; failures in a row that switch a device off
PUSH_USER_RATE_PER_HOUR: int = env.int("PUSH_USER_RATE_PER_HOUR", default=10)
PUSH_CAMPAIGN_RATE_PER_HOUR: int = env.int("PUSH_CAMPAIGN_RATE_PER_HOUR", default=100)
PUSH_DEVICE_FAILURES: int = env.int("PUSH_DEVICE_FAILURES", default=5)
# How many days messages are kept; figures of campaigns stay
PUSH_RETENTION_DAYS: int = env.int("PUSH_RETENTION_DAYS", default=400)
# Devices of one person; how often one person may register some a minute
PUSH_DEVICES_PER_PERSON: int = env.int("PUSH_DEVICES_PER_PERSON", default=20)
PUSH_REGISTER_RATE_LIMIT: int = env.int("PUSH_REGISTER_RATE_LIMIT", default=20)
# How often links that unsubscribe may be pressed a minute from one address, which may be a mail provider's
UNSUBSCRIBE_RATE_LIMIT: int = env.int("UNSUBSCRIBE_RATE_LIMIT", default=600)
# Keys that SECRET_KEY replaced: the links in old mail that they signed go on working
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", default=[])
