"""Experiments on REST: parse the shape, call one service, shape the answer."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.authentication import actor_of_request, require_user
from analytics.models import ExperimentStatus
from analytics.rest.experiment_shapes import (
    AbTestCreateSerializer,
    AbTestPageShape,
    AbTestReasonSerializer,
    AbTestResultsShape,
    AbTestRunningListShape,
    AbTestRunningShape,
    AbTestShape,
    AbTestWriteSerializer,
    input_of,
)
from analytics.selectors.experiments import experiment_of, experiments_of, running_at
from analytics.services.experiments import defining
from analytics.services.experiments.overlaps import warnings_of
from analytics.services.experiments.results import results
from analytics.types.experiments import ExperimentFilters
from common import clock
from common.rest import LimitOffset, StrictSerializer, event_named, read_body
from common.rest.schema import PAGE


class FiltersQuery(serializers.Serializer[Any]):
    """What the list may be narrowed by."""

    event_id = serializers.UUIDField(required=False)
    archived = serializers.BooleanField(required=False, default=False)


class ExperimentsView(APIView):
    """``ab-tests``."""

    @extend_schema(
        operation_id="list_ab_tests",
        parameters=[
            OpenApiParameter(
                "event_id", OpenApiTypes.UUID, description="Of all your organizations if not said."
            ),
            OpenApiParameter("status", OpenApiTypes.STR, enum=ExperimentStatus.values),
            OpenApiParameter("search", OpenApiTypes.STR, description="Part of a name or slug."),
            OpenApiParameter("archived", OpenApiTypes.BOOL, description="Archived ones instead."),
            *PAGE,
        ],
        responses=AbTestPageShape,
    )
    def get(self, request: Request) -> Response:
        """List experiments, the newest first. For analysts and up."""
        require_user(request)
        paging = LimitOffset()
        paging.get_limit(request)
        query = FiltersQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = request.query_params
        filters = ExperimentFilters(
            event_id=query.validated_data.get("event_id"), archived=query.validated_data["archived"],
            status=asked.get("status", ""), search=asked.get("search", "").strip(),
        )  # fmt: skip
        page = paging.paginate_queryset(experiments_of(actor_of_request(request), filters), request)
        return paging.get_paginated_response(AbTestShape(page, many=True).data)

    @extend_schema(
        operation_id="create_ab_test", request=AbTestCreateSerializer, responses={201: AbTestShape}
    )
    def post(self, request: Request) -> Response:
        """Define an experiment, as a draft that nobody sees yet. For staff and up."""
        require_user(request)
        read = read_body(AbTestCreateSerializer, request.data)
        made = defining.create_experiment(
            actor=actor_of_request(request), event_id=event_named(read), given=input_of(read), now=clock.now()
        )
        return Response(AbTestShape(made).data, status=201)


class ExperimentView(APIView):
    """``ab-tests/{id}``: an id, or a slug of one of the caller's organizations (409 where several have it)."""

    @extend_schema(operation_id="get_ab_test", responses=AbTestShape)
    def get(self, request: Request, test_id: str) -> Response:
        """Return an experiment. For analysts and up."""
        require_user(request)
        return _answer(request, test_id)

    @extend_schema(operation_id="replace_ab_test", request=AbTestWriteSerializer, responses=AbTestShape)
    def put(self, request: Request, test_id: str) -> Response:
        """Make a draft what is given: fields that are left out get their default."""
        return self._change(request, test_id, is_whole=True)

    @extend_schema(operation_id="update_ab_test", request=AbTestWriteSerializer, responses=AbTestShape)
    def patch(self, request: Request, test_id: str) -> Response:
        """Change the named fields of a draft."""
        return self._change(request, test_id, is_whole=False)

    @extend_schema(operation_id="archive_ab_test", responses={204: None})
    def delete(self, request: Request, test_id: str) -> Response:
        """Archive an experiment that is not running; its results stay."""
        require_user(request)
        defining.archive_experiment(actor=actor_of_request(request), ref=test_id, now=clock.now())
        return Response(status=204)

    def _change(self, request: Request, test_id: str, *, is_whole: bool) -> Response:
        require_user(request)
        given = input_of(read_body(AbTestWriteSerializer, request.data))
        changed = defining.update_experiment(
            actor=actor_of_request(request), ref=test_id, given=given, now=clock.now(), is_whole=is_whole
        )
        return _answer(request, str(changed.pk))


class StartView(APIView):
    """``ab-tests/{id}/start``."""

    @extend_schema(operation_id="start_ab_test", request=AbTestReasonSerializer, responses=AbTestShape)
    def post(self, request: Request, test_id: str) -> Response:
        """Start a draft; from now on it does not change. For admins and owners."""
        require_user(request)
        said = _read(AbTestReasonSerializer, request)
        actor, now = actor_of_request(request), clock.now()
        started = defining.start_experiment(actor=actor, ref=test_id, now=now, **said)
        warnings = warnings_of([started], now=now).get(started.pk, ())
        return Response({**_answer(request, str(started.pk)).data, "warnings": list(warnings)})


class StopView(APIView):
    """``ab-tests/{id}/stop``."""

    @extend_schema(operation_id="stop_ab_test", request=AbTestReasonSerializer, responses=AbTestShape)
    def post(self, request: Request, test_id: str) -> Response:
        """Stop a running experiment for good. For admins and owners."""
        require_user(request)
        said = _read(AbTestReasonSerializer, request)
        defining.stop_experiment(actor=actor_of_request(request), ref=test_id, now=clock.now(), **said)
        return _answer(request, test_id)


class ResultsView(APIView):
    """``ab-tests/{id}/results``."""

    @extend_schema(operation_id="ab_test_results", responses=AbTestResultsShape)
    def get(self, request: Request, test_id: str) -> Response:
        """Show what came of an experiment so far; looking early is safe. For analysts and up."""
        require_user(request)
        found = results(actor=actor_of_request(request), ref=test_id, now=clock.now())
        return Response(AbTestResultsShape(found).data)


class RunningView(APIView):
    """``events/{id}/ab-tests``."""

    @extend_schema(operation_id="running_ab_tests", responses=AbTestRunningListShape, auth=[])
    def get(self, request: Request, event_id: UUID) -> Response:
        """List what runs at an event, so that a front end works out its variants. For whoever may see the event."""
        running = running_at(actor_of_request(request), event_id)
        return Response({"results": AbTestRunningShape(running, many=True).data})


def _answer(request: Request, ref: str) -> Response:
    return Response(AbTestShape(experiment_of(actor_of_request(request), ref)).data)


def _read(kind: type[StrictSerializer], request: Request) -> dict[str, Any]:
    body = kind(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)
