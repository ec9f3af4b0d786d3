"""
A real OpenSSH server, with files of its own, inside a network namespace of the lab.

The server and everything started through it see a private /etc, /root, /run and /tmp and cannot write
anything else of this machine: the root file system is mounted read-only for them, and they may not load
or unload kernel modules, set the time, or change kernel parameters outside ``net``. They are a process
family of their own, and the whole family ends when the server is stopped or this process ends in whatever
way; ``reboot -f`` there ends the family too, and nothing else.

Needs the Debian packages openssh-server and util-linux, and to be root, in ``unshare -Urnm`` at least.
"""

from __future__ import annotations

import ctypes
import platform
import secrets
import select
import shutil
import socket
import struct
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from sipalg_fix.lab.netns import Namespace

_START_SECONDS = 20.0
_KEPT_OF_ETC = ("alternatives", "ld.so.cache", "protocols", "services", "debian_version", "os-release")
_CONFIG = """\
ListenAddress {address}
Port 22
HostKey /etc/ssh/ssh_host_ed25519_key
AuthorizedKeysFile /etc/ssh/authorized_keys
PermitRootLogin yes
PasswordAuthentication yes
UsePAM no
UseDNS no
StrictModes no
PidFile none
PrintMotd no
LogLevel VERBOSE
MaxStartups 100
SetEnv PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
Subsystem sftp internal-sftp
"""
# $1 is the directory with the private files; $2 tells whether the rest of the machine must be made
# read-only (an unprivileged user's own namespace may not, and cannot write there anyway).
_INIT = """\
set -e
hostname router
mount --bind "$1/etc" /etc
mount --bind "$1/root" /root
if [ "$2" = 1 ]; then mount -o remount,bind,ro /; fi
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/tmp
mount -t tmpfs tmpfs /tmp
mkdir -m 755 /run/sshd
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount --bind /proc/sys/net /proc/sys/net
mount -o remount,bind,rw /proc/sys/net
if [ -e /proc/sysrq-trigger ]; then mount --bind /dev/null /proc/sysrq-trigger; fi
if [ -e /etc/nftables.conf ]; then nft -f /etc/nftables.conf || true; fi
setpriv --bounding-set=-sys_module,-sys_time,-sys_rawio,-mknod /usr/sbin/sshd -D -e </dev/null >/dev/null &
echo up
exec cat >/dev/null
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SshDoor:
    """How to log in to something real in the lab."""

    host: str
    port: int
    user: str
    password: str
    key_file: Path
    """An unencrypted OpenSSH private key that is let in."""
    host_key: str
    """The server's key as in a known_hosts file, without the names: ``ssh-ed25519 AAAA...``."""

    @property
    def known_hosts(self) -> str:
        """The line for a known_hosts file."""
        return f"[{self.host}]:{self.port} {self.host_key}\n"


def new_key(path: Path) -> str:
    """Make an ed25519 key pair, ``path`` and ``path``.pub; the public half as ``ssh-ed25519 AAAA...``."""
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", str(path)],
        check=True,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    return " ".join(path.with_name(path.name + ".pub").read_text().split()[:2])


def crypted(password: str) -> str:
    """The password as /etc/shadow has it (SHA-512, by the system's own libcrypt)."""
    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype = ctypes.c_char_p
    found: bytes | None = crypt(password.encode(), b"$6$" + secrets.token_hex(8).encode())
    if found is None:
        raise OSError("libcrypt knows no SHA-512 passwords")
    return found.decode()


class Sshd:
    """
    The server; :meth:`start` waits until it answers. ``directory`` keeps /etc and /root between starts.

    Each start is like a boot: /etc/nftables.conf, if it is there, is loaded first.
    """

    def __init__(self, directory: Path, namespace: Namespace, address: str) -> None:
        self.etc = directory / "etc"
        self.password = secrets.token_urlsafe(9)
        self.key_file = directory / "user_key"
        self._directory = directory
        self._namespace = namespace
        self._address = address
        self._family: subprocess.Popen[str] | None = None
        (self.etc / "ssh").mkdir(parents=True)
        (directory / "root").mkdir(mode=0o700)
        self._write_etc()
        self.host_key = new_key(self.etc / "ssh/ssh_host_ed25519_key")
        (self.etc / "ssh/authorized_keys").write_text(new_key(self.key_file) + "\n")

    def _write_etc(self) -> None:
        for name in _KEPT_OF_ETC:
            found = Path("/etc", name)
            if found.is_dir():
                shutil.copytree(found, self.etc / name, symlinks=True)
            elif found.exists():
                shutil.copy(found, self.etc / name)
        # Where only one user id exists, the server's unprivileged half has to be that one.
        sshd = 0 if _is_restricted() else 65533
        shell = "/bin/bash" if Path("/bin/bash").exists() else "/bin/sh"
        files = {
            "passwd": f"root:x:0:0:root:/root:{shell}\nsshd:x:{sshd}:{sshd}::/run/sshd:/usr/sbin/nologin\n",
            "group": f"root:x:0:\nsshd:x:{sshd}:\n",
            "shadow": f"root:{crypted(self.password)}:19000:0:99999:7:::\nsshd:*:19000:0:99999:7:::\n",
            "nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files\n",
            "hosts": "127.0.0.1 localhost\n127.0.1.1 router\n",
            "hostname": "router\n",
            "ssh/sshd_config": _CONFIG.format(address=self._address),
        }
        for name, text in files.items():
            (self.etc / name).write_text(text)
        (self.etc / "shadow").chmod(0o600)
        for name in ("modprobe.d", "sysctl.d", "iptables"):
            (self.etc / name).mkdir()
        # What start() does is what the service would do, so it says of itself that it is enabled.
        wanted = self.etc / "systemd/system/sysinit.target.wants"
        wanted.mkdir(parents=True)
        (wanted / "nftables.service").symlink_to("/lib/systemd/system/nftables.service")

    def start(self) -> None:
        """Start the family and wait for the SSH banner. OSError, with the server's log, if none comes."""
        thread = threading.Thread(target=self._spawn)
        thread.start()
        thread.join()
        if self._family is None or self._family.stdout is None:
            raise OSError("the SSH server's process could not be started")
        heard, _, _ = select.select([self._family.stdout], [], [], _START_SECONDS)
        if not heard or self._family.stdout.readline() != "up\n":
            self.stop()
            raise OSError(f"the SSH server's surroundings could not be made:\n{self.log()}")
        self._await_banner()

    def _spawn(self) -> None:
        # In a thread of its own: the namespace and the system call filter are the thread's, and go with it.
        with self._namespace.inside():
            if _is_restricted():
                _pretend_setgroups()
            command = [
                "unshare",
                "--mount",
                "--uts",
                "--ipc",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
            ]
            command += ["/bin/sh", "-c", _INIT, "init", str(self._directory), "01"[not _is_restricted()]]
            self._family = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=(self._directory / "sshd.log").open("ab"),
                text=True,
            )

    def _await_banner(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            with self._namespace.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
                client.settimeout(_START_SECONDS)
                if client.connect_ex((self._address, 22)) == 0 and client.recv(4) == b"SSH-":
                    return
            time.sleep(0.02)
        self.stop()
        raise OSError(f"the SSH server did not answer in {_START_SECONDS:g} s:\n{self.log()}")

    @property
    def process(self) -> int:
        """The process that the family hangs on; OSError if the server is not running."""
        if self._family is None:
            raise OSError("the SSH server is not running")
        return self._family.pid

    def stop(self) -> None:
        """End the server and everything that was started through it."""
        if self._family is None:
            return
        with self._family as family:
            if family.stdin is not None:
                family.stdin.close()
            try:
                family.wait(timeout=5)
            except subprocess.TimeoutExpired:
                family.kill()
        self._family = None

    def log(self) -> str:
        """What the server has written to its log so far."""
        path = self._directory / "sshd.log"
        return path.read_text(errors="replace") if path.exists() else ""


def _is_restricted() -> bool:
    """Are we in a user namespace in which not all user ids exist?"""
    return Path("/proc/self/uid_map").read_text().split()[2] != "4294967295"


def _pretend_setgroups() -> None:
    """
    Make setgroups(2) do nothing and succeed, for this thread and the processes it starts.

    An unprivileged user namespace forbids the call (user_namespaces(7)), and sshd gives up without it.
    """
    number = {"x86_64": 116, "aarch64": 159}[platform.machine()]
    program = b"".join(
        struct.pack("=HBBI", *line)
        for line in (
            (0x20, 0, 0, 0),  # load the number of the system call
            (0x15, 0, 1, number),
            (0x06, 0, 0, 0x00050000),  # SECCOMP_RET_ERRNO, no error
            (0x06, 0, 0, 0x7FFF0000),  # SECCOMP_RET_ALLOW
        )
    )
    held = ctypes.create_string_buffer(program, len(program))
    filter_ = struct.pack("HxxxxxxP", 4, ctypes.addressof(held))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(38, 1, 0, 0, 0) != 0 or prctl(22, 2, ctypes.c_char_p(filter_), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no system call filter could be set")
