"""What can go wrong, as exceptions: one class for each status that a caller may want to tell apart."""

from __future__ import annotations

import re
from typing import Any

import grpc

# The server starts a description with the field at fault: "psi: is 3.0; ...", "spec.batch: ...",
# "unlearn images[3].label: ...".
_FIELD = re.compile(r"((?:unlearn |learn )?[a-z][a-z0-9_]*(?:\[\d+\])*(?:\.[a-z][a-z0-9_]*(?:\[\d+\])*)*): ")


class LetheError(Exception):
    """A call that the server refused, or that did not reach it.

    code: the gRPC status; message: the server's words; field: the request's field at fault, None where the server names
    none; request_id: by which the server's log tells the call, None if it did not get there; retry_after: seconds after
    which the server takes the call, None where it does not say.
    """

    code = grpc.StatusCode.UNKNOWN

    def __init__(self, message: str, *, code: grpc.StatusCode | None = None, request_id: str | None = None,
                 retry_after: float | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        self.message = message
        named = _FIELD.match(message)
        self.field = named.group(1) if named else None
        self.request_id = request_id
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}"


class InvalidArgument(LetheError, ValueError):
    """A field of the request is wrong: `field` and the message say which and how."""

    code = grpc.StatusCode.INVALID_ARGUMENT

    def within(self, place: str) -> InvalidArgument:
        """The same of an image that lies there in the request: of its label, or of the image itself."""
        field = ".".join(part for part in (place, self.field or "image") if part)
        return InvalidArgument(f"{field}: {self.message.removeprefix(f'{self.field}: ')}")


class NotFound(LetheError):
    """There is no such model, version or job."""

    code = grpc.StatusCode.NOT_FOUND


class FailedPrecondition(LetheError):
    """Not in this state: a class that is unlearned, a job that has ended."""

    code = grpc.StatusCode.FAILED_PRECONDITION


class Unauthenticated(LetheError):
    """The server does not know who calls."""

    code = grpc.StatusCode.UNAUTHENTICATED


class PermissionDenied(LetheError):
    """The server knows who calls, and that they may not."""

    code = grpc.StatusCode.PERMISSION_DENIED


class ResourceExhausted(LetheError):
    """Above a rate, a queue or a size; `retry_after` says when to try again."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED


class Unavailable(LetheError):
    """The server cannot be reached, or is shutting down."""

    code = grpc.StatusCode.UNAVAILABLE


class DeadlineExceeded(LetheError, TimeoutError):
    """The call's timeout has passed."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED


class Cancelled(LetheError):
    """The call was cancelled."""

    code = grpc.StatusCode.CANCELLED


_CLASSES = {kind.code: kind for kind in LetheError.__subclasses__()}


def from_rpc(error: Any) -> LetheError:
    """The exception for a grpc.RpcError, sync or asyncio."""
    code = error.code() or grpc.StatusCode.UNKNOWN
    # A call that never reached a server has no metadata of it.
    headers = dict(error.initial_metadata() or ()) | dict(error.trailing_metadata() or ())
    pushback = str(headers.get("grpc-retry-pushback-ms", ""))
    return _CLASSES.get(code, LetheError)(
        error.details() or "no description", code=code, request_id=headers.get("x-request-id"),
        retry_after=int(pushback) / 1000 if pushback.isdigit() else None)
