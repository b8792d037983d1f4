"""An event's report as a file."""

from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.rest.authentication import actor_of_request
from analytics.files import file_answer
from analytics.rest.figures import RangeQuery, asked_of
from analytics.services.exports import export_for
from analytics.types.exports import CONTENT_TYPES, ReportFormat
from common import clock
from common.rest import FileNegotiation


class ExportQuery(RangeQuery):
    """What to write, and of which days of the event's time zone, both included."""

    format = serializers.ChoiceField(choices=ReportFormat.choices)


class ExportView(APIView):
    """``analytics/events/{id}/export``."""

    content_negotiation_class = FileNegotiation

    @extend_schema(
        operation_id="export_event_report",
        parameters=[ExportQuery],
        responses={
            (200, content_type.partition(";")[0]): OpenApiTypes.BINARY
            for content_type in CONTENT_TYPES.values()
        },
    )
    def get(self, request: Request, event_id: UUID) -> StreamingHttpResponse:
        """Return an event's figures as a file, for analysts and up. Who had it is in the event's audit history."""
        asked = asked_of(ExportQuery, request, event_id)
        report_format = ReportFormat(asked.pop("format"))
        report = export_for(
            actor=actor_of_request(request), event_id=event_id, report_format=report_format, now=clock.now(), **asked
        )  # fmt: skip
        return file_answer(report)
