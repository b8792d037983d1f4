"""Experiments of one event at one time that the rule of assignment mixes up, said in words.

Who sees what is prescribed by a hash (``statistics.assignment``) that divides the people of two experiments alike, or
the other way round, depending on their weights and slugs. Then the figures of each show what the other changes.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from analytics.models import Experiment
from analytics.statistics.confounding import Link, link
from common import statements

# Whichever ran at the event in a time that both share; for a draft those that run now.
_OTHERS: Final = statements.one_line("""
SELECT mine.id, x.name, x.slug, array_agg(v.name ORDER BY v.position), array_agg(v.weight ORDER BY v.position)
FROM analytics_experiment mine
JOIN analytics_experiment x ON x.event_id = mine.event_id AND x.id <> mine.id AND x.started_at IS NOT NULL
    AND (x.stopped_at IS NULL OR x.stopped_at > coalesce(mine.started_at, %(now)s))
    AND (mine.stopped_at IS NULL OR x.started_at < mine.stopped_at)
JOIN analytics_variant v ON v.experiment_id = x.id
WHERE mine.id = ANY(%(experiments)s::uuid[])
GROUP BY mine.id, x.id
ORDER BY mine.id, x.started_at DESC, x.id
""")


def warnings_of(experiments: Sequence[Experiment], *, now: datetime) -> dict[UUID, tuple[str, ...]]:
    """Return for each experiment a sentence on every other that its figures are mixed up with, the newest first.

    Another counts that ran at the same event in a time that both share; for a draft one that runs now. One statement,
    and the experiments' variants where they were not loaded.
    """
    if not experiments:
        return {}
    rows = statements.run(_OTHERS, {"experiments": [one.pk for one in experiments], "now": now}).fetchall()
    by_id = {one.pk: one for one in experiments}
    found: dict[UUID, list[str]] = {}
    for pk, name, slug, names, weights in rows:
        said = _said(by_id[pk], name, slug, names, weights)
        if said:
            found.setdefault(pk, []).append(said)
    return {pk: tuple(sentences) for pk, sentences in found.items()}


def _said(ours: Experiment, name: str, slug: str, names: Sequence[str], weights: Sequence[int]) -> str:
    variants = sorted(ours.variants.all(), key=lambda one: one.position)
    strongest = link(ours.slug, tuple(one.weight for one in variants), slug, tuple(weights))
    if strongest is None:
        return ""
    return _words(strongest, variants[strongest.place].name, names[strongest.other_place], f"{name} ({slug})")


def _words(strongest: Link, ours: str, theirs: str, other: str) -> str:
    return (
        f"Not independent of {other}: {_percent(strongest.share)} of those who see {ours} here see {theirs} there, "
        f"and {_percent(strongest.usual)} of all. So what the other changes shows in these figures too, and the "
        "verdict may be of the other. Run them one after the other."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
