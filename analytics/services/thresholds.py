"""What figures are called: the settings' thresholds, as words. A color says nothing that the word does not."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.conf import settings

from common.money import format_fraction


class Tone(StrEnum):
    """How a figure stands, for colors beside the word."""

    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A figure's word, and its tone."""

    words: str
    tone: Tone


NOTHING: Final = Judgement("", Tone.NONE)


def judge_ctr(rate: float | None) -> Judgement:
    """Judge clicks by impressions, 0 to 1 (CTR_EXCELLENT, CTR_GOOD); nothing to judge without a rate."""
    if rate is None:
        return NOTHING
    if rate >= settings.CTR_EXCELLENT:
        return Judgement("Excellent", Tone.GOOD)
    if rate >= settings.CTR_GOOD:
        return Judgement("Good", Tone.FAIR)
    return Judgement(f"Below {format_fraction(settings.CTR_GOOD)}", Tone.POOR)


def judge_drop_off(share: float | None) -> Judgement:
    """Judge how many of a stage did not go on, 0 to 1 (DROPOFF_HIGH, DROPOFF_MODERATE)."""
    if share is None:
        return NOTHING
    if share >= settings.DROPOFF_HIGH:
        return Judgement("High", Tone.POOR)
    if share >= settings.DROPOFF_MODERATE:
        return Judgement("Moderate", Tone.FAIR)
    return Judgement("Low", Tone.GOOD)


def judge_conversion(rate: float | None) -> Judgement:
    """Judge purchases by views, 0 to 1 (CONVERSION_SUCCESS)."""
    if rate is None:
        return NOTHING
    wanted = format_fraction(settings.CONVERSION_SUCCESS)
    if rate >= settings.CONVERSION_SUCCESS:
        return Judgement(f"Reaches {wanted}", Tone.GOOD)
    return Judgement(f"Below {wanted}", Tone.POOR)
