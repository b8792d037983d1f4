"""Staff's screens of money: rows are read-only, deeds go through the same services as the API."""

from payments.admin.books import DisputeAdmin, LedgerEntryAdmin, RefundAdmin
from payments.admin.orders import OrderAdmin

__all__ = ["DisputeAdmin", "LedgerEntryAdmin", "OrderAdmin", "RefundAdmin"]
