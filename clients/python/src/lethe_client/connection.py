"""Where the server is, and how it is spoken to."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Union

import grpc

from . import tls
from .errors import InvalidArgument, LetheError, Unavailable, from_rpc
from .fields import wrong

# Names of gRPC's own, such as dns:///host:8080 and unix:/path.
_OF_GRPC = re.compile(r"(dns|ipv4|ipv6|unix|unix-abstract|vsock|xds):/|(ipv4|ipv6|unix|unix-abstract|vsock):")
_ADDRESS = re.compile(r"(?:(?P<scheme>https?)://)?(?P<host>\[[0-9a-f:.]+(?:%\w+)?\]|[^\s:/?#@\[\]]+)(?::(?P<port>\d{1,5}))?"
                      r"(?P<slash>/)?", re.IGNORECASE)
_TOKEN = re.compile(r"[\x21-\x7e]+")

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

# What gRPC says of a connection that failed, and what is likely wrong, by whether this client speaks TLS. Of several
# addresses of a host it tells the last one's failure alone.
_LIKELY = [
    (False, "failed to connect to all addresses|Socket closed|Connection reset|SETTINGS frame",
     "there is no server at that address, or it may want TLS: say https:// before the address, or give tls=True, or ca= with "
     "its authority"),
    (True, "CERTIFICATE_REQUIRED|BAD_CERTIFICATE|certificate required|bad certificate",
     "the server wants a certificate of its clients that it trusts: give certificate= and key="),
    (True, "failed to connect to all addresses", "there is no server at that address, it does not speak TLS, or its"
     " certificate is not trusted"),
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
        if not token or not token.strip():
            return []
        if not _TOKEN.fullmatch(token.strip()):
            # Not the token itself: messages end up in logs.
            raise InvalidArgument("token: holds blanks, or characters beyond ASCII")
        return [("authorization", f"Bearer {token.strip()}")]

    def open(self, insecure: Callable[..., Any], secure_channel: Callable[..., Any]) -> Any:
        """A channel; raises OSError for a file that cannot be read, InvalidArgument for one that does not hold what it
        should, for an address that is none, and for one of certificate and key.
        """
        address, secure, ca, certificate, key = self._resolved()
        if not secure:
            return insecure(address, options=_OPTIONS)
        _check(ca, certificate, key)
        return secure_channel(address, grpc.ssl_channel_credentials(_bytes(ca), _bytes(key), _bytes(certificate)),
                              options=_OPTIONS)

    def failed(self, error: Any) -> LetheError:
        """The exception for a grpc.RpcError; of a connection that failed, with what is likely wrong. That may take a
        connection more.
        """
        failure = from_rpc(error)
        if isinstance(failure, Unavailable) and failure.request_id is None:
            address, secure, ca, certificate, key = self._resolved()
            found = tls.failure(address, ca, certificate, key) if secure else None
            if found is not None:
                return Unavailable(f"{found} ({failure.message})", retry_after=failure.retry_after)
            for of_secure, says, words in _LIKELY:
                if of_secure == secure and re.search(says, failure.message):
                    return Unavailable(f"{words} ({failure.message})", retry_after=failure.retry_after)
        return failure

    def _resolved(self) -> tuple[str, bool, Path | None, Path | None, Path | None]:
        """What gRPC calls the address, whether TLS is spoken, and the files of authorities, certificate and key."""
        address, says_tls = _target(self.address or os.environ.get("LETHE_SERVER") or "localhost")
        ca = self.ca or os.environ.get("LETHE_TLS_CA") or None
        certificate = self.certificate or os.environ.get("LETHE_CERT") or None
        key = self.key or os.environ.get("LETHE_KEY") or None
        if (certificate is None) != (key is None):
            raise InvalidArgument(f"{'key' if key is None else 'certificate'}: is missing; certificate and key go together")
        wants_tls = bool(self.tls or ca or certificate)
        if says_tls is False and wants_tls:
            raise InvalidArgument("address: says http://, without TLS, and TLS is asked for as well; say https://, or leave"
                                  " TLS out")
        return address, bool(wants_tls or says_tls), ca, certificate, key


def _check(ca: Path | None, certificate: Path | None, key: Path | None) -> None:
    """Files of TLS: what gRPC finds wrong of them it tells in a log alone, at the first call."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca is not None:
        # That it cannot be read is its own error.
        _bytes(ca)
        try:
            context.load_verify_locations(cafile=ca)
        except ssl.SSLError as error:
            raise InvalidArgument(f"ca: {os.fspath(ca)} holds no certificate in PEM (-----BEGIN CERTIFICATE-----) that can be"
                                  f" read: {error}") from None
    if certificate is not None and key is not None:
        _bytes(certificate)
        _bytes(key)
        try:
            # Without a password: gRPC asks for none.
            context.load_cert_chain(certificate, key, password=lambda: "")
        except ssl.SSLError as error:
            raise InvalidArgument(f"certificate: {os.fspath(certificate)} and {os.fspath(key)} are no certificate and its key,"
                                  f" both in PEM: {error}") from None


def _target(address: str) -> tuple[str, bool | None]:
    """What gRPC calls it, and whether it says that TLS is spoken."""
    if _OF_GRPC.match(address):
        return address, None
    parts = _ADDRESS.fullmatch(address.strip())
    if parts is None or parts["slash"] and not parts["scheme"]:
        raise wrong("address", address, "HOST, HOST:PORT, http://HOST:PORT or https://HOST:PORT, for example localhost:8080")
    scheme = (parts["scheme"] or "").lower()
    port = int(parts["port"] or {"": 8080, "http": 80, "https": 443}[scheme])
    if not 1 <= port <= 65535:
        raise wrong("address", address, "of a port from 1 to 65535")
    return f"{parts['host']}:{port}", {"": None, "http": False, "https": True}[scheme]


def _bytes(path: Path | None) -> bytes | None:
    if path is None:
        return None
    with open(path, "rb") as file:
        return file.read()
