"""What a call to Stripe can come to, other than an answer.

Only the difference between them decides about money.
"""


class GatewayError(Exception):
    """The call brought no answer of the kind that was wanted.

    ``code`` is Stripe's, and ``param`` the parameter it speaks of, where it gave them.
    """

    def __init__(self, message: str, *, code: str = "", param: str = "") -> None:
        self.message = message
        self.code = code
        self.param = param
        super().__init__(message)


class Refused(GatewayError):
    """Stripe looked at it and said no (400, 402): nothing happened, and the same request never will."""


class RefusedRetryable(GatewayError):
    """Nothing happened, and another time it may: nothing was sent, or 429, or our key was not accepted."""


class Unknown(GatewayError):
    """Nobody knows whether it happened: a time-out, a 5xx, a cut connection. Never release or repeat blindly.

    ``is_key_spent``: Stripe answered a 5xx, which it repeats for ever under the same idempotency key.
    """

    def __init__(self, message: str, *, code: str = "", is_key_spent: bool = False) -> None:
        super().__init__(message, code=code)
        self.is_key_spent = is_key_spent


class NotThere(GatewayError):
    """Stripe knows no such object (404)."""
