"""Push: queueing, sending, limits, receipts, campaigns (REQ NO-04, NO-05)."""
