"""What all clients have in common."""

import queue
import random
import threading
import traceback
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from chaos.doors import Doors
from chaos.ledger import Ledger
from chaos.stack import Stack
from chaos.world import World


@dataclass(frozen=True, slots=True)
class Paid:
    """An order that its buyer paid, for staff to refund."""

    order_id: str
    amount: int


@dataclass(frozen=True)
class Tools:
    """What every client is given."""

    stack: Stack
    doors: Doors
    world: World
    seed: int
    ledgers: Path
    stop: threading.Event
    paid: "queue.Queue[Paid]" = field(default_factory=queue.Queue)


class Client(threading.Thread):
    """Acts again and again until it is told to stop. What it draws follows from the seed and its name."""

    pause_seconds = (0.2, 1.2)

    def __init__(self, name: str, tools: Tools) -> None:
        super().__init__(name=name, daemon=True)
        self.chance = random.Random(f"{tools.seed}:{name}")
        self.ledger = Ledger(tools.ledgers, name)
        self.tools = tools
        self.doors = tools.doors
        self.world = tools.world
        # Why it ended before its time; empty when it did not.
        self.fell = ""

    def run(self) -> None:
        """Act until the end, then tie up what is loose."""
        try:
            while not self.tools.stop.is_set():
                self.act()
                self.tools.stop.wait(self.chance.uniform(*self.pause_seconds))
            self.finish()
        except Exception:  # noqa: BLE001 a client that fell is told at the end, with its trace
            self.fell = traceback.format_exc()
        finally:
            self.ledger.close()

    def act(self) -> None:
        """Do one thing that people do."""
        raise NotImplementedError

    def finish(self) -> None:
        """Do what is left to do when the load ends."""

    def new_id(self) -> str:
        """Draw an id: the same campaign draws the same ones, another campaign never."""
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def is_lucky(self, probability: float) -> bool:
        """Say yes with this probability."""
        return self.chance.random() < probability
