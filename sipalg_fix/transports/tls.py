"""
TLS: an encrypted connection to the right device, or none.

A certificate is believed when an authority signed it for this address (the system's, or the operator's
own by ``tls_ca``), or when it is exactly the one that was pinned (``tls_pin``, or accepted by name). The
pin is compared on the very connection that will carry the login, before a byte of it is sent.
"""

from __future__ import annotations

import functools
import os
import socket
import ssl
from typing import Final

from sipalg_fix.model.errors import DeviceError
from sipalg_fix.transports.line import Deadline, Endpoint
from sipalg_fix.transports.sockets import dial, hang_up
from sipalg_fix.transports.ssh_keys import TLS, HostKey, KeyStore, advice, certificate_key, pinned_key

_WEAK: Final = (
    "HANDSHAKE_FAILURE",
    "NO_SHARED_CIPHER",
    "NO_CIPHERS_AVAILABLE",
    "UNSUPPORTED_PROTOCOL",
    "PROTOCOL_VERSION",
    "DH_KEY_TOO_SMALL",
    "EE_KEY_TOO_SMALL",
    "CA_MD_TOO_WEAK",
    "UNSAFE_LEGACY_RENEGOTIATION_DISABLED",
    "INSUFFICIENT_SECURITY",
)
"""OpenSSL's reasons for refusing cryptography that is too old; a part of the reason's name."""


def secure(endpoint: Endpoint, keys: KeyStore) -> ssl.SSLSocket:
    """
    Connect and make sure of the device. DeviceError ``certificate-unknown`` or ``certificate-changed``
    when it is not to be believed, ``crypto-refused`` when its TLS is too old.
    """
    pins = _pins(endpoint, keys)
    context = _pinning(endpoint.settings.legacy_crypto) if pins else _verifying(endpoint)
    try:
        secured = _handshake(endpoint, context)
    except ssl.SSLCertVerificationError as error:
        raise _unknown(endpoint, error.verify_message) from None
    if pins and (shown := _shown(secured)) not in pins:
        hang_up(secured)
        raise endpoint.error(
            "certificate-changed",
            f"shows another certificate than the one that was pinned: {shown.data}, not "
            f"{' or '.join(pin.data for pin in pins)}. Somebody may be in between, or the device made a new "
            "one. Nothing was sent to it. If you know why, compare it with the device, then: "
            f"{advice(endpoint)}" + (" and change tls_pin" if endpoint.settings.tls_pin else ""),
        )
    return secured


def scan_certificate(endpoint: Endpoint) -> HostKey:
    """The certificate that the device shows now; nothing is said to it."""
    secured = _handshake(endpoint, _pinning(endpoint.settings.legacy_crypto))
    shown = _shown(secured)
    hang_up(secured)
    return shown


def receive(endpoint: Endpoint, sock: socket.socket, most: int, deadline: Deadline) -> bytes:
    """Some bytes, empty at the end; DeviceError ``timeout`` or ``connection-lost``. TLS or not."""
    try:
        sock.settimeout(deadline.left(endpoint))
        return sock.recv(most)
    except TimeoutError:
        raise deadline.missed(endpoint) from None
    except OSError:
        raise endpoint.lost("before it had answered") from None


def send(endpoint: Endpoint, sock: socket.socket, data: bytes, deadline: Deadline) -> None:
    """Send it all; DeviceError ``timeout`` or ``connection-lost``. TLS or not."""
    try:
        sock.settimeout(deadline.left(endpoint))
        sock.sendall(data)
    except TimeoutError:
        raise deadline.missed(endpoint) from None
    except OSError:
        raise endpoint.lost("before it had heard the command") from None


def _pins(endpoint: Endpoint, keys: KeyStore) -> tuple[HostKey, ...]:
    """The operator's pin, or those accepted by name; none: authorities decide."""
    if not endpoint.settings.tls_pin:
        return tuple(key for key in keys.accepted(endpoint.label, endpoint.access) if key.kind == TLS)
    try:
        return (pinned_key(endpoint.settings.tls_pin),)
    except ValueError as error:
        raise endpoint.error(
            "certificate-unknown", f"has a tls_pin in the inventory that is {error}"
        ) from None


def _handshake(endpoint: Endpoint, context: ssl.SSLContext) -> ssl.SSLSocket:
    sock = dial(endpoint)
    try:
        sock.settimeout(endpoint.deadline.left(endpoint))
        return context.wrap_socket(sock, server_hostname=endpoint.address)
    except ssl.SSLCertVerificationError:
        hang_up(sock)
        raise
    except (OSError, ValueError, DeviceError) as error:
        hang_up(sock)
        raise _failed(endpoint, error) from None


def _failed(endpoint: Endpoint, error: Exception) -> DeviceError:
    """What a handshake that came to nothing is called."""
    match error:
        case DeviceError():
            return error
        case TimeoutError():
            return endpoint.deadline.missed(endpoint)
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            return endpoint.error("unreachable", "accepts connections and closes them at once")
        case ssl.SSLError(reason=str() as reason) if any(word in reason for word in _WEAK):
            what = f"offers no TLS that is safe ({reason}): it has no certificate, or only old ciphers"
            if not endpoint.settings.legacy_crypto:
                what += ". If it cannot be updated, allow them for this host: legacy_crypto: true"
            return endpoint.error("crypto-refused", what)
        case ssl.SSLError(reason=reason):
            return endpoint.error("not-understood", f"does not answer with TLS ({reason})")
        case OSError():
            return endpoint.error("unreachable", "accepts connections and resets them at once")
        case _:
            return endpoint.error("unreachable", f"is no address for TLS: {error}")


def _unknown(endpoint: Endpoint, reason: str) -> DeviceError:
    shown = scan_certificate(endpoint)
    return endpoint.error(
        "certificate-unknown",
        f"shows a certificate that cannot be verified ({reason}): {shown.data}. Nothing was sent to it. "
        f"Compare it with the device's own, then: {advice(endpoint)}",
    )


def _shown(secured: ssl.SSLSocket) -> HostKey:
    return certificate_key(secured.getpeercert(binary_form=True) or b"")


@functools.cache
def _pinning(legacy: bool) -> ssl.SSLContext:
    """For one certificate alone, whoever signed it and whatever it says: routers have no clock at first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return _aged(context, legacy)


def _verifying(endpoint: Endpoint) -> ssl.SSLContext:
    """By authorities. Reading them takes longer than the whole session, so contexts are shared."""
    settings = endpoint.settings
    if not settings.tls_ca:
        return _by_system(settings.legacy_crypto)
    try:
        return _by_file(settings.tls_ca, os.stat(settings.tls_ca).st_mtime_ns, settings.legacy_crypto)
    except (OSError, ssl.SSLError) as error:
        what = f"cannot be verified: the CA file {settings.tls_ca} is not usable: {error.strerror or error}"
        raise endpoint.error("certificate-unknown", what) from None


@functools.cache
def _by_system(legacy: bool) -> ssl.SSLContext:
    return _aged(ssl.create_default_context(), legacy)


@functools.lru_cache(maxsize=16)
def _by_file(path: str, changed: int, legacy: bool) -> ssl.SSLContext:
    del changed  # makes another entry when the file was written anew
    return _aged(ssl.create_default_context(cafile=path), legacy)


def _aged(context: ssl.SSLContext, legacy: bool) -> ssl.SSLContext:
    if legacy:
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context
