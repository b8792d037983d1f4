"""Refusals that name fields, and what a caller left out."""

from dataclasses import dataclass

from common.errors import FieldError, besides
from common.types import UNSET, Partial, Unset


def _wrong(*fields: str, code: str) -> list[FieldError]:
    return [FieldError(field, code, "Not so.") for field in fields]


def test_what_could_not_be_read_is_told_alone_and_each_field_once() -> None:
    """What is found of an unread field, or inside it, is left out; items of a list are told apart. REQ OF-02, AN-08."""
    unread = _wrong("variants[0].id", "name", code="wrong_type")
    found = _wrong(
        "name", "variants", "variants[1].name", "goals[0]", "goals[1]", "slug", "slug", code="rule"
    )
    told = [(error.field, error.code) for error in besides(unread, iter(found))]
    assert told == [
        ("variants[0].id", "wrong_type"), ("name", "wrong_type"),
        ("goals[0]", "rule"), ("goals[1]", "rule"), ("slug", "rule"),
    ]  # fmt: skip
    assert besides([], []) == []


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish(Partial):
    title: str | Unset = UNSET
    ends: int | Unset | None = UNSET
    units: int | Unset = UNSET


def test_null_is_said_and_what_is_left_out_is_not() -> None:
    """A change touches what it names alone, and what could not be read is no field of it. REQ OF-02."""
    wish = _Wish(title="", ends=None, unreadable=tuple(_wrong("units", code="wrong_type")))
    assert wish.given() == {"title": "", "ends": None}
    assert [error.field for error in wish.unreadable] == ["units"]
