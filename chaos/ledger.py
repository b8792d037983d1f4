"""What each client was told, in a file of its own, written before it goes on: the claims that the proofs hold up."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Ledger:
    """The file of one client: a line for each thing it was told, flushed at once."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self._lock = threading.Lock()
        self._file = (folder / f"{name}.jsonl").open("a", encoding="utf-8")

    def note(self, what: str, **facts: Any) -> None:
        """Keep one claim."""
        with self._lock:
            self._file.write(json.dumps({"what": what, **facts}) + "\n")
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Claims:
    """All ledgers of a campaign together."""

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        self._entries = entries

    @classmethod
    def read(cls, folder: Path) -> "Claims":
        """Read every ledger of the folder."""
        files = [file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.jsonl"))]
        return cls([json.loads(line) for file in files for line in file.splitlines()])

    def of(self, what: str) -> Iterator[dict[str, Any]]:
        """Give the claims of one sort."""
        return (entry for entry in self._entries if entry["what"] == what)

    def all(self, what: str, name: str) -> list[str]:
        """Give one fact of every claim of a sort."""
        return [str(entry[name]) for entry in self.of(what)]

    def counts(self) -> Counter[str]:
        """Count the claims by their sort."""
        return Counter(str(entry["what"]) for entry in self._entries)

    def and_also(self, what: str, **facts: Any) -> "Claims":
        """Return these claims and one more, which nobody made: for tests that a proof notices."""
        return Claims([*self._entries, {"what": what, **facts}])
