"""schema.graphql and openapi.yaml as the code makes them: written anew, or compared with the committed ones.

Needs neither PostgreSQL nor Valkey: it asks the code alone.
"""

import difflib
import os
import sys

from config.local_stack.environment import ROOT

_SHOWN_LINES = 40
# The settings want addresses; nothing is asked at them.
_OFFLINE = {
    "DJANGO_SETTINGS_MODULE": "config.settings.test",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:9/none",
    "REDIS_URL": "redis://127.0.0.1:9/0",
}


def _graphql() -> str:
    from django.conf import settings
    from django.utils.module_loading import import_string
    from graphql import print_schema

    # graphene's schema carries graphql-core's, which is what is printed.
    schema = import_string(settings.GRAPHENE["SCHEMA"])
    return print_schema(schema.graphql_schema) + "\n"


def _openapi() -> str:
    from drf_spectacular.generators import SchemaGenerator
    from drf_spectacular.renderers import OpenApiYamlRenderer

    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    text: bytes = OpenApiYamlRenderer().render(schema, renderer_context={})  # type: ignore[no-untyped-call]
    return text.decode()


def main() -> int:
    """Compare, or write with `--write`; 1 with a diff when a committed file is not what the code makes."""
    os.environ.update(_OFFLINE)
    import django

    django.setup()
    made = {ROOT / "schema.graphql": _graphql(), ROOT / "openapi.yaml": _openapi()}
    if "--write" in sys.argv[1:]:
        for path, text in made.items():
            path.write_text(text, encoding="utf-8")
        return 0
    stale = False
    for path, text in made.items():
        committed = path.read_text(encoding="utf-8") if path.exists() else ""
        if committed != text:
            stale = True
            lines = difflib.unified_diff(
                committed.splitlines(),
                text.splitlines(),
                path.name,
                f"{path.name} from the code",
                lineterm="",
                n=1,
            )
            sys.stdout.write(
                "\n".join(list(lines)[:_SHOWN_LINES]) + f"\n{path.name} is stale: run `make schema`\n"
            )
    return int(stale)


if __name__ == "__main__":
    sys.exit(main())
