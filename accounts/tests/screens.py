"""The admin through its pages: a member of an organization signs in, and looks for what is another's."""

from typing import Any

from django.db.models import Model
from django.test import Client

from accounts.models import Organization, User
from accounts.tests.factories import make_member


def enter(client: Client, organization: Organization, role: str = "staff") -> User:
    """Sign a new member of the organization in."""
    member = make_member(role, organization=organization)
    client.force_login(member)
    return member


def assert_hidden(
    client: Client, listing: str, theirs: Model, *, form: dict[str, Any], shown: str, hidden: tuple[str, ...]
) -> None:
    """The list names what is one's own and nothing of theirs; their row's pages lead away, whatever is sent there."""
    page = client.get(listing).content.decode()
    assert shown in page
    assert [word for word in hidden if word in page] == []
    place = f"{listing}{theirs.pk}"
    answers = [
        client.get(f"{place}/change/"),
        client.get(f"{place}/history/"),
        client.post(f"{place}/change/", form),
    ]
    for answer in answers:
        assert answer.status_code == 302
        assert [word for word in hidden if word.encode() in answer.content] == []
