"""Every operation of the OpenAPI file with values that fit it and values that do not: answered as the file says.

The suite asks a little, always the same; `make fuzz` asks more, by a seed (`docs/running.md`).
"""

import gc
import logging
import os
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final
from uuid import UUID

import pytest
import schemathesis
from django.core import signals
from django.core.handlers.wsgi import WSGIHandler
from django.db import close_old_connections, transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from accounts.models import User
from accounts.tests.factories import bearer, make_member
from config.tests.graphql_world import make_world
from config.tests.rest_doors import places, routes
from config.tests.rest_file import METHODS, described
from notifications.tests.devices import make_device

_EXAMPLES: Final = int(os.environ.get("FUZZ_EXAMPLES", "3"))
_SEED: Final = int(os.environ.get("FUZZ_SEED", "1"))
_CHECKS: Final[list[CheckFunction]] = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.ignored_auth,
]
# Left out of schemathesis' checks, and why:
# - missing_required_header: no header is required but Authorization, which ignored_auth takes away.
# - unsupported_method, allow_header_conformance: they judge a phase of its own runner; the second test asks the same.
# - use_after_free, ensure_resource_availability: each question is taken back, so nothing was made or deleted before it.
# - object_level_authorization: `test_rest_strangers` asks it of every address, with everybody who may not.
# - max_response_time: the benchmarks and their budgets say what is quick.
# What a shape cannot say, so that data of the right shape may be refused (400):
_MORE_THAN_SHAPE: Final = {
    # One body for making, replacing and changing; and what goes together with what.
    "POST /api/v1/ab-tests", "PUT /api/v1/ab-tests/{test_id}", "PATCH /api/v1/ab-tests/{test_id}",
    "POST /api/v1/ads", "PUT /api/v1/ads/{ad_id}", "PATCH /api/v1/ads/{ad_id}",
    "POST /api/v1/offers", "PUT /api/v1/offers/{offer_id}", "PATCH /api/v1/offers/{offer_id}",
    "POST /api/v1/orders/{order_id}/refunds",
    "POST /api/v1/sponsors/{sponsor_id}/leads",
    # A choice for each kind of message that there is; a token as its provider makes them.
    "PUT /api/v1/me/notification-preferences", "POST /api/v1/me/devices",
    # A reason that is more than spaces; a ticket where the offer is an upgrade.
    "POST /api/v1/sessions/{session_id}/waitlist/bulk-remove",
    "POST /api/v1/sessions/{session_id}/waitlist/entries/{entry_id}/move", "POST /api/v1/offers/{offer_id}/purchase",
    # Signed by us, or not.
    "POST /api/v1/sessions/{session_id}/waitlist/accept", "POST /api/v1/sessions/{session_id}/waitlist/accept-offer",
    "POST /api/v1/sessions/{session_id}/waitlist/decline", "POST /api/v1/me/push-receipts",
}  # fmt: skip
# Stripe and Resend alone call them, with bodies of their own shape that they sign: nothing to tell front ends. Their
# readers are sent any by `test_outside_bodies`, `test_outside_events` and, of notifications, `test_outside_texts`.
_WEBHOOKS: Final = (
    "/api/v1/webhooks/resend",
    "/api/v1/webhooks/stripe",
    "/api/v1/webhooks/stripe/offers",
)
# Batches are taken, and each of their items that is wrong is answered by its place.
_BATCHES: Final = {
    "/api/v1/ab-tests/track",
    "/api/v1/ads/impressions",
    "/api/v1/analytics/track",
}


def _operations() -> Iterator[Any]:
    """Yield each operation of the file, to be asked in this process."""
    schema = schemathesis.openapi.from_dict(deepcopy(described()))
    schema.app = WSGIHandler()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        yield found.ok()


def _cases(operation: Any, known: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return questions to an operation: about things that are there, and about any."""
    ids = {one.name: str(known[one.name]) for one in operation.path_parameters}
    there = operation.as_strategy(GenerationMode.POSITIVE, path_parameters=ids or None)
    others = (operation.as_strategy(mode) for mode in GenerationMode)
    return st.one_of(there, there, *others)


@pytest.fixture
def _one_connection() -> Iterator[None]:
    """Keep the test's connection, with its transaction, when a request begins or ends."""
    for signal in (signals.request_started, signals.request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (signals.request_started, signals.request_finished):
        signal.connect(close_old_connections)


@pytest.mark.django_db
@pytest.mark.usefixtures("_one_connection")
# Schemathesis' client leaves the files of forms that it sends to the collector.
@pytest.mark.filterwarnings("ignore:.*SpooledTemporaryFile:pytest.PytestUnraisableExceptionWarning")
def test_every_operation_answers_as_the_file_says(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever an attendee, staff, a rival or nobody sends: no 5xx, and the status, headers and body that
    openapi.yaml promises. CONTRACT: REST.
    """
    world = make_world()
    staff = make_member("staff", organization=world.event.organization)
    people: dict[str, User | None] = {
        "attendee": world.guest,
        "staff": staff,
        "rival": world.rival,
        "nobody": None,
    }
    known = places(world) | {"device_id": make_device(world.guest).pk}
    wrong: dict[str, str] = {}
    answered: set[str] = set()
    with caplog.at_level(logging.ERROR):
        for operation in _operations():
            try:
                answered |= _hold(operation, known, people)
            except (FailureGroup, Failure) as failure:
                wrong[operation.label] = str(failure)
    # Here and not in whichever test comes next: what the client left open is warned of when it is collected.
    gc.collect()
    # Most are questions that somebody gets an answer to, not refusals alone.
    assert len(answered) > 20, sorted(answered)
    assert wrong == {}, "\n\n".join(f"{label}: {failure}" for label, failure in wrong.items())


def _checks_for(case: Any) -> list[CheckFunction]:
    """Return what must hold. A filter that is empty is one that was not said, whatever its shape."""
    is_lenient = case.path in _BATCHES or any(_is_empty(value) for value in (case.query or {}).values())
    more = [] if is_lenient else [checks.negative_data_rejection]
    if case.operation.label not in _MORE_THAN_SHAPE:
        more.append(checks.positive_data_acceptance)
    return [*_CHECKS, *more]


def _is_empty(value: object) -> bool:
    """Say whether a parameter is sent as `name=`."""
    return all(map(_is_empty, value)) if isinstance(value, list) else value in ("", None, {})


def _hold(operation: Any, known: dict[str, Any], people: dict[str, User | None]) -> set[str]:
    """Ask an operation, and return its name if it was granted to anybody."""
    granted: set[str] = set()

    @seed(_SEED)
    @settings(
        max_examples=_EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=_cases(operation, known), who=st.sampled_from(["staff", "attendee", *people]))
    def hold(case: Any, who: str) -> None:
        user = people[who]
        with transaction.atomic():
            answer = case.call_and_validate(headers=bearer(user) if user else {}, checks=_checks_for(case))
            transaction.set_rollback(True)
        if answer.status_code < 300:
            granted.add(operation.label)

    hold()
    return granted


def test_every_door_is_in_the_file() -> None:
    """No address and no method of one is left out of what is asked above. CONTRACT: REST."""
    there = {route.path: {method.upper() for method in route.methods} for route in routes().values()}
    in_file = {path: METHODS & {method.upper() for method in of} for path, of in described()["paths"].items()}
    assert there == in_file | {path: {"POST"} for path in _WEBHOOKS}


def test_an_address_has_the_methods_of_the_file() -> None:
    """OPTIONS names them, and so does the 405 that another method gets. CONTRACT: REST."""
    client, wrong = Client(), []
    for path, operations in described()["paths"].items():
        declared = {method.upper() for method in operations} & METHODS
        place = re.sub(r"\{\w+\}", str(UUID(int=1)), path)
        for method in ("OPTIONS", "TRACE", min(METHODS - declared)):
            answer = client.generic(method, place)
            named = {one.strip() for one in answer.headers.get("Allow", "").split(",")} - {"HEAD", "OPTIONS"}
            code = "" if method == "OPTIONS" else answer.json()["code"]
            if (code, named) != ("" if method == "OPTIONS" else "method_not_allowed", declared):
                wrong.append((method, path, answer.status_code, code, named))
    assert wrong == []
