"""What can be wrong with an e-mail before it is queued, and what stops one on its way."""

from collections.abc import Iterable

from common.errors import Conflict, Failure, Invalid


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


class NobodyNamed(TemplateFailure):
    """People may do without such messages, so each must name the person who could."""

    def __init__(self, template: str) -> None:
        super().__init__(
            f"The e-mail {template!r} can be switched off by its person, and names none (user_id)"
        )


class FileRefused(Exception):
    """A file cannot go along with an e-mail: its name is none, or the files are too much for one message."""


class InvalidRecipient(Invalid):
    """The address is none that mail could be sent to."""


class NotCancellable(Conflict):
    """It is not waiting any more."""

    code = "email_not_queued"
    title = "Only an e-mail that still waits can be cancelled"


class NotResendable(Conflict):
    """It neither failed nor was held back, so there is nothing to repeat."""

    code = "email_not_failed"
    title = "Only an e-mail that failed can be sent again"


class UnsubscribeLinkInvalid(Failure):
    """It was not made by us, or is about messages or a person that are no more."""

    code = "unsubscribe_link_invalid"
    title = "This link does not work"


class BoxSuppressed(Conflict):
    """Its box is on the list of those that are not written to: it would only be held back again."""

    code = "email_suppressed"
    title = "This address is not written to any more: lift the suppression first"


class EmailUnwanted(Conflict):
    """Its person does without such messages: it would only be held back again."""

    code = "email_unwanted"
    title = "This person switched such e-mails off"


class AlreadySuppressed(Conflict):
    """The address is on the list."""

    code = "already_suppressed"
    title = "This address is on the list already"


class NotSuppressed(Conflict):
    """The address is off the list."""

    code = "not_suppressed"
    title = "This suppression was lifted already"


class BadWebhook(Failure):
    """Not an event that the mail provider signed for us, or not one that can be read."""

    code = "bad_webhook"
    title = "This is not a webhook of the mail provider"


class WebhookTooLarge(BadWebhook):
    """The body is larger than any event."""

    code = "bad_webhook"
    title = "The body is too large for a webhook"


class DeviceLimit(Conflict):
    """The person has as many devices as one may have."""

    code = "device_limit"
    title = "You have too many devices: take one off first"


class DeviceRemoved(Conflict):
    """Its person took it off, so it does not come back by itself."""

    code = "device_removed"
    title = "This device was taken off: it comes back when its person asks for it"


class DeviceAlreadyOff(Conflict):
    """It takes no messages already."""

    code = "device_already_off"
    title = "This device is switched off already"


class PushNotResendable(Conflict):
    """It did not fail, or the person has no device any more."""

    code = "push_not_resendable"
    title = "Only a push message that failed, to a device that is still on, can be sent again"


class PushTooLate(Conflict):
    """It was of use until a moment that is over, such as the end of a seat offer."""

    code = "push_too_late"
    title = "This message is of no use any more: what it tells of is over"


class DeviceOff(Conflict):
    """Nothing is sent to a device that is switched off, or whose provider is not set up here."""

    code = "push_device_off"
    title = "This device takes no messages"


class CampaignOver(Conflict):
    """Everything of it was sent or taken back already."""

    code = "campaign_over"
    title = "Nothing of this campaign waits any more"
