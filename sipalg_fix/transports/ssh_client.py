"""
SSH client: one connection, in this order: key exchange, the host key believed or not, and only then a login.

No password and no key is offered to a device that has not shown a key that was accepted before.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterable, Iterator
from typing import ClassVar, Final

import paramiko
from paramiko.ssh_exception import IncompatiblePeer

from sipalg_fix.model.errors import DeviceError
from sipalg_fix.transports.line import Credentials, Deadline, Endpoint, hush
from sipalg_fix.transports.sockets import dial
from sipalg_fix.transports.ssh_groups import GROUPS
from sipalg_fix.transports.ssh_keys import HostKey, KeyStore

OLD: Final = {
    "kex": (
        "diffie-hellman-group-exchange-sha1",
        "diffie-hellman-group14-sha1",
        "diffie-hellman-group1-sha1",
    ),
    "keys": ("ssh-rsa",),
    "pubkeys": ("ssh-rsa",),
    "ciphers": ("aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"),
    "macs": ("hmac-md5", "hmac-md5-96", "hmac-sha1-96"),
}
"""Never negotiated unless a host says ``legacy_crypto``: SHA-1 in key exchange and signatures, CBC, MD5."""

KEEPALIVE_SECONDS: Final = 15
CLOSE_SECONDS: Final = 2.0


class _Transport(paramiko.Transport):
    """paramiko's, but it waits for the device instead of looking ten times a second."""

    # How often the reading thread wakes to see whether a keepalive is due; closing wakes it at once.
    _active_check_timeout: ClassVar[float] = 5.0
    _kex_info: ClassVar[dict[str, type]] = {
        **paramiko.Transport._kex_info,  # type: ignore[attr-defined]  # not in the stubs
        **GROUPS,
    }
    _preferred_kex: ClassVar[tuple[str, ...]] = (
        *(name for name in paramiko.Transport._preferred_kex if name not in GROUPS),  # type: ignore[attr-defined]  # not in the stubs
        *GROUPS,
    )

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """Without host certificates: there is no authority that could have signed them for us."""
        plain: tuple[str, ...] = self._filter_algorithm("keys")  # type: ignore[attr-defined]  # not in the stubs
        return plain


class SshClient:
    """
    One SSH connection to one endpoint. It has what netmiko needs of a client: :meth:`connect`,
    :meth:`invoke_shell` and :meth:`close`.
    """

    def __init__(self, endpoint: Endpoint, keys: KeyStore, credentials: Credentials | None) -> None:
        hush("paramiko")
        self._endpoint = endpoint
        self._keys = keys
        self._credentials = credentials
        self._transport: _Transport | None = None
        self._sock: socket.socket | None = None

    def connect(self, *, username: str, **theirs: object) -> None:
        """
        Connect, check the host key, log in once; nothing where that was done before. What else netmiko passes
        is not needed: it was never given a secret. DeviceError for every way in which this can fail.
        """
        del theirs
        if self._transport is not None:
            return
        private = self._private_key()
        try:
            transport = self._negotiate()
            self._keys.check(self._endpoint, _host_key(transport))
            self._log_in(transport, username, private)
        except DeviceError:
            self.close()
            raise

    @property
    def identification(self) -> str:
        """How the server names itself (RFC 4253, section 4.2); empty while there is no connection."""
        return str(self._transport.remote_version) if self._transport is not None else ""

    def scan(self) -> HostKey:
        """The host key that the device shows now. No login is tried."""
        try:
            return _host_key(self._negotiate())
        finally:
            self.close()

    def invoke_shell(self, term: str, width: int, height: int) -> paramiko.Channel:
        """A terminal session."""
        channel = self.session("a terminal")
        with self._in_time("a terminal", self._endpoint.deadline):
            channel.get_pty(term=term, width=width, height=height)
            channel.invoke_shell()
        return channel

    def execute(self, command: str, deadline: Deadline) -> paramiko.Channel:
        """A channel on which the device runs one command."""
        channel = self.session("a command")
        with self._in_time("a command", deadline):
            channel.exec_command(command)
        return channel

    def session(self, what: str) -> paramiko.Channel:
        """A new channel."""
        transport = self._transport
        if transport is None or not transport.is_active():
            raise self._endpoint.lost("earlier")
        with self._in_time(what, self._endpoint.deadline):
            return transport.open_session(timeout=self._endpoint.deadline.left(self._endpoint) + 5)
        raise self._endpoint.lost(f"when {what} was asked for")

    def close(self) -> None:
        """
        Hang up. The reading thread is woken and awaited before the socket is closed: its file descriptor
        must not become another connection's while somebody still reads from it.
        """
        transport, sock, self._transport, self._sock = self._transport, self._sock, None, None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        if transport is not None:
            transport.packetizer.complete_handshake()  # ends a timer that would keep us from exiting
            if transport.is_alive():
                transport.join(CLOSE_SECONDS)
            transport.close()
        if sock is not None:
            sock.close()

    def _private_key(self) -> paramiko.PKey | None:
        """The user's key, if there is one: read before connecting, as a device need not hear of our typos."""
        path = self._credentials.key_file if self._credentials else ""
        if not path:
            return None
        try:
            return _read_key(path, self._credentials.password if self._credentials else "")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise self._endpoint.error("no-secret", f"needs the key file {path}: {reason}") from None

    def _negotiate(self) -> _Transport:
        """Connect and exchange keys; nothing is believed yet."""
        endpoint = self._endpoint
        self._sock = dial(endpoint)
        disabled = (
            None if endpoint.settings.legacy_crypto else {key: list(names) for key, names in OLD.items()}
        )
        self._transport = transport = _Transport(self._sock, disabled_algorithms=disabled)
        # Ours is the only clock: theirs must not run out first, with words that say less.
        transport.banner_timeout = transport.handshake_timeout = endpoint.deadline.left(endpoint) + 5
        _prefer(transport, self._keys.known(endpoint.label, endpoint.access, endpoint.address, endpoint.port))
        ready = threading.Event()
        transport.start_client(event=ready)
        if not ready.wait(endpoint.deadline.left(endpoint)):
            raise endpoint.deadline.missed(endpoint)
        if not transport.is_active():
            raise self._not_negotiated(transport.get_exception())
        transport.set_keepalive(KEEPALIVE_SECONDS)
        return transport

    def _not_negotiated(self, error: Exception | None) -> DeviceError:
        text = str(error or "")
        match error:
            case IncompatiblePeer():
                what = f"offers only old or unsafe cryptography ({text})"
                if not self._endpoint.settings.legacy_crypto:
                    what += ". If it cannot be updated, allow it for this host: legacy_crypto: true"
                return self._endpoint.error("crypto-refused", what)
            case paramiko.SSHException() if text.startswith("Signature verification"):
                return self._endpoint.error(
                    "host-key-changed",
                    "shows a host key and cannot prove that it is its own. Nothing was sent.",
                )
            case paramiko.SSHException() if text == "Error reading SSH protocol banner":
                return self._endpoint.error("unreachable", "accepts connections and closes them at once")
            case EOFError() | OSError() | None:
                return self._endpoint.error(
                    "unreachable", "accepts connections and drops them before a login"
                )
            case paramiko.SSHException() if "Connection reset" in text or "Broken pipe" in text:
                return self._endpoint.error("unreachable", "accepts connections and resets them at once")
            case _:
                return self._endpoint.error("not-understood", "does not speak SSH as we know it")

    def _log_in(self, transport: _Transport, username: str, private: paramiko.PKey | None) -> None:
        """Once: a second try with a wrong password can lock an account."""
        endpoint, password = self._endpoint, self._credentials.password if self._credentials else ""
        transport.auth_timeout = endpoint.deadline.left(endpoint)
        try:
            further = transport.auth_publickey(username, private) if private else ["password"]
            if further:
                transport.auth_password(username, password)
        except paramiko.BadAuthenticationType as error:
            raise endpoint.error(
                "access-denied",
                f"does not let {username!r} in this way; it offers: {', '.join(error.allowed_types)}",
            ) from None
        except paramiko.AuthenticationException as error:
            raise self._not_let_in(username, str(error)) from None
        except (paramiko.SSHException, EOFError, OSError):
            raise endpoint.lost("during the login") from None
        if not transport.is_authenticated():
            raise self._not_let_in(username, "")

    def _not_let_in(self, username: str, reason: str) -> DeviceError:
        if "timeout" in reason:
            return self._endpoint.deadline.missed(self._endpoint)
        if "EOF" in reason:
            return self._endpoint.lost("during the login")
        what = "key" if self._credentials and self._credentials.key_file else "password"
        return self._endpoint.error("access-denied", f"refused user {username!r} with this {what}")

    @contextlib.contextmanager
    def _in_time(self, what: str, deadline: Deadline) -> Iterator[None]:
        """
        paramiko waits without end for the answer to some requests; so the connection is cut when time is
        up, which ends the wait. Its errors become ours.
        """
        late = threading.Timer(deadline.left(self._endpoint), self._cut)
        late.daemon = True
        late.start()
        try:
            yield
        except (paramiko.SSHException, EOFError, OSError) as error:
            if deadline.remaining <= 0:
                raise deadline.missed(self._endpoint) from None
            if self._transport is not None and self._transport.is_active():
                reason = f"gives this user no {what.removeprefix('a ')}: {error}"
                raise self._endpoint.error("not-privileged", reason) from None
            raise self._endpoint.lost(f"when {what} was asked for") from None
        finally:
            late.cancel()

    def _cut(self) -> None:
        if (sock := self._sock) is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def _host_key(transport: paramiko.Transport) -> HostKey:
    shown = transport.get_remote_server_key()
    return HostKey(kind=shown.get_name(), data=shown.get_base64())


def _prefer(transport: _Transport, known: Iterable[HostKey]) -> None:
    """Ask first for the kinds of key that we know of this device (as ssh does): it may have several."""
    kinds = {key.kind for key in known}
    if "ssh-rsa" in kinds:  # one kind of key, three ways of signing with it
        kinds |= {"rsa-sha2-512", "rsa-sha2-256"}
    options = transport.get_security_options()
    options.key_types = tuple(sorted(options.key_types, key=lambda kind: kind not in kinds))


def _read_key(path: str, passphrase: str) -> paramiko.PKey:
    """The private key in a file; the passphrase is used where there is need of one."""
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        with contextlib.suppress(paramiko.SSHException, ValueError):
            return kind.from_private_key_file(path, password=passphrase or None)
    raise ValueError("not a private key that we can read, or encrypted, and password is not its passphrase")
