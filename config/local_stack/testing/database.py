"""The test database: cloned from a migrated template, and put back to it after tests that commit."""

import os
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from config.local_stack.postgres import OWNER, EmbeddedPostgres
from config.local_stack.testing.servers import keep_copy, session_folder, session_postgres

TEMPLATE = "marquee_template"
_LOCK = 7_311_001  # advisory: one of xdist's workers migrates, the others wait
# Written by Django itself and never by a test: left alone.
_UNTOUCHED = ("django_migrations", "django_content_type", "auth_permission")

# What migrations put into the tables is kept aside, so that `restore()` gives each test that commits
# the database as migrations left it. Emptying 100 tables by TRUNCATE costs 300 ms; deleting from
# those few that have rows costs a few.
_PRISTINE = """
CREATE SCHEMA pristine;
CREATE TABLE pristine.tables (name text PRIMARY KEY, kept_columns text);
DO $$
DECLARE candidate text; filled boolean;
BEGIN
  FOR candidate IN
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND c.relname <> ALL (string_to_array('{untouched}', ','))
  LOOP
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM public.%I)', candidate) INTO filled;
    INSERT INTO pristine.tables SELECT candidate, string_agg(quote_ident(attname), ',' ORDER BY attnum)
      FILTER (WHERE filled) FROM pg_attribute
      WHERE attrelid = format('public.%I', candidate)::regclass AND attnum > 0
        AND NOT attisdropped AND attgenerated = '';
    IF filled THEN
      EXECUTE format('CREATE TABLE pristine.%I AS TABLE public.%I', candidate, candidate);
    END IF;
  END LOOP;
END $$;
CREATE FUNCTION pristine.restore() RETURNS void LANGUAGE plpgsql AS $$
DECLARE entry record; filled boolean;
BEGIN
  -- No triggers, so neither foreign keys nor audit or append-only rules stand in the way.
  PERFORM set_config('session_replication_role', 'replica', true);
  FOR entry IN SELECT * FROM pristine.tables LOOP
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM public.%I)', entry.name) INTO filled;
    IF filled THEN
      EXECUTE format('DELETE FROM public.%I', entry.name);
    END IF;
    IF entry.kept_columns IS NOT NULL THEN
      EXECUTE format('INSERT INTO public.%1$I (%2$s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM pristine.%1$I',
                     entry.name, entry.kept_columns);
    END IF;
  END LOOP;
END $$;
""".replace("{untouched}", ",".join(_UNTOUCHED))


def test_database_name() -> str:
    """Name this process's database: one for each of xdist's workers."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    return f"test_{OWNER}_{worker}" if worker else f"test_{OWNER}"


def use_test_database() -> Iterator[None]:
    """Point Django at a migrated database of this process alone, for as long as the generator runs."""
    if session_folder() is None:
        yield from _use_foreign_server()
        return
    server = session_postgres()
    with server.connect() as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        _ensure_template(server, connection)
        _clone(connection, test_database_name())
    _point_django_at(test_database_name())
    _use_fast_flush()
    yield


def _use_foreign_server() -> Iterator[None]:
    from django.test.utils import setup_databases, teardown_databases

    created = setup_databases(verbosity=0, interactive=False)
    yield
    teardown_databases(created, verbosity=0)


def _ensure_template(server: EmbeddedPostgres, connection: psycopg.Connection[tuple[object, ...]]) -> None:
    if connection.execute(
        "SELECT 1 FROM pg_database WHERE datname = %s AND datistemplate", [TEMPLATE]
    ).fetchone():
        return
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(TEMPLATE)))
    server.ensure_database(TEMPLATE)
    _point_django_at(TEMPLATE)
    _migrate()
    connection.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE true").format(sql.Identifier(TEMPLATE)))
    keep_copy(server)


def _migrate() -> None:
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0, interactive=False)
    with connection.cursor() as cursor:
        cursor.execute(_PRISTINE)
    _disconnect()


def _clone(connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    database = sql.Identifier(name)
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))
    connection.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
            database, sql.Identifier(TEMPLATE), sql.Identifier(OWNER)
        )
    )


def _disconnect() -> None:
    from django.db import connection

    connection.close()
    if hasattr(connection, "close_pool"):
        connection.close_pool()


def _point_django_at(name: str) -> None:
    from django.conf import settings
    from django.db import connection

    _disconnect()
    settings.DATABASES["default"]["NAME"] = name
    connection.settings_dict["NAME"] = name
    # Processes that a test starts (web, worker, commands) work on the same database.
    address = urlsplit(os.environ["DATABASE_URL"])
    os.environ["DATABASE_URL"] = urlunsplit(address._replace(path=f"/{name}"))


def _use_fast_flush() -> None:
    """Let Django's flush, which runs after each test that commits, restore the pristine state."""
    from django.core.management.color import Style
    from django.core.management.commands import flush
    from django.db.backends.postgresql.operations import DatabaseOperations

    truncate = DatabaseOperations.sql_flush

    def sql_flush(
        self: DatabaseOperations,
        style: Style,
        tables: Sequence[str],
        *,
        reset_sequences: bool = False,
        allow_cascade: bool = False,
    ) -> list[str]:
        if reset_sequences:
            return truncate(self, style, tables, reset_sequences=True, allow_cascade=allow_cascade)
        return ["SELECT pristine.restore()"]

    DatabaseOperations.sql_flush = sql_flush  # type: ignore[method-assign, assignment]
    # What the signal would write (content types, permissions) was left in place.
    flush.emit_post_migrate_signal = lambda *args, **kwargs: None  # type: ignore[attr-defined]
