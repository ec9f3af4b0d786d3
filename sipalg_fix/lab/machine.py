"""
A virtual machine that is a router: Debian's kernel and programs in QEMU, with real modules and real boots.

What is in /etc and /root survives a boot, on a disk of its own; all else is in memory. At boot it loads
the modules of /etc/modules and the rules of /etc/nftables.conf. It can be reached by SSH through a port on
loopback and can reach nothing itself.

Needs the Debian packages qemu-system-x86 and e2fsprogs besides those of :mod:`sipalg_fix.lab.image`. It
is emulated on purpose (``-accel tcg``): a /dev/kvm that is there may not work.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from sipalg_fix.lab.cpio import Archive
from sipalg_fix.lab.image import image, missing
from sipalg_fix.lab.sshd import SshDoor, crypted, new_key

QEMU = "qemu-system-x86_64"
BOOT_SECONDS = 420.0
"""How long a boot may take: 9 seconds on an idle machine, 100 were seen on a busy one."""
_DISK_BYTES = 32 * 1024 * 1024
_PROGRAMS = {QEMU: "qemu-system-x86", "mkfs.ext4": "e2fsprogs", "ssh-keygen": "openssh-client"}


def availability() -> str:
    """An empty string if a machine can be made here, otherwise what is missing, for people."""
    if not sys.platform.startswith("linux"):
        return "the virtual machine needs Linux"
    wanted = {package for program, package in _PROGRAMS.items() if shutil.which(program) is None}
    wanted |= set(missing().split()) if "Debian" not in missing() else set()
    if "Debian" in missing():
        return f"the virtual machine needs {missing()}"
    return f"programs are missing: apt-get install {' '.join(sorted(wanted))}" if wanted else ""


class Machine:
    """
    The machine, for use with ``with``: it is up when the block begins. Errors are OSError.

    ``directory`` must exist, and keeps the machine's disk and console; the same directory again is the
    same machine, with other keys. ``cache`` is where images are kept. ``memory`` is in MiB.
    """

    def __init__(self, directory: Path, cache: Path = Path("build/machine"), *, memory: int = 256) -> None:
        self.directory = directory
        self._cache = cache
        self._memory = memory
        self._qemu: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Machine:
        disk = self.directory / "disk"
        if not disk.exists():
            with disk.open("wb") as made:
                made.truncate(_DISK_BYTES)
            _run("mkfs.ext4", "-q", "-F", str(disk))
        made_image = image(self._cache)
        root = self.directory / "root.cpio.gz"
        root.write_bytes(made_image.root.read_bytes() + self._own_files())
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.ssh = SshDoor(
            host="127.0.0.1",
            port=port,
            user="root",
            password=self._password,
            key_file=self.directory / "user_key",
            host_key=self._host_key,
        )
        self._start(made_image.kernel, root, disk)
        try:
            self.wait_up()
        except OSError:
            self.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Pull the plug."""
        if self._qemu is None:
            return
        with self._qemu as qemu:
            if qemu.stdin is not None:
                qemu.stdin.close()
            qemu.wait()
        self._qemu = None

    def _own_files(self) -> bytes:
        """Keys and passwords of this machine, as an archive to append to the image."""
        self._password = secrets.token_urlsafe(9)
        for name in ("host_key", "host_key.pub", "user_key", "user_key.pub"):
            (self.directory / name).unlink(missing_ok=True)
        self._host_key = new_key(self.directory / "host_key")
        files = Archive()
        files.copy(self.directory / "host_key", "/etc/ssh/ssh_host_ed25519_key")
        files.file("/etc/ssh/authorized_keys", new_key(self.directory / "user_key") + "\n")
        hashed = crypted(self._password)
        for path, text, mode in (
            (
                "/etc/passwd",
                "root:x:0:0:root:/root:/bin/bash\nsshd:x:74:74::/run/sshd:/bin/false\n"
                "user:x:1000:1000::/tmp:/bin/bash\n",
                0o644,
            ),
            ("/etc/group", "root:x:0:\ntty:x:5:\nsshd:x:74:\nuser:x:1000:\n", 0o644),
            (
                "/etc/shadow",
                f"root:{hashed}:19000:0:99999:7:::\nsshd:*:19000:0:99999:7:::\n"
                f"user:{hashed}:19000:0:99999:7:::\n",
                0o600,
            ),
        ):
            files.file(path, text, mode)
        return files.packed()

    def _start(self, kernel: Path, root: Path, disk: Path) -> None:
        forward = f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{self.ssh.port}-10.0.2.15:22"
        command = [sys.executable, "-m", "sipalg_fix.lab.leash", QEMU]
        # A reset of q35 takes 13 s, one of the default machine 20.
        command += ["-machine", "q35", "-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", str(self._memory)]
        command += ["-nodefaults", "-no-user-config", "-display", "none"]
        command += ["-kernel", str(kernel), "-initrd", str(root)]
        command += ["-append", "console=ttyS0 quiet rdinit=/sbin/init panic=-1"]
        command += ["-serial", f"file:{self.directory / 'console.log'}"]
        command += ["-drive", f"file={disk},format=raw,if=none,id=disk"]
        command += ["-device", "virtio-blk-pci,drive=disk"]
        command += ["-netdev", forward, "-device", "virtio-net-pci,netdev=net"]
        self._qemu = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=(self.directory / "qemu.log").open("wb"),
        )

    def wait_up(self, seconds: float = BOOT_SECONDS) -> None:
        """
        Wait until the SSH server says something. OSError, with the end of the console, if it does not.

        Right after a reboot was told, that may still be the old boot's server: compare boot ids.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._qemu is None or self._qemu.poll() is not None:
                log = (self.directory / "qemu.log").read_text(errors="replace")
                raise OSError(f"the virtual machine is not running: {log}")
            # QEMU takes connections before anything listens behind them, so only a banner counts.
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.ssh.port), 5) as client,
            ):
                client.settimeout(5)
                if client.recv(4) == b"SSH-":
                    return
            time.sleep(0.1)
        raise OSError(f"the virtual machine did not answer in {seconds:g} s:\n{self.console()[-2000:]}")

    def console(self) -> str:
        """What the machine has written to its console."""
        path = self.directory / "console.log"
        return path.read_text(errors="replace") if path.exists() else ""


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
