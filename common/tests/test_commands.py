"""Options that commands share."""

from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from common.commands import NOT_DONE, instant


def test_an_instant_is_read_with_its_offset_or_refused() -> None:
    """REQ OP-03: what makes no sense ends with 2 and names the option; 1 would say that something was off."""
    assert instant("--since", None) is None
    assert instant("--since", "") is None
    assert instant("--since", "2026-11-20T02:00+02:00") == datetime(2026, 11, 20, tzinfo=UTC)
    for text in ("yesterday", "2026-11-20T00:00:00", "2026-13-45T00:00:00Z", "2026-11-20"):
        with pytest.raises(CommandError, match="--since: give an instant") as refused:
            instant("--since", text)
        assert refused.value.returncode == NOT_DONE


@pytest.mark.parametrize(
    "words",
    [
        ("reconcile_payments", "--since", "yesterday"),
        ("run_jobs", "--lanes", "slow"),
    ],
)
def test_a_command_that_is_misused_ends_with_2(words: tuple[str, ...]) -> None:
    """REQ OP-03, PA-12: a clock that runs it does not take a typing error for wrong books."""
    with pytest.raises(CommandError) as refused:
        call_command(*words)
    assert refused.value.returncode == NOT_DONE


@pytest.mark.parametrize(
    "words",
    [("recount_ads", "--day", "2026-13-01"), ("refresh_analytics", "--recount", "--since", "yesterday")],
)
def test_a_day_that_is_none_is_told_in_words(words: tuple[str, ...]) -> None:
    """REQ OP-03: with the option's name and an example."""
    with pytest.raises(CommandError, match=f"{words[-2]}: give a day, such as 2026-11-20"):
        call_command(*words)
