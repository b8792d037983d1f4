"""The product's addresses, and an empty view behind the same middleware: what the server can do at the most."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from benchmarks.subgraph import schema
from common.graphql import GraphQLView
from config.urls import urlpatterns as product


@csrf_exempt
def empty(request: HttpRequest) -> HttpResponse:
    """Read the body and answer as the webhook does, and do nothing else."""
    return HttpResponse(b'{"received": true}' if request.body else b"", content_type="application/json")


urlpatterns = [
    path("bench/empty", empty),
    path("bench/graphql", GraphQLView.as_view(schema=schema)),
    *product,
]
