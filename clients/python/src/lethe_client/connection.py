"""Where the server is, and how it is spoken to."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Union

import grpc

Path = Union[str, "os.PathLike[str]"]

# An answer may hold many images of 1024 x 1024 pixels; what the server takes is the server's to say.
_OPTIONS = [
    ("grpc.max_receive_message_length", 256 << 20),
    ("grpc.max_send_message_length", -1),
    # Calls that failed are repeated by this client, which knows which may be.
    ("grpc.enable_retries", 0),
    # A watch notices within a minute that its connection is dead.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5_000),
]


@dataclass(frozen=True)
class Connection:
    """A server's HOST:PORT, TLS and token; what is None comes from the environment, by the names that `lethe` reads."""

    address: str | None
    token: str | Callable[[], str] | None
    tls: bool
    ca: Path | None
    certificate: Path | None
    key: Path | None

    def metadata(self) -> list[tuple[str, str]]:
        token = self.token if self.token is not None else os.environ.get("LETHE_TOKEN")
        if callable(token):
            token = token()
        return [("authorization", f"Bearer {token.strip()}")] if token else []

    def open(self, insecure: Callable[..., Any], secure: Callable[..., Any]) -> Any:
        """A channel; raises OSError for a file that cannot be read, ValueError for one of certificate and key."""
        address = self.address or os.environ.get("LETHE_SERVER") or "localhost:8080"
        ca = self.ca or os.environ.get("LETHE_TLS_CA") or None
        certificate = self.certificate or os.environ.get("LETHE_CERT") or None
        key = self.key or os.environ.get("LETHE_KEY") or None
        if (certificate is None) != (key is None):
            raise ValueError("certificate and key go together")
        if not (self.tls or ca or certificate):
            return insecure(address, options=_OPTIONS)
        return secure(address, grpc.ssl_channel_credentials(_bytes(ca), _bytes(key), _bytes(certificate)),
                      options=_OPTIONS)


def _bytes(path: Path | None) -> bytes | None:
    if path is None:
        return None
    with open(path, "rb") as file:
        return file.read()
