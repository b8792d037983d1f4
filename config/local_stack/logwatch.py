"""Shows the warnings that children write to their logs, so that a person at the terminal sees trouble."""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

_LOUD = {"warning", "error", "critical"}
# Plain lines: a level in capitals, or the last line of a stack trace, which names the error.
_LOUD_LINE = re.compile(
    r"\b(WARN|WARNING|ERROR|CRITICAL|FATAL)\b|^[\w.]+(Error|Exception|Interrupt|Exit)\b(:|$)"
)
_MOST_LINES_A_LOOK = 5
_LONGEST_LINE = 300


class LogWatch:
    """Follows logs from where they end now."""

    def __init__(self, logs: Iterable[Path], say: Callable[[str], None]) -> None:
        self._positions = {log: log.stat().st_size if log.exists() else 0 for log in logs}
        self._say = say

    def look(self) -> None:
        """Show the loud lines written since the last look; a flood is shortened, the log has it all."""
        for log, position in self._positions.items():
            loud = [text for line in self._new_lines(log, position) if (text := loud_text(line))]
            for text in loud[:_MOST_LINES_A_LOOK]:
                self._say(f"[{log.stem}] {text}")
            if len(loud) > _MOST_LINES_A_LOOK:
                self._say(f"[{log.stem}] and {len(loud) - _MOST_LINES_A_LOOK} more in {log}")

    def _new_lines(self, log: Path, position: int) -> list[str]:
        try:
            size = log.stat().st_size
            if size == position:
                return []
            with log.open("rb") as file:
                file.seek(position if size > position else 0)  # shorter than before: a new log began
                new = file.read()
        except FileNotFoundError:
            return []
        whole = new[: new.rfind(b"\n") + 1]
        self._positions[log] = (position if size > position else 0) + len(whole)
        return whole.decode(errors="replace").splitlines()


def loud_text(line: str) -> str:
    """Give what to show of a log line; empty for one that is no warning."""
    if line.startswith("{"):
        try:
            entry = json.loads(line)
        except ValueError:
            return ""
        if str(entry.get("level", "")).lower() not in _LOUD:
            return ""
        return f"{entry['level']}: {entry.get('event') or entry.get('message') or ''}"[:_LONGEST_LINE]
    return line[:_LONGEST_LINE] if _LOUD_LINE.search(line) else ""
