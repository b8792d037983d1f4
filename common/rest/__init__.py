"""What every REST room shares: paging, strict bodies, money, paths, the schema, the caller's address."""

from common.rest.addresses import client_address, client_network
from common.rest.fields import DecimalPriceField, MoneyField, PriceTextField
from common.rest.negotiation import FileNegotiation
from common.rest.pagination import LimitOffset
from common.rest.parsers import StrictJSONParser
from common.rest.paths import optional_slash
from common.rest.reading import ReadBody, event_named, read_body
from common.rest.serializers import StrictModelSerializer, StrictSerializer
from common.rest.text import unreadable_values

__all__ = [
    "DecimalPriceField",
    "FileNegotiation",
    "LimitOffset",
    "MoneyField",
    "PriceTextField",
    "ReadBody",
    "StrictJSONParser",
    "StrictModelSerializer",
    "StrictSerializer",
    "client_address",
    "client_network",
    "event_named",
    "optional_slash",
    "read_body",
    "unreadable_values",
]
