"""A release is rolled out while the one before it sells: what its migrations may do to tables that are in use."""

import re
from collections.abc import Iterator

import pytest
from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
)
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.models.fields import NOT_PROVIDED

from config.tests.test_docs import ROOMS

# Made before anything was sold with them. Nothing is added here: docs/running.md, "Upgrade", says how it is done.
BEFORE_THE_FIRST_SALE = frozenset(
    {
        "ads.0004_figures",
        "analytics.0008_slugs_of_organizations",
        "events.0002_waitlist_columns",
        "notifications.0006_tracking",
        "offers.0002_fewer_indexes",
        "payments.0002_fewer_indexes",
        "payments.0003_by_time",
        "tickets.0002_checkin",
        "tickets.0003_manual_codes",
        "tickets.0004_manual_codes_unique",
        "tickets.0005_newest_scans",
    }
)

_BUILDS_UNDER_LOCK = re.compile(
    r"\bCREATE\s+(?:UNIQUE\s+)?INDEX\s+(?!CONCURRENTLY)[\w\"]+\s+ON\s+(?:ONLY\s+)?(\w+)", re.IGNORECASE
)
_REWRITES = re.compile(
    r"\bALTER\s+TABLE\s+(\w+)\s+(?:ALTER\s+COLUMN\s+\w+\s+(?:TYPE|SET\s+NOT\s+NULL)|DROP\s+COLUMN|RENAME)",
    re.IGNORECASE,
)
_WRITES_ROWS = re.compile(
    r"\b(?:UPDATE\s+(\w+)\s+(?:AS\s+)?(?:\w+\s+)?SET|DELETE\s+FROM\s+(\w+))\b", re.IGNORECASE
)
_MAKES = re.compile(r"\bCREATE\s+(?:UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(\w+)", re.IGNORECASE)


def faults(migration: migrations.Migration) -> Iterator[str]:
    """Yield what a migration does that old processes do not survive, or that locks a table while it is read through."""
    made: set[str] = set()
    for operation in _flat(migration.operations):
        if isinstance(operation, migrations.CreateModel):
            made.add(operation.name_lower)
            table = operation.options.get("db_table") or f"{migration.app_label}_{operation.name_lower}"
            made.add(table)
        elif isinstance(operation, migrations.RunPython):
            yield "RunPython: a job fills values, in batches"
        elif isinstance(operation, migrations.RunSQL):
            yield from _of_sql(str(operation.sql), made)
        elif (name := getattr(operation, "model_name_lower", "")) not in made:
            yield from _of_operation(operation, name, atomic=migration.atomic)
        if isinstance(operation, migrations.DeleteModel | migrations.RenameModel):
            yield f"{type(operation).__name__}: old processes read the table"


def _flat(
    operations: list[migrations.operations.base.Operation],
) -> Iterator[migrations.operations.base.Operation]:
    for operation in operations:
        if isinstance(operation, migrations.SeparateDatabaseAndState):
            yield from _flat(operation.database_operations)
        else:
            yield operation


def _of_sql(text: str, made: set[str]) -> Iterator[str]:
    made |= {name.lower() for name in _MAKES.findall(text)}
    for pattern, what in (
        (_BUILDS_UNDER_LOCK, "an index that is not built CONCURRENTLY"),
        (_REWRITES, "a change of columns"),
        (_WRITES_ROWS, "rows written"),
    ):
        for match in pattern.finditer(text):
            table = next(filter(None, match.groups()))
            if table.lower() not in made:
                yield f"SQL: {what} on {table}"


def _of_operation(operation: object, model: str, *, atomic: bool) -> Iterator[str]:
    if isinstance(operation, AddIndexConcurrently | RemoveIndexConcurrently):
        if atomic:
            yield f"{model}: CONCURRENTLY inside a transaction"
    elif isinstance(operation, AddConstraintNotValid):
        return
    elif isinstance(operation, migrations.AddIndex | migrations.AddConstraint):
        yield f"{model}: {type(operation).__name__} reads the table through under a lock"
    elif isinstance(operation, migrations.AlterField):
        yield f"{model}.{operation.name}: AlterField may write the table anew"
    elif isinstance(operation, migrations.RemoveField | migrations.RenameField):
        yield f"{model}: {type(operation).__name__}: old processes name the column"
    elif isinstance(operation, migrations.AddField):
        yield from _of_field(operation.field, f"{model}.{operation.name}")


def _of_field(field: models.Field, name: str) -> Iterator[str]:
    if not field.null and field.db_default is NOT_PROVIDED and not field.many_to_many:
        yield f"{name}: NOT NULL without db_default: what old processes insert is refused"
    if field.unique or field.db_index:
        yield f"{name}: its index is built under a lock; add it CONCURRENTLY afterwards"


def all_faults() -> dict[str, list[str]]:
    """Return what is wrong with each migration of the house."""
    disk = MigrationLoader(None).disk_migrations
    ours = {f"{app}.{name}": migration for (app, name), migration in disk.items() if app in ROOMS}
    return {name: found for name, migration in sorted(ours.items()) if (found := list(faults(migration)))}


def test_no_new_migration_stops_the_release_before_it() -> None:
    """Indexes CONCURRENTLY, columns with a default of the database, nothing taken away at once. REQ OP-06, OP-07."""
    wrong = {name: found for name, found in all_faults().items() if name not in BEFORE_THE_FIRST_SALE}
    assert wrong == {}


def test_the_list_of_old_ones_is_not_longer_than_it_must_be() -> None:
    """A migration that is in order needs no exception. REQ OP-06."""
    assert set(all_faults()) >= BEFORE_THE_FIRST_SALE


@pytest.mark.parametrize(
    ("operation", "is_fine"),
    [
        (migrations.AddIndex("offer", models.Index(fields=["id"], name="i")), False),
        (migrations.AddField("offer", "note", models.TextField(default="")), False),
        (migrations.AddField("offer", "note", models.TextField(db_default="")), True),
        (migrations.AddField("offer", "note", models.TextField(null=True)), True),
        (migrations.AddField("offer", "note", models.TextField(null=True, db_index=True)), False),
        (migrations.AlterField("offer", "note", models.TextField()), False),
        (migrations.RemoveField("offer", "note"), False),
        (migrations.DeleteModel("offer"), False),
        (migrations.RunSQL("CREATE INDEX note ON offers_offer (note)"), False),
        (migrations.RunSQL("CREATE INDEX CONCURRENTLY note ON offers_offer (note)"), True),
        (migrations.RunSQL("CREATE TABLE x (a int); CREATE INDEX note ON x (a)"), True),
        (migrations.RunSQL("ALTER TABLE offers_offer ALTER COLUMN note SET NOT NULL"), False),
        (migrations.RunSQL("UPDATE offers_offer AS o SET note = ''"), False),
        (migrations.RunSQL("UPDATE offers_offer SET note = ''"), False),
        (migrations.RunSQL("DELETE FROM offers_offer WHERE note = ''"), False),
        (migrations.RunSQL("CREATE TABLE x (a int); UPDATE x SET a = 1"), True),
        (migrations.RunPython(migrations.RunPython.noop), False),
        (AddIndexConcurrently("offer", models.Index(fields=["id"], name="i")), False),
    ],
)
def test_each_fault_is_found(operation: migrations.operations.base.Operation, is_fine: bool) -> None:
    """The rules see what they are for; in a transaction even CONCURRENTLY is wrong. REQ OP-06."""
    migration = migrations.Migration("0002_more", "offers")
    migration.operations = [operation]
    assert (list(faults(migration)) == []) is is_fine


def test_what_the_same_migration_made_is_nobodys() -> None:
    """A new table is in nobody's way. REQ OP-06."""
    migration = migrations.Migration("0002_more", "offers")
    migration.operations = [
        migrations.CreateModel("Note", [("id", models.BigAutoField(primary_key=True))]),
        migrations.AddIndex("note", models.Index(fields=["id"], name="i")),
        migrations.RunSQL("CREATE INDEX j ON offers_note (id)"),
    ]
    assert list(faults(migration)) == []
