"""A world, and a call at each door of REST in it."""

import json
from typing import Any

from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.tests.factories import bearer
from config.tests.graphql_world import World, make_world
from config.tests.rest_doors import Door, Whose, doors, places, routes
from notifications.tests.devices import make_device

# Who comes is answered, about themselves or about what is public.
_OPEN = {Whose.ONESELF, Whose.ANYBODY}


class Walk:
    """A world, its doors, and how to knock at them."""

    def __init__(self, world: World | None = None) -> None:
        """Take a world, or build what GraphQL's walk sees; and a device of the guest's."""
        self.world = world or make_world()
        self.doors = doors(self.world)
        self.strangers = self.world.strangers()
        self._places = places(self.world) | {"device_id": make_device(self.world.guest).pk}
        self._routes = routes()
        self._client = Client()
        # Answers to somebody, and to calls that write, that a browser or a proxy may keep.
        self.left_behind: list[str] = []

    def those(self, *, open_to_all: bool) -> dict[str, Door]:
        """Return the doors that answer whoever comes, or the others."""
        return {name: door for name, door in self.doors.items() if (door.whose in _OPEN) == open_to_all}

    def rightful(self, door: Door) -> User | None:
        """Return who gets something at a door."""
        people = {Whose.OWNER: self.world.owner, Whose.WAITER: self.world.waiter, Whose.ANYBODY: None}
        return people.get(door.whose, self.world.guest)

    def knock(self, user: User | None, name: str) -> tuple[int, str]:
        """Ask as somebody; return the status, and all that was said. What may be kept by others is written down."""
        answer = self.ask(user, name, self.doors[name].body)
        body: bytes = b"".join(answer) if answer.streaming else answer.content
        if (user or not name.startswith("get ")) and answer.headers.get("Cache-Control") != "no-store":
            self.left_behind.append(f"{name}: {answer.status_code}")
        return answer.status_code, f"{answer.headers} {body.decode(errors='replace')}"

    def ask(self, user: User | None, name: str, body: dict[str, Any]) -> Any:
        """Ask as somebody, with any body; return the answer."""
        method, _, route = name.partition(" ")
        return self._client.generic(
            method.upper(),
            reverse(route, kwargs={key: self._places[key] for key in self._routes[route].ids}),
            "" if method == "get" else json.dumps(body),
            content_type="application/json",
            query_params=self.doors[name].query,
            headers=bearer(user) if user else {},
        )

    def knock_and_undo(self, user: User | None, name: str) -> tuple[int, str]:
        """Ask as somebody, and take back what it did."""
        with transaction.atomic():
            said = self.knock(user, name)
            transaction.set_rollback(True)
        return said
