"""The table of a campaign: what was done, what went wrong on purpose, and the verdict."""

from collections import Counter
from collections.abc import Iterator, Mapping

from chaos.campaign import Outcome

_WIDTH = 46


def table(outcome: Outcome) -> str:
    """Return the whole report as text."""
    return "\n".join(_lines(outcome))


def _lines(outcome: Outcome) -> Iterator[str]:
    yield ""
    yield from _section("what clients were told", outcome.work)
    yield from _section("what the product did", outcome.figures)
    yield from _section("answers by status (none: the connection broke)", outcome.answers)
    yield from _section("accidents", outcome.faults)
    yield from _section("accidents that found nothing to strike", outcome.missed)
    yield ""
    after = "never" if outcome.quiet_after is None else f"{outcome.quiet_after:.1f} s after the last accident"
    yield f"{'nothing due was left':<{_WIDTH}}{after}"
    yield f"{'attempts brought forward':<{_WIDTH}}{outcome.hurried}"
    yield f"{'payments that only the nightly round found':<{_WIDTH}}{outcome.found_at_night}"
    for breach in outcome.breaches:
        yield f"BREACH  {breach}"
    verdict = (
        "every promise was kept" if outcome.is_whole else f"{len(outcome.breaches)} promises were broken"
    )
    yield f"seed {outcome.seed}, {outcome.seconds:.0f} s: {verdict}"


def _section(title: str, counts: Mapping[str, int] | Counter[str]) -> Iterator[str]:
    if counts:
        yield f"-- {title}"
        yield from (f"{name:<{_WIDTH}}{count:>9,}" for name, count in sorted(counts.items()))
