"""The pages as the server gives them."""

from django.test import Client


def test_an_address_that_leads_nowhere_leads_home(client: Client) -> None:
    """A person is told in the house's own look, with a way back; the API keeps its own shape. REQ UI-03."""
    answer = client.get("/nope")
    assert answer.status_code == 404
    assert b"There is nothing here" in answer.content
    assert b'href="/"' in answer.content
    assert client.get("/api/v1/nope").json()["code"] == "not_found"
