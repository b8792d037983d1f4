"""Every reader of a format that something outside may have written is held against any text, or reads our own.

Readers are found by what they call: JSON, signed and encoded texts, addresses, numbers, times. What is taken apart by
hand (scan codes, signature headers, commands of a socket) cannot be found so, and is proved in its room alone.
"""

import ast
from collections.abc import Iterator
from typing import Final

from config.local_stack.environment import ROOT

ROOMS: Final = (
    "accounts", "ads", "analytics", "common", "events", "notifications", "offers", "payments", "tickets", "waitlist",
)  # fmt: skip
Function = ast.FunctionDef | ast.AsyncFunctionDef
READERS: Final = {
    "loads", "b64decode", "urlsafe_b64decode", "unsign", "urlsplit", "urlparse", "parse_qs", "parse_qsl", "unquote",
    "unquote_plus", "ip_address", "ip_network", "fromisoformat", "strptime", "parse_datetime", "parse_date", "Decimal",
    "fromhex", "literal_eval", "a2b_base64",
}  # fmt: skip


TEXTS: Final = "tests/test_outside_texts.py::"
# Each reader of what callers, providers and staff may send, and the test that sends it anything.
FROM_OUTSIDE: Final = {
    "accounts.services.tokens._verified": f"accounts/{TEXTS}test_no_text_and_no_claims_are_a_person",
    "ads.decision.tokens._decoded": f"ads/{TEXTS}test_no_text_is_a_token",
    "ads.rest.redeeming._seen": f"ads/{TEXTS}test_no_item_of_a_batch_breaks_the_reading",
    "ads.rest.redeeming._token_of": f"ads/{TEXTS}test_no_link_breaks_the_reading",
    "ads.rest.serving._pairs": f"ads/{TEXTS}test_no_query_breaks_the_reading",
    **dict.fromkeys(
        (
            "analytics.rest.batches._event_named",
            "analytics.rest.batches._sent_at",
            "analytics.rest.batches.read_batch",
            "common.rest.fast.decoded",
        ),
        "analytics/tests/test_outside_bodies.py::test_no_body_breaks_the_reading",
    ),
    "analytics.services.checking._metadata": (
        "analytics/tests/test_outside_bodies.py::test_no_metadata_breaks_the_check"
    ),
    "common.graphql.view.read_request": (
        "common/tests/test_outside_forms.py::test_any_body_is_one_operation_or_refused"
    ),
    "common.money.parse_decimal": (
        "common/tests/test_money.py::test_no_text_is_read_as_anything_but_its_own_value"
    ),
    **dict.fromkeys(
        (
            "common.rest.addresses._normal",
            "common.rest.addresses.client_network",
            "common.rest.networks.shortened",
        ),
        f"common/{TEXTS}test_a_caller_has_an_address_whatever_is_forwarded",
    ),
    "common.rest.serializers._is_naive": f"common/{TEXTS}test_a_time_has_an_offset_or_is_refused",
    "common.web_addresses.is_web_address": f"common/{TEXTS}test_an_address_to_follow_leads_to_a_host",
    "notifications.mailer.reports.read": (
        f"notifications/{TEXTS}test_no_event_of_the_mail_provider_breaks_the_reading"
    ),
    "notifications.pushing.tokens._decoded": f"notifications/{TEXTS}test_no_registration_breaks_the_check",
    "notifications.realtime.origins._is_same": (
        "notifications/tests/test_outside_headers.py::test_no_origin_breaks_the_look_at_it"
    ),
    "notifications.realtime.server._token": (
        "notifications/tests/test_outside_headers.py::test_no_handshake_breaks_the_reading_of_the_token"
    ),
    "notifications.rest.webhooks._event": (
        "notifications/tests/test_outside_headers.py::test_no_signed_body_breaks_the_reading"
    ),
    "notifications.services.push.campaigns._leads_somewhere": (
        "notifications/tests/test_outside_headers.py::test_no_address_of_a_message_breaks_the_check"
    ),
    **dict.fromkeys(
        ("notifications.services.push.receipts.read", "notifications.services.unsubscribing._read"),
        f"notifications/{TEXTS}test_no_text_is_a_token",
    ),
    "payments.rest.webhooks._event": (
        "payments/tests/test_outside_events.py::test_any_signed_bytes_are_an_event_or_refused"
    ),
    "waitlist.services.tokens.read": "waitlist/tests/test_token_properties.py::test_no_text_is_a_join_token",
}
# What we wrote ourselves, into a table, Valkey or an answer, and numbers of ours.
OUR_OWN: Final = {
    "ads.admin.proving._words", "common.admin.base._when", "common.audit.services._plain",
    "common.idempotency.services.finish", "common.money.Money.decimal", "common.outbox.claim._take",
    "common.partitions.DayPartitions._bounds", "notifications.realtime.relay._numbered",
    "offers.graphql.types._instant", "payments.graphql.OrderType.resolve_created_at",
    "payments.graphql.OrderType.resolve_expires_at", "payments.graphql.RefundType.resolve_created_at",
    "payments.services.attempts._decoded", "payments.types.PurchaseAnswer.from_json",
    "tickets.selectors.checkin._read", "waitlist.types.Place.from_json",
}  # fmt: skip
# What operators set or type, looked at as the product starts or refused by a sentence.
OF_OPERATORS: Final = {
    "common.checks._is_local", "common.checks.addresses", "common.commands.day", "common.commands.instant",
    "notifications.mailer.signatures.key_of", "notifications.push_checks._account",
    "notifications.push_checks._production", "notifications.push_checks._wrong_pair",
    "notifications.realtime.origins.allowed_origins", "payments.services.stripe_params._with_session",
}  # fmt: skip
# What one of the readers above let through: a caller's address, a kept webhook, a registered device. The last is
# Django's, which reads any text.
READ_BEFORE: Final = {
    "common.health._may_read_metrics", "common.admin.inbox.InboxEventAdmin.body_",
    "payments.services.stripe_events._worked", "notifications.pushing.vapid.headers_for",
    "common.audit.history.AuditHistoryMixin.history_view",
}  # fmt: skip


def functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """Yield the functions of a module and the methods of its classes, with their names."""
    for one in tree.body:
        if isinstance(one, Function):
            yield one.name, one
        elif isinstance(one, ast.ClassDef):
            for method in one.body:
                if isinstance(method, Function):
                    yield f"{one.name}.{method.name}", method


def reads(function: Function) -> bool:
    """Say whether a reader is called. ``text.decode()`` is none; a decoder is given what it decodes."""
    for call in ast.walk(function):
        if isinstance(call, ast.Call):
            name = ast.unparse(call.func).rpartition(".")[2]
            if name in READERS or (
                name == "decode" and call.args and not isinstance(call.args[0], ast.Constant)
            ):
                return True
    return False


def readers() -> set[str]:
    """Return the functions of the product that read a format, by their dotted names."""
    found = set()
    for room in ROOMS:
        for file in (ROOT / room).rglob("*.py"):
            path = file.relative_to(ROOT)
            if not {"tests", "migrations"} & set(path.parts):
                module = ".".join(path.with_suffix("").parts)
                tree = ast.parse(file.read_text())
                found |= {f"{module}.{name}" for name, function in functions(tree) if reads(function)}
    return found


def test_every_reader_of_a_format_is_known() -> None:
    """Whoever adds one says which test sends it anything, or why nobody outside can. REQ OP-05."""
    known = [*FROM_OUTSIDE, *OUR_OWN, *OF_OPERATORS, *READ_BEFORE]
    assert sorted(readers()) == sorted(known)


def test_what_is_read_from_outside_is_sent_anything() -> None:
    """Each test that is named is there, and is one of Hypothesis. REQ OP-05."""
    for where in sorted(set(FROM_OUTSIDE.values())):
        file, _, name = where.partition("::")
        functions_of = dict(functions(ast.parse((ROOT / file).read_text())))
        assert name in functions_of, where
        wrappers = [ast.unparse(one) for one in functions_of[name].decorator_list]
        assert any(one.startswith("given(") for one in wrappers), where
