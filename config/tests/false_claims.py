"""What must make the proofs of a fault campaign fail."""

from uuid import UUID

# A claim of each sort that nobody made, and the promise that is not kept then.
FALSE_CLAIMS = (
    ("order", {"key": "-", "order": str(UUID(int=1))}, "an order that was answered is there"),
    ("refund", {"refund": str(UUID(int=1))}, "a refund that was answered is there"),
    ("seat", {"attendance": str(UUID(int=1))}, "who accepted has their seats"),
    ("joined", {"entry": str(UUID(int=1))}, "who joined is in the queue"),
    ("tracked", {"ids": [str(UUID(int=1))]}, "no accepted event is lost or doubled"),
    (
        "ad",
        {"decision": str(UUID(int=1)), "kind": "impression", "outcome": "counted"},
        "no accepted impression or click is lost",
    ),
    (
        "scan",
        {"ticket": "-", "nonce": "never sent", "result": "accepted"},
        "each scan is kept once, as it was answered",
    ),
    ("letter", {"id": f"<{UUID(int=1)}@marquee.test>"}, "each letter is one of ours"),
    ("answers", {"500": 1}, "what is away is answered 503"),
    ("sent", {"ids": [str(UUID(int=2))]}, "an e-mail that is said to be sent arrived"),
    (
        "heard",
        {"stream": "event:nobody", "seq": 1, "event": str(UUID(int=1)), "name": "-"},
        "what was heard is what is kept",
    ),
)

# A row that is changed behind the product's back, how it is put right again, and the promise that is not kept between.
TAMPERED = (
    (
        "UPDATE offers_offer SET sold = sold + 1 WHERE title = 'VIP upgrade' RETURNING 1",
        "UPDATE offers_offer SET sold = sold - 1 WHERE title = 'VIP upgrade' RETURNING 1",
        "no unit of an offer is sold twice",
    ),
    (
        "UPDATE tickets_tickettier SET sold = sold + 1 WHERE name = 'Premium' RETURNING 1",
        "UPDATE tickets_tickettier SET sold = sold - 1 WHERE name = 'Premium' RETURNING 1",
        "no place of a tier is sold twice",
    ),
    (
        "UPDATE events_session SET held = held + 1 WHERE slug = 'panel' RETURNING 1",
        "UPDATE events_session SET held = held - 1 WHERE slug = 'panel' RETURNING 1",
        "no seat is given twice",
    ),
    (
        "UPDATE notifications_realtimestream SET last_seq = last_seq + 1 WHERE stream ~ '^event:' RETURNING 1",
        "UPDATE notifications_realtimestream SET last_seq = last_seq - 1 WHERE stream ~ '^event:' RETURNING 1",
        "the numbers of a stream have no gap",
    ),
)
