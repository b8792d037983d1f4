"""Addresses that belong to no room: health, metrics, the API's description, GraphQL."""

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from common import health
from common.graphql import GraphQLView
from common.rest.paths import optional_slash


@csrf_exempt
def graphql(request: HttpRequest) -> HttpResponseBase:
    """Answer GraphQL with the schema that the settings name: the rooms that make it are above this one."""
    return GraphQLView.as_view(schema=import_string(settings.GRAPHENE["SCHEMA"]))(request)


urlpatterns = [
    optional_slash("healthz", health.healthz, name="healthz"),
    optional_slash("readyz", health.readyz, name="readyz"),
    optional_slash("metrics", health.metrics, name="metrics"),
    optional_slash("graphql", graphql, name="graphql"),
    optional_slash("api/schema", SpectacularAPIView.as_view(), name="api-schema"),
    optional_slash("api/docs", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
]
