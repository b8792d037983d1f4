"""Failures in Stripe's shape: `{"error": {"type", "code", "message", "param"}}`."""

from typing import Any


class ApiError(Exception):
    """An answer other than success.

    `executed` says that the work had begun: Stripe then stores the answer under the idempotency key, while a
    request refused before (validation, authentication, conflict) may be sent again with the same key.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        status: int = 400,
        kind: str = "invalid_request_error",
        executed: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.status = status
        self.kind = kind
        self.executed = executed

    def body(self) -> dict[str, Any]:
        """The JSON body that Stripe would send."""
        error: dict[str, Any] = {"type": self.kind, "message": self.message}
        if self.code is not None:
            error["code"] = self.code
            error["doc_url"] = f"https://docs.stripe.com/error-codes/{self.code.replace('_', '-')}"
        if self.param is not None:
            error["param"] = self.param
        return {"error": error}


def missing_resource(name: str, object_id: str, *, param: str = "id", in_path: bool = True) -> ApiError:
    """Stripe answers 404 when the object is named by the path and 400 when a parameter names it."""
    return ApiError(
        f"No such {name}: '{object_id}'", code="resource_missing", param=param, status=404 if in_path else 400
    )


def server_error(*, executed: bool = False) -> ApiError:
    """The 500 of a fault on Stripe's side."""
    return ApiError("An unknown error occurred", status=500, kind="api_error", executed=executed)
