"""What can be wrong with an e-mail before it is queued, and what stops one on its way."""

from collections.abc import Iterable

from common.errors import Conflict, Invalid


class TemplateFailure(Exception):
    """The message as such is wrong, whoever would get it: a fault in the caller or in the template."""


class UnknownTemplate(TemplateFailure):
    """No message is registered under this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No e-mail template is registered under the name {name!r}")


class MissingVariables(TemplateFailure):
    """Variables that the message declares were not given, or were None."""

    def __init__(self, template: str, names: Iterable[str]) -> None:
        self.names = tuple(sorted(names))
        super().__init__(f"The e-mail {template!r} misses the variables {', '.join(self.names)}")


class UnknownVariables(TemplateFailure):
    """Variables were given that the message does not declare."""

    def __init__(self, template: str, names: Iterable[str]) -> None:
        self.names = tuple(sorted(names))
        super().__init__(f"The e-mail {template!r} does not know the variables {', '.join(self.names)}")


class BrokenTemplate(TemplateFailure):
    """The subject or the text part could not be rendered, or came out empty."""


class FileRefused(Exception):
    """A file cannot go along with an e-mail: its name is none, or the files are too much for one message."""


class InvalidRecipient(Invalid):
    """The address is none that mail could be sent to."""


class NotCancellable(Conflict):
    """It is not waiting any more."""

    code = "email_not_queued"
    title = "Only an e-mail that still waits can be cancelled"


class NotResendable(Conflict):
    """It did not fail, so there is nothing to repeat."""

    code = "email_not_failed"
    title = "Only an e-mail that failed can be sent again"
