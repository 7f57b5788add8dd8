"""The double's answers to requests that it rejects."""

from __future__ import annotations

# https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb
_CODES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    408: "RequestTimeout",
    409: "Conflict",
    410: "Gone",
    412: "PreconditionFailed",
    413: "RequestEntityTooLarge",
    429: "TooManyRequests",
    449: "RetryWith",
    500: "InternalServerError",
    503: "ServiceUnavailable",
}


class RejectedError(Exception):
    """Ends a request with a status above 299."""

    def __init__(self, status: int, message: str, *, substatus: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.substatus = substatus

    def body(self) -> dict[str, str]:
        code = _CODES.get(self.status, "InternalServerError")
        return {"code": code, "message": str(self)}
