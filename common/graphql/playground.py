"""The GraphiQL page, for development only."""

import graphene
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from graphene_django.views import GraphQLView as GraphiQL


def playground(request: HttpRequest, schema: graphene.Schema) -> HttpResponseBase:
    """Render graphene's GraphiQL page; its scripts come from a CDN, which the page's own policy allows."""
    page = GraphiQL(schema=schema, graphiql=True)
    response: HttpResponseBase = page.render_graphiql(
        request,
        whatwg_fetch_version=page.whatwg_fetch_version,
        whatwg_fetch_sri=page.whatwg_fetch_sri,
        react_version=page.react_version,
        react_sri=page.react_sri,
        react_dom_sri=page.react_dom_sri,
        graphiql_version=page.graphiql_version,
        graphiql_sri=page.graphiql_sri,
        graphiql_css_sri=page.graphiql_css_sri,
        subscriptions_transport_ws_version=page.subscriptions_transport_ws_version,
        subscriptions_transport_ws_sri=page.subscriptions_transport_ws_sri,
        subscription_path=None,
        graphiql_plugin_explorer_version=page.graphiql_plugin_explorer_version,
        graphiql_plugin_explorer_sri=page.graphiql_plugin_explorer_sri,
        graphiql_plugin_explorer_css_sri=page.graphiql_plugin_explorer_css_sri,
        graphiql_header_editor_enabled=True,
        graphiql_should_persist_headers=False,
    )
    response["Content-Security-Policy"] = (
        "default-src 'self'; script-src 'self' https://cdn.jsdelivr.net; "
        "style-src 'self' 'unsafe-inline' https://cdn.jsdelivr.net; img-src 'self' data:; connect-src 'self'"
    )
    return response
