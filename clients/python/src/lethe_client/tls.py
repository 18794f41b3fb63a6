"""Why TLS with a server fails: gRPC tells its log more than its callers."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import ssl
from typing import Any, Union

Path = Union[str, "os.PathLike[str]"]

# Seconds for the connection, and for TLS on it.
_PATIENCE = 3.0
# Codes of OpenSSL's X509_V_ERR_...
_OTHER_NAME = {62, 64}
_NOT_VALID_NOW = {9, 10}
_ALERTS = re.compile("CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_UNKNOWN")
_TARGET = re.compile(r"(?:(?:dns|ipv4|ipv6):(?://[^/]*/)?)?(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:/\[\]]+)):(?P<port>\d+)")

_NO_TLS = "the server does not speak TLS: leave out https://, tls= and ca= (and LETHE_TLS_CA)"
_OF_CLIENT = "the server wants a certificate of its clients that it trusts: give certificate= and key="


class _Closed(Exception):
    """By the server, right after TLS was agreed on."""


def failure(target: str, ca: Path | None, certificate: Path | None, key: Path | None) -> str | None:
    """What is wrong, found by a connection of its own; None if that finds nothing, or `target` is no host and port."""
    parts = _TARGET.fullmatch(target)
    if parts is None:
        return None
    host, port = parts["six"] or parts["host"], int(parts["port"])
    try:
        _certificate(host, port, ca, certificate, key, True)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code in _OTHER_NAME:
            return _other_name(host, port, ca, certificate, key)
        if error.verify_code in _NOT_VALID_NOW:
            return ("the server's certificate has passed, or is not valid yet: set this machine's clock if that is wrong, or "
                    "have the server's operator renew it")
        return (f"the server's certificate is not of an authority that is trusted ({error.verify_message}): if it is the "
                "server that you mean, name its authority by ca=")
    except ssl.SSLError as error:
        # Alerts are the server's, of this client; what else comes is no TLS.
        return _OF_CLIENT if _ALERTS.search(str(error.reason)) else None if "ALERT" in str(error.reason) else _NO_TLS
    except _Closed:
        return _OF_CLIENT
    except socket.gaierror:
        return f"there is no host {host}"
    except ConnectionRefusedError:
        return "there is no server at that address"
    except (ConnectionError, EOFError):
        return _NO_TLS
    except OSError:
        return None
    return None


def _other_name(host: str, port: int, ca: Path | None, certificate: Path | None, key: Path | None) -> str:
    try:
        names = [value for _, value in _certificate(host, port, ca, certificate, key, False).get("subjectAltName", ())]
    except OSError:
        names = []
    return (f"the server's certificate does not name {host}" + (f", but {', '.join(names)}: ask for it by that name" if names
            else ": ask for it by the name that it has"))


def _certificate(host: str, port: int, ca: Path | None, certificate: Path | None, key: Path | None, named: bool
                 ) -> dict[str, Any]:
    """The server's, if it is of an authority that is trusted, and names the host if that is wanted."""
    context = ssl.create_default_context(cafile=ca)
    context.set_alpn_protocols(["h2"])
    context.check_hostname = named
    if certificate is not None and key is not None:
        context.load_cert_chain(certificate, key, password=lambda: "")
    with socket.create_connection((host, port), _PATIENCE) as connection, \
            context.wrap_socket(connection, server_hostname=host if named or not _is_address(host) else None) as spoken:
        if named and certificate is None and spoken.recv(1) == b"":
            # What speaks HTTP/2 says something first; since TLS 1.3 a client is looked at after the server is.
            raise _Closed
        return dict(spoken.getpeercert() or {})


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
