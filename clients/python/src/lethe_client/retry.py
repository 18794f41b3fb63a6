"""When a call is made again."""

from __future__ import annotations

import math
import numbers
import random
import time
from dataclasses import dataclass

from .errors import DeadlineExceeded, InvalidArgument, LetheError, ResourceExhausted, Unavailable
from .fields import wrong


@dataclass(frozen=True)
class Retry:
    """How often, and how long apart, calls are made again that failed for a moment's reason.

    A call that the server refuses with a time to wait (grpc-retry-pushback-ms) is made again after that time. One that
    did not reach the server is made again after a pause that doubles, if it asks or generates; orders (unlearn, cancel,
    activate) are not, since the server may have carried them out.
    """

    #: Most times that one call is made; 1: never again.
    attempts: int = 5
    #: Seconds before the second attempt without a word from the server; then twice as many, up to `longest_pause`.
    first_pause: float = 0.1
    longest_pause: float = 5.0
    #: Seconds for which a watch tries to reach a server again that it lost: a server that is restarted has to load its models.
    watch_patience: float = 300.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.first_pause < 0 or self.longest_pause < self.first_pause:
            raise InvalidArgument(f"retry: is {self}; attempts must be 1 or more, and longest_pause no shorter than "
                                  "first_pause")

    def pause(self, attempt: int) -> float:
        """Seconds before attempt + 1, drawn so that clients that failed together do not come back together."""
        return min(self.longest_pause, self.first_pause * 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.0)


def limit(timeout: float | None) -> float | None:
    """Seconds that something may take, None without a limit; raises InvalidArgument for what is no such time."""
    if timeout is None:
        return None
    if not isinstance(timeout, numbers.Real) or not timeout > 0:
        raise wrong("timeout", timeout, "a number of seconds above 0, or None for no limit")
    return None if math.isinf(timeout) else float(timeout)


class Attempts:
    """One call's attempts, within its timeout."""

    def __init__(self, retry: Retry, timeout: float | None, repeatable: bool) -> None:
        self._retry = retry
        self._repeatable = repeatable
        timeout = limit(timeout)
        self._end = None if timeout is None else time.monotonic() + timeout
        self._made = 0

    def next_timeout(self) -> float | None:
        """Counts an attempt, and says how many seconds it has."""
        self._made += 1
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def pause(self, error: LetheError) -> float:
        """Seconds to wait before the next attempt; raises `error` if there is to be none."""
        if self._made >= self._retry.attempts:
            raise error from None
        if isinstance(error, ResourceExhausted) and error.retry_after is not None:
            pause = error.retry_after
        elif isinstance(error, Unavailable) and self._repeatable:
            pause = error.retry_after if error.retry_after is not None else self._retry.pause(self._made)
        else:
            raise error from None
        if self._end is not None and time.monotonic() + pause >= self._end:
            raise error from None
        return pause


class Patience:
    """A watch's tries to reach the server again; every event that comes renews it."""

    def __init__(self, retry: Retry, timeout: float | None) -> None:
        self._retry = retry
        timeout = limit(timeout)
        self._end = None if timeout is None else time.monotonic() + timeout
        self.renew()

    def renew(self) -> None:
        self._tries = 0
        self._lost = 0.0

    def next_timeout(self) -> float | None:
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def pause(self, error: LetheError) -> float:
        """Seconds to wait before watching again; raises `error` if that is not to be."""
        refused = isinstance(error, ResourceExhausted) and error.retry_after is not None
        if not (refused or isinstance(error, Unavailable)):
            raise error from None
        now = time.monotonic()
        self._lost = self._lost or now
        self._tries += 1
        pause = error.retry_after if error.retry_after is not None else self._retry.pause(self._tries)
        if now + pause > self._lost + self._retry.watch_patience:
            raise error from None
        if self._end is not None and now + pause >= self._end:
            raise DeadlineExceeded("the time to watch has passed") from error
        return pause
