"""Every operation of the OpenAPI file with values that fit it and values that do not: answered as the file says.

The suite asks a little, always the same; `make fuzz` asks more, by a seed (`docs/running.md`).
"""

import gc
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
import yaml
from django.conf import settings as django_settings
from django.core import signals
from django.core.handlers.wsgi import WSGIHandler
from django.db import close_old_connections, transaction
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
from config.tests.rest_doors import places
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
# Batches are taken, and each of their items that is wrong is answered by its place.
_BATCHES: Final = {
    "/api/v1/ab-tests/track",
    "/api/v1/ads/impressions",
    "/api/v1/analytics/track",
}


def _operations() -> Iterator[Any]:
    """Yield each operation of the file, to be asked in this process."""
    described = yaml.safe_load((Path(django_settings.BASE_DIR) / "openapi.yaml").read_text())
    schema = schemathesis.openapi.from_dict(described)
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
    openapi.yaml promises. REQ OP-06.
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
    return _CHECKS if is_lenient else [*_CHECKS, checks.negative_data_rejection]


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
