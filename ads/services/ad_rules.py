"""What makes an ad right. One place for REST, GraphQL and the admin; the database's CHECKs say most of it again.

The rules look at the whole ad, so a partial change is judged merged with what it changes. Those of prices and
budgets are in ``ad_money``.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any, Final

from ads.models import Ad, AdPlacement, AdSpend, ContentType, Pacing, PriceModel
from ads.models.ads import MAXIMUM_CAP, MAXIMUM_DURATION, MAXIMUM_WEIGHT
from ads.services import ad_money
from ads.services.ad_drafts import Draft
from ads.types.ads import MAXIMUM_NAME, MAXIMUM_TARGETS, MAXIMUM_URL, AdInput
from common.errors import FieldError, Invalid, besides
from common.web_addresses import is_web_address
from common.windows import instant_errors
from events.models import Event, Session

_TEXTS: Final = ("name", "media_url", "click_url", "aspect_ratio")
# Control characters, halves of signs, and what breaks a line.
_NO_TEXT: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Unicode: Bidi_Control. They change the order in which a text is read, beyond its own end.
_BIDI: Final = frozenset(map(chr, (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))))
_RATIO: Final = re.compile(r"[1-9][0-9]{0,3}:[1-9][0-9]{0,3}", re.ASCII)


def judge(
    given: AdInput, *, event: Event, spend: AdSpend | None = None, is_whole: bool = False
) -> dict[str, Any]:
    """Return the ad's columns, merged and read; raises ``Invalid`` with every field that is wrong.

    ``spend``: that of the ad that is changed, locked, with the ad. ``is_whole``: what is not named gets its default,
    but for the switch: pausing and resuming are acts of their own. At most one query, where sessions are named.
    """
    named = given.given()
    errors = [*given.unreadable, *_unreadable(named)]
    wrong = {error.outermost for error in errors}
    values = _defaults(event) if spend is None or is_whole else _columns_of(spend.ad)
    if spend is not None:
        values["is_active"] = spend.ad.is_active
    texts = {name: _tidy(name, value) for name, value in named.items() if name in _TEXTS}
    values |= {name: value for name, value in named.items() if name not in ad_money.AMOUNTS} | texts
    draft = Draft(values, event, spend, frozenset(values if is_whole else named), wrong)
    errors += ad_money.read_amounts(draft, named)
    for rule in (*_RULES, *ad_money.RULES):
        errors = besides(errors, rule(draft))
        wrong.update(error.outermost for error in errors)
    if errors:
        raise Invalid(errors=errors)
    return values | {name: list(values[name]) for name in ("placements", "target_sessions")}


def _defaults(event: Event) -> dict[str, Any]:
    return {
        "name": "", "content_type": "", "media_url": "", "click_url": "", "display_duration_seconds": 30,
        "aspect_ratio": "16:9", "placements": [], "target_sessions": [], "weight": 1, "frequency_cap": 3,
        "starts_at": None, "ends_at": None, "is_active": True, "price_model": PriceModel.FLAT.value,
        "price_amount": 0, "currency": event.currency, "budget_total_amount": None, "budget_daily_amount": None,
        "pacing": Pacing.EVEN.value,
    }  # fmt: skip


def _columns_of(ad: Ad) -> dict[str, Any]:
    return {name: getattr(ad, name) for name in _defaults(ad.event)}


def _unreadable(named: dict[str, Any]) -> Iterator[FieldError]:
    for name, value in named.items():
        if isinstance(value, str) and any(
            unicodedata.category(one) in _NO_TEXT or one in _BIDI for one in value.strip()
        ):
            yield FieldError(name, "unreadable_text", "This text contains characters that are not text.")


def _tidy(name: str, text: str) -> str:
    """Return a text without blanks around it; of an address the scheme in small letters, as it is compared."""
    scheme, mark, rest = text.strip().partition("://")
    return f"{scheme.lower()}{mark}{rest}" if name.endswith("_url") else text.strip()


def _name(ad: Draft) -> Iterator[FieldError]:
    if not ad["name"]:
        yield FieldError("name", "required", "Give a name.")
    elif len(ad["name"]) > MAXIMUM_NAME:
        yield FieldError("name", "too_long", f"A name has at most {MAXIMUM_NAME} characters.")


def _choices(ad: Draft) -> Iterator[FieldError]:
    for name, choices in (("content_type", ContentType), ("price_model", PriceModel), ("pacing", Pacing)):
        if not ad[name]:
            yield FieldError(name, "required", f"One of {', '.join(choices.values)}.")
        elif ad[name] not in choices.values:
            yield FieldError(name, "invalid_choice", f"One of {', '.join(choices.values)}.")


def _placements(ad: Draft) -> Iterator[FieldError]:
    given = ad["placements"]
    if not given:
        yield FieldError("placements", "required", "Say at least one place where it is shown.")
    elif any(one not in AdPlacement.values for one in given):
        yield FieldError("placements", "invalid_choice", f"Each one of {', '.join(AdPlacement.values)}.")
    elif len(set(given)) < len(given):
        yield FieldError("placements", "repeated", "Name each placement once.")


def _addresses(ad: Draft) -> Iterator[FieldError]:
    if not ad["media_url"]:
        yield FieldError("media_url", "required", "Say where its picture or film is.")
    for name in ("media_url", "click_url"):
        if ad[name] and not is_web_address(ad[name], longest=MAXIMUM_URL, schemes=("https", "http")):
            told = f"Give an http or https address of at most {MAXIMUM_URL} characters."
            yield FieldError(name, "not_a_web_address", told)


def _shape(ad: Draft) -> Iterator[FieldError]:
    if _RATIO.fullmatch(ad["aspect_ratio"]) is None:
        yield FieldError("aspect_ratio", "invalid", "Give width:height, such as 16:9, each 1 to 9999.")
    limits = {
        "weight": MAXIMUM_WEIGHT, "frequency_cap": MAXIMUM_CAP, "display_duration_seconds": MAXIMUM_DURATION,
    }  # fmt: skip
    for name, most in limits.items():
        if not 1 <= ad[name] <= most:
            yield FieldError(name, "out_of_range", f"Give 1 to {most}.")


def _window(ad: Draft) -> Iterator[FieldError]:
    starts, ends = ad["starts_at"], ad["ends_at"]
    wrong = list(instant_errors(starts_at=starts, ends_at=ends))
    yield from wrong
    if wrong or starts is None or ends is None or not ad.has_read("starts_at", "ends_at"):
        return
    if starts >= ends:
        yield FieldError("ends_at", "not_after_start", "It has to end after it starts.")


def _targets(ad: Draft) -> Iterator[FieldError]:
    ids = ad["target_sessions"]
    if len(ids) > MAXIMUM_TARGETS:
        yield FieldError("target_sessions", "too_many", f"At most {MAXIMUM_TARGETS}.")
    elif len(set(ids)) < len(ids):
        yield FieldError("target_sessions", "repeated", "Name each session once.")
    elif ids and "target_sessions" in ad.named:
        of_event = Session.objects.filter(pk__in=ids, event_id=ad.event.pk)
        if of_event.count() != len(ids):
            told = "Not all of these are sessions of the ad's event."
            yield FieldError("target_sessions", "not_of_this_event", told)


_RULES: tuple[Callable[[Draft], Iterator[FieldError]], ...] = (
    _name, _choices, _placements, _addresses, _shape, _window, _targets,
)  # fmt: skip
