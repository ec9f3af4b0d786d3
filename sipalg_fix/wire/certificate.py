"""Certificates of a responder: its own if the operator has none, and the pin that probes compare."""

from __future__ import annotations

import hashlib
import os
import ssl
from functools import cache
from pathlib import Path

PIN = "sha256:"


def pin_of(der: bytes) -> str:
    """The pin of a certificate: ``sha256:`` and the hex digest of its DER form."""
    return PIN + hashlib.sha256(der).hexdigest()


def normal_pin(text: str) -> str:
    """A pin as people write it (colons, capitals) as :func:`pin_of` does; :class:`ValueError`."""
    kind, _, digits = text.strip().lower().partition(":")
    digits = digits.replace(":", "").replace(" ", "")
    if kind + ":" != PIN or len(digits) != 64 or not all(digit in "0123456789abcdef" for digit in digits):
        raise ValueError(f"{text}: a pin is sha256: and 64 hex digits, as the responder prints it")
    return PIN + digits


def server_context(certificate: Path, key: Path) -> tuple[ssl.SSLContext, str]:
    """TLS for the responder, and the pin of its certificate. OSError or ssl.SSLError if it is not usable."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.num_tickets = 0  # nobody comes back: a probe makes one connection of each kind
    context.load_cert_chain(certificate, key)
    first = ssl.PEM_cert_to_DER_cert(_first_certificate(certificate.read_text()))
    return context, pin_of(first)


def client_context(authority: str = "") -> ssl.SSLContext:
    """TLS for a probe that checks the certificate by authorities: the system's, or those of a file."""
    return ssl.create_default_context(cafile=authority or None)


@cache
def pinning_context() -> ssl.SSLContext:
    """TLS for a probe that compares the certificate with a pin itself, before it says a word."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _first_certificate(pem: str) -> str:
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    return begin + pem.partition(begin)[2].partition(end)[0] + end + "\n"


def own_certificate(directory: Path) -> tuple[Path, Path]:
    """
    Certificate and key files of this responder; made at the first call, so that the pin stays.

    The key is readable by its owner alone. OSError if the directory cannot be written.
    """
    certificate, key = directory / "responder.pem", directory / "responder.key"
    if certificate.exists() and key.exists():
        return certificate, key
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    made, secret = _self_signed()
    descriptor = os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secret)
    certificate.write_bytes(made)
    return certificate, key


def _self_signed() -> tuple[bytes, bytes]:
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sipalg-fix responder")])
    since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        # Ten years: probes compare the pin, not the date.
        .not_valid_after(since + datetime.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private
