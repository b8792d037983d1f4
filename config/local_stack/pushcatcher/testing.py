"""The stand-in as tests use it: `push_catcher.subscribe("Ada")`, `.fail("quota", retry_after=30)`, `.pushes()`."""

from dataclasses import dataclass
from pathlib import Path

from config.local_stack.mailcatcher.server import MailCatcher
from config.local_stack.pushcatcher.account import ensure_account
from config.local_stack.pushcatcher.faults import FaultKind
from config.local_stack.pushcatcher.store import Push


@dataclass(frozen=True)
class Subscription:
    """A browser's subscription as the browser tells it."""

    id: str
    endpoint: str
    keys: dict[str, str]


class PushCatcher:
    """A running stand-in; its messages and failures without a way over HTTP."""

    def __init__(self, catcher: MailCatcher, folder: Path) -> None:
        self._catcher = catcher
        self.url = catcher.url
        self.credentials_file = ensure_account(folder, catcher.url)
        self.hanging = catcher.push_faults.hanging

    def pushes(self) -> list[Push]:
        """Give what came, oldest first; a message that came twice to a device is there once."""
        return self._catcher.pushes.newest(limit=1000)[::-1]

    def requests(self) -> list[str]:
        """Give method and path of every message that was offered, taken or not."""
        return list(self._catcher.push_faults.requests)

    def fail(self, kind: FaultKind, times: int = 1, *, retry_after: int | None = None) -> None:
        """Let the next messages fail."""
        self._catcher.push_faults.order(kind, times, retry_after=retry_after)

    def subscribe(self, name: str = "Browser") -> Subscription:
        """Be a browser that subscribes."""
        browser = self._catcher.pushes.subscribe(name)
        return Subscription(browser.id, f"{self.url}/push/{browser.id}", browser.keys)

    def unsubscribe(self, subscription: Subscription) -> None:
        """Be a browser that takes no more."""
        self._catcher.pushes.unsubscribe(subscription.id)

    def clear(self) -> None:
        """Forget messages, requests and ordered failures."""
        self._catcher.pushes.clear()
        self._catcher.push_faults.clear()
