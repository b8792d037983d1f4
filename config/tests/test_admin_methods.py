"""Every address of the admin by the method that it is not meant for: what is read is posted to, what does is opened."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
from django.db.models import Model
from django.urls import reverse

from accounts.models import User
from config.tests.admin_doors import acts_on, add_what_the_demo_lacks, pages, rows_of
from config.tests.digests import digests
from config.tests.test_admin_screens import WITHOUT_ROWS, address, screens, signed_in, told, words_of_the_demo

pytestmark = pytest.mark.django_db


# A list and the form for a new row are the rival's own, and may answer.
OWN: Final = {"changelist", "add"}
REFUSED: Final = {302, 403, 404, 405}


def of_a_row(model: type[Model], row: Model) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Yield each page with the method, address and data that it is asked by about somebody else's row."""
    chosen = {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes", "index": "0"}
    yield "changelist", "post", address(model, "changelist"), chosen
    yield "add", "post", address(model, "add"), {"_save": "Save"}
    yield "history", "post", address(model, "history", row.pk), {}
    for name in acts_on(model):
        done = {"ids": [str(row.pk)], "confirmed": "1", "reason": "asked for"}
        yield "act", "get", address(model, "act", name), done


def test_the_rival_reaches_no_row_of_others_by_another_method(demo: None) -> None:
    """Of every screen a row that is not theirs: chosen in a list for deletion, its history posted to, its acts opened:
    nothing is named, nothing fails, no row of any table is another. REQ EV-03, EV-04.
    """
    add_what_the_demo_lacks()
    rival, words = User.objects.get(email="rival@demo.test"), words_of_the_demo()
    operator, client = User.objects.get(email="admin@demo.test"), signed_in("rival")
    before, hidden, wrong = digests(), set(), []
    for model in screens():
        row = rows_of(model, operator).exclude(pk__in=rows_of(model, rival).values("pk")).first()
        if row is None:
            continue
        hidden.add(model._meta.label)
        for page, method, where, data in of_a_row(model, row):
            answer = getattr(client, method)(where, data)
            allowed = REFUSED | {200} if page in OWN else REFUSED
            if answer.status_code not in allowed or told(answer, words):
                wrong.append((method, where, answer.status_code))
    assert wrong == []
    assert {model._meta.label for model in screens()} - hidden == WITHOUT_ROWS
    assert [table for table, digest in digests().items() if before[table] != digest] == []


def test_the_rival_is_told_nothing_by_a_page_asked_by_another_method(demo: None) -> None:
    """Dashboards, files, tools: posted to where they are read, opened where they do. What is the rival's own alone may
    answer, without a word of others. REQ EV-03, EV-04.
    """
    words, client, before, wrong = words_of_the_demo(), signed_in("rival"), digests(), []
    for name, page in pages().items():
        ask = client.get if page.is_post else client.post
        answer = ask(reverse(f"admin:{name}", kwargs=page.place), page.query)
        allowed = REFUSED | {200} if page.rival == 200 else REFUSED
        if answer.status_code not in allowed or told(answer, words):
            wrong.append((name, answer.status_code))
    assert wrong == []
    assert [table for table, digest in digests().items() if before[table] != digest] == []
