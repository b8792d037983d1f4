"""The database's tables and its longer statements."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires_at INTEGER,
    status TEXT,
    payment_intent TEXT,
    charge TEXT,
    product TEXT,
    customer_email TEXT,
    active INTEGER,
    type TEXT,
    data TEXT NOT NULL,
    private TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS objects_listed ON objects (kind, created DESC, seq DESC);
CREATE INDEX IF NOT EXISTS objects_of_payment ON objects (payment_intent, kind)
    WHERE payment_intent IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_expiring ON objects (expires_at)
    WHERE kind = 'checkout.session' AND status = 'open';
CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    request_id TEXT NOT NULL,
    status INTEGER NOT NULL,
    body BLOB NOT NULL,
    created INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL,
    url TEXT NOT NULL,
    lane TEXT NOT NULL,
    position INTEGER NOT NULL,
    state TEXT NOT NULL,
    hold INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at REAL NOT NULL,
    last_status INTEGER,
    last_error TEXT
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (next_at, position) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS deliveries_of_event ON deliveries (event_id);
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    target TEXT NOT NULL,
    mode TEXT NOT NULL,
    remaining INTEGER,
    prefix TEXT NOT NULL,
    method TEXT,
    delay_seconds REAL NOT NULL
);
"""

_PAGE = """
SELECT data FROM objects
WHERE kind = :kind
  AND (:status IS NULL OR status = :status)
  AND (:payment_intent IS NULL OR payment_intent = :payment_intent)
  AND (:charge IS NULL OR charge = :charge)
  AND (:product IS NULL OR product = :product)
  AND (:customer_email IS NULL OR customer_email = :customer_email)
  AND (:active IS NULL OR active = :active)
  AND (:ids IS NULL OR id IN (SELECT value FROM json_each(:ids)))
  AND (:types IS NULL OR type IN (SELECT value FROM json_each(:types)))
  AND (:gt IS NULL OR created > :gt) AND (:gte IS NULL OR created >= :gte)
  AND (:lt IS NULL OR created < :lt) AND (:lte IS NULL OR created <= :lte)
  AND (:delivered IS NULL OR :delivered <>
       EXISTS (SELECT 1 FROM deliveries d WHERE d.event_id = objects.id AND d.state <> 'delivered'))
"""
# Constants only: nothing of a request is ever part of a statement.
OLDER = _PAGE + (  # noqa: S608
    "AND (:cursor IS NULL OR (created, seq) < (SELECT created, seq FROM objects c WHERE c.id = :cursor))"
    " ORDER BY created DESC, seq DESC LIMIT :limit"
)
NEWER = _PAGE + (  # noqa: S608
    "AND (created, seq) > (SELECT created, seq FROM objects c WHERE c.id = :cursor)"
    " ORDER BY created ASC, seq ASC LIMIT :limit"
)
INSERT_OBJECT = """
INSERT INTO objects (id, kind, created, expires_at, status, payment_intent, charge, product, customer_email,
                     active, type, data, private)
VALUES (:id, :kind, :created, :expires_at, :status, :payment_intent, :charge, :product, :customer_email,
        :active, :type, :data, :private)
"""
UPDATE_OBJECT = """
UPDATE objects
SET created = :created, expires_at = :expires_at, status = :status, payment_intent = :payment_intent,
    charge = :charge, product = :product, customer_email = :customer_email, active = :active, type = :type,
    data = :data
WHERE id = :id
"""
