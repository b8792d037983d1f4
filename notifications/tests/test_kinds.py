"""REQ NO-05: what people can choose about."""

from pathlib import Path

import pytest

from notifications import kinds, templates
from notifications.checks import message_kinds
from notifications.kinds import Channel, Kind, Registry
from notifications.tests.factories import message_kind

NEWS = Kind("news", "News", "What is new.", is_transactional=False, channels=frozenset({Channel.EMAIL}))


def test_every_message_of_every_room_belongs_to_a_kind() -> None:
    """REQ NO-05: whatever is written to people, somebody decided whether they may do without it."""
    belongs = {one.name: kinds.find(one.name) for one in templates.registry.all()}
    assert len(belongs) > 10
    assert [name for name, kind in belongs.items() if kind is None] == []
    may_do_without = {name for name, kind in belongs.items() if kind and not kind.is_transactional}
    assert may_do_without == {"scheduled_report"}
    assert all(kind is None or Channel.EMAIL in kind.channels for kind in belongs.values())


def test_the_kinds_are_named_for_people() -> None:
    """REQ NO-05: what one bought and waits for always comes; figures and announcements are one's choice."""
    shown = {one.name: (one.title, one.is_transactional) for one in kinds.registry.all()}
    assert shown["purchases"] == ("Purchases and tickets", True)
    assert shown["waitlist"] == ("Waitlists", True)
    assert shown["reports"] == ("Scheduled reports", False)
    assert shown["announcements"] == ("Announcements", False)
    assert shown["device_tests"] == ("Tests of a device", True)


def test_the_start_up_check_names_a_message_without_a_kind(words: Path) -> None:
    """REQ NO-05: a new message cannot be forgotten; until then it counts as transactional."""
    assert message_kinds() == []
    with message_kind(words) as name:
        (error,) = message_kinds()
    assert (error.id, name in error.msg) == ("notifications.E003", True)


def test_a_message_belongs_to_one_kind() -> None:
    """REQ NO-05: nobody's choice is ambiguous: names and belongings are given once."""
    registry = Registry()
    registry.register(NEWS, "letter")
    registry.register(NEWS, "letter")
    assert (registry.find("letter"), registry.find("news"), registry.find("other")) == (NEWS, NEWS, None)
    other = Kind("other", "Other", "", is_transactional=True, channels=frozenset({Channel.PUSH}))
    with pytest.raises(ValueError, match="belongs to 'news' already"):
        registry.register(other, "letter")
    with pytest.raises(ValueError, match="registered twice"):
        registry.register(Kind("news", "N", "", is_transactional=True, channels=NEWS.channels))
    with pytest.raises(ValueError, match="There is no kind"):
        registry.assign("nothing", "letter")
    registry.remove("news")
    assert registry.find("letter") is None


@pytest.mark.parametrize("wrong", [{"name": "No"}, {"name": "x" * 41}, {"channels": frozenset()}])
def test_a_kind_has_a_name_and_a_channel(wrong: dict[str, object]) -> None:
    """REQ NO-05: a kind that nothing brings, or that no address can carry, is refused while rooms get ready."""
    good: dict[str, object] = {
        "name": "good", "title": "", "description": "", "is_transactional": False, "channels": NEWS.channels,
    }  # fmt: skip
    with pytest.raises(ValueError):
        Kind(**good | wrong)  # type: ignore[arg-type]
