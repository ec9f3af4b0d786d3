"""``HOST:PORT`` and source ports as people write them, and why a source port cannot be had."""

from __future__ import annotations

import errno
import socket

from sipalg_fix.wire.protocol import SIP_PORT


def host_and_port(text: str, default: int) -> tuple[str, int]:
    """
    Host and port of ``HOST``, ``HOST:PORT``, ``[IPV6]:PORT`` or a bare IPv6 address; :class:`ValueError`.
    """
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest[1:] if rest.startswith(":") else rest
    elif text.count(":") > 1:
        host, port = text, ""
    else:
        host, _, port = text.partition(":")
    if not host or (port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536)):
        raise ValueError(f"{text}: HOST, HOST:PORT or [IPV6]:PORT is expected")
    return host, int(port or default)


def source_ports(text: str) -> tuple[bool, int]:
    """
    From a fresh port as well? And from which fixed one (0: none)? ``fresh``, ``both`` or a number;
    :class:`ValueError`.
    """
    if text in ("fresh", "both"):
        return True, SIP_PORT if text == "both" else 0
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise ValueError(f"{text}: fresh, both or a port from 1 to 65535 is expected as source port")
    return False, int(text)


def not_bound(own: str, port: int, error: OSError) -> OSError:
    """The same error, saying which source port cannot be had and what to do about it."""
    place = f"source port {port} of {own}" if port else f"a source port of {own}"
    number = error.errno or 0
    if number == errno.EADDRINUSE:
        hint = "another program has it: close it (a softphone, perhaps), or give another with --source-port"
    elif number == errno.EACCES:
        hint = "this system keeps it for its administrator: give another with --source-port"
    else:
        hint = error.strerror or str(error)
    return OSError(number, f"{place} cannot be had: {hint}")


def not_found(host: str, error: OSError | ValueError) -> str:
    """Why a host cannot be asked, for people; names without an address are often domains of providers."""
    if isinstance(error, UnicodeError):
        return f"{host} is no name of a host"
    why = str(getattr(error, "strerror", None) or error)
    if isinstance(error, socket.gaierror):
        return (
            f"{why}. Service records (SRV) are not asked for: give the server's own name or address, which a "
            "phone's settings may call outbound proxy"
        )
    return why
