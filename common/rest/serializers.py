"""Serializers that refuse what they do not know, instead of dropping it in silence."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model
from django.utils.dateparse import parse_datetime
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from common.errors import outermost
from common.rest.text import unreadable_values

M = TypeVar("M", bound=Model)


class Strict(serializers.Serializer[Any]):
    """The rules of both strict bases: nothing unknown, nothing read-only, nothing that is not text."""

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; a refused choice is told with the choices."""
        fields: dict[str, Any] = super().get_fields()
        for field in fields.values():
            one = field.child if isinstance(field, serializers.ListField) else field
            if isinstance(one, serializers.ChoiceField):
                one.error_messages["invalid_choice"] = f"One of {', '.join(map(str, one.choices))}."
        return fields

    def to_internal_value(self, data: Any) -> Any:
        """Check the names and the texts, then the other fields; all that is wrong is told at once."""
        refused: dict[str, Any] = {}
        if isinstance(data, Mapping):
            refused = {**self._uninvited(data), **self._unreadable(data)}
        if not refused:
            return super().to_internal_value(data)
        wrong = {outermost(name) for name in refused}
        try:
            super().to_internal_value({name: value for name, value in data.items() if name not in wrong})
        except ValidationError as error:
            told: Any = error.detail
            refused |= {name: found for name, found in told.items() if name not in wrong}
        raise ValidationError(refused)

    def _unreadable(self, data: Mapping[str, Any]) -> dict[str, list[ErrorDetail]]:
        parent: Any = self.parent  # None for the outermost, which the stubs do not say
        if parent is not None and not (
            isinstance(parent, serializers.ListSerializer) and parent.parent is None
        ):
            return {}  # the outermost serializer has looked through everything
        # ErrorDetail keeps the code; the name is already dotted and indexed.
        return {
            wrong.field: [ErrorDetail(wrong.message, wrong.code)] for wrong in unreadable_values(dict(data))
        }

    def _uninvited(self, data: Mapping[str, Any]) -> dict[str, list[ErrorDetail]]:
        refused: dict[str, list[ErrorDetail]] = {}
        for name in data:
            field = self.fields.get(name)
            if field is None:
                refused[_shown(name)] = [ErrorDetail("There is no such field.", "unknown_field")]
            elif field.read_only:
                refused[name] = [ErrorDetail("This field cannot be written.", "read_only")]
            elif _is_naive(field, data[name]):
                refused[name] = [ErrorDetail("Give the time with its offset, or Z.", "naive_time")]
            else:
                for place in _of_another_type(field, data[name], name):
                    refused[place] = [ErrorDetail("This is of the wrong JSON type.", "wrong_type")]
        return refused


class StrictSerializer(Strict):
    """A body of our own shape."""


class StrictModelSerializer(serializers.ModelSerializer[M], Strict):
    """A body that mirrors a model."""


def _is_naive(field: serializers.Field[Any, Any, Any, Any], value: object) -> bool:
    """Say whether it is a time without an offset, which the library would take for UTC whatever was meant."""
    if not isinstance(field, serializers.DateTimeField) or not isinstance(value, str):
        return False
    try:
        instant = parse_datetime(value)
    except ValueError:
        return False
    return instant is not None and instant.tzinfo is None


def _of_another_type(field: serializers.Field[Any, Any, Any, Any], value: object, name: str) -> Iterator[str]:
    """Yield the names of the values that are: the field's own, or of the items of its list."""
    if isinstance(field, serializers.ListField) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _of_another_type(field.child, item, f"{name}[{index}]")
    elif _is_of_another_type(field, value):
        yield name


def _is_of_another_type(field: serializers.Field[Any, Any, Any, Any], value: object) -> bool:
    """Say whether the library would quietly convert the value: ``"٣"`` to 3, ``"yes"`` to true, 5 to ``"5"`` or to
    an id."""
    if value is None:
        return False  # whether there may be nothing is the field's to say
    if isinstance(field, serializers.BooleanField):
        return not isinstance(value, bool)
    if isinstance(field, serializers.IntegerField):
        return isinstance(value, bool) or not isinstance(value, int)
    if isinstance(field, serializers.UUIDField):
        return not isinstance(value, str | UUID)
    return type(field) is serializers.CharField and not isinstance(value, str)


def _shown(name: object) -> str:
    """Return an unknown name as the answer may carry it: bounded, and encodable."""
    return str(name)[:100].encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
