"""``HOST:PORT`` as people write it."""

from __future__ import annotations


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
