"""What a list may be narrowed by: the filters that it shows, and nothing else that an address names.

Django refuses paths through relations alone; a table's own columns it filters by any lookup. By ``__startswith`` and
the number of rows a column could be read that no page shows, and ``__regex`` takes patterns that PostgreSQL refuses.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Final

from django.contrib.admin import FieldListFilter, ListFilter, SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import get_fields_from_path
from django.db.models import DateField, Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin

# Of a date, as its hierarchy asks; years whose end the calendar can still name.
_PARTS: Final = {"year": range(1, 9999), "month": range(1, 13), "day": range(1, 32)}


class NarrowLists(ModelAdmin):
    """Put before a ``ModelAdmin``: an address filters by what the list's filters, its dates and our own links ask.

    Any other parameter is refused as Django refuses one through a relation (``DisallowedModelAdminLookup``, 400).
    """

    # Fields that links of ours narrow the list by, beside its filters: each by its value alone.
    linked_filters: ClassVar[tuple[str, ...]] = ()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Say whether an address may ask this of the list. Raises ``IncorrectLookupParameters`` for what is no date."""
        if lookup not in set(self.parameters(request)):
            return False
        part = lookup.rpartition("__")[2]
        if part in _PARTS and not _is_within(value, _PARTS[part]):
            raise IncorrectLookupParameters
        return True

    def parameters(self, request: HttpRequest) -> Iterator[str]:
        """Yield what an address may ask of the list."""
        for one in self.get_list_filter(request):
            yield from _of_filter(self.model, one)
        if self.date_hierarchy:
            yield from (f"{self.date_hierarchy}__{part}" for part in _PARTS)
        for path in self.linked_filters:
            yield from _of_value(self.model, path)


def _of_filter(model: type[Model], one: Any) -> Iterator[str]:
    """Yield what a filter of the list puts into addresses."""
    if isinstance(one, type) and issubclass(one, ListFilter) and not issubclass(one, FieldListFilter):
        if issubclass(one, SimpleListFilter) and one.parameter_name:
            yield one.parameter_name
        return
    path = one[0] if isinstance(one, list | tuple) else one
    yield from _of_value(model, path)
    yield f"{path}__isnull"
    if isinstance(get_fields_from_path(model, path)[-1], DateField):
        yield from (f"{path}__gte", f"{path}__lt")


def _of_value(model: type[Model], path: str) -> Iterator[str]:
    yield from (path, f"{path}__exact")
    related = get_fields_from_path(model, path)[-1].related_model
    if isinstance(related, type):
        yield f"{path}__{related._meta.pk.name}__exact"


def _is_within(value: str, numbers: range) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= 4 and int(value) in numbers
