"""The OpenAPI schema's common share."""

import pytest
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import spectacular_settings

from common.rest.schema import ProblemAwareSchema, add_problem_schema, describe_api_only
from common.tests.urls import Numbers

pytestmark = pytest.mark.urls("common.tests.urls")


@pytest.fixture
def schema(monkeypatch):
    monkeypatch.setattr(Numbers, "schema", ProblemAwareSchema())
    monkeypatch.setattr(spectacular_settings, "PREPROCESSING_HOOKS", [describe_api_only, _numbers_alone])
    monkeypatch.setattr(spectacular_settings, "POSTPROCESSING_HOOKS", [add_problem_schema])
    return SchemaGenerator().get_schema(request=None, public=True)


def _numbers_alone(endpoints):
    assert all(path.startswith("/api/v1/") for path, *_ in endpoints)
    return [endpoint for endpoint in endpoints if endpoint[0].endswith("/numbers")]


def test_every_operation_tells_its_errors(schema) -> None:
    """Callers generate from the schema what they may meet."""
    responses = schema["paths"]["/api/v1/probe/numbers"]["get"]["responses"]
    for status in ("4XX", "5XX"):
        content = responses[status]["content"]
        assert content == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def test_the_problem_is_described_as_it_is_answered(schema, client) -> None:
    """RFC 9457 and our members: the described and the answered names are the same."""
    described = schema["components"]["schemas"]["Problem"]
    answered = client.get("/api/v1/probe/numbers?limit=x").json()
    assert set(described["required"]) <= answered.keys() <= described["properties"].keys()
    (error,) = answered["errors"]
    assert error.keys() == described["properties"]["errors"]["items"]["properties"].keys()


def test_paths_stand_without_their_optional_slash(schema) -> None:
    """One operation each, not two."""
    assert list(schema["paths"]) == ["/api/v1/probe/numbers"]
