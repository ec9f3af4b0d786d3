"""
A router's software as an image that the kernel unpacks into memory: Debian's own programs and kernel.

Programs are copied from the packages installed here, with the libraries they need; the kernel is Debian's
for cloud machines, downloaded by apt-get and unpacked without being installed. An image is built once for
each set of package versions and kept.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sipalg_fix.lab.cpio import Archive

RECIPE = "4"
"""Changed when images built by an older version of this module must not be used any more."""
KERNEL = "linux-image-cloud-amd64"
PROGRAMS = {
    "/usr/sbin/sshd": "openssh-server",
    "/usr/sbin/nft": "nftables",
    "/usr/sbin/conntrack": "conntrack",
    "/usr/sbin/xtables-nft-multi": "iptables",
    "/usr/bin/kmod": "kmod",
    "/usr/sbin/sysctl": "procps",
    "/usr/bin/bash": "bash",
    "/usr/bin/busybox": "busybox-static",
}
"""What is copied, by the package that it comes from; ``sftp-server`` is built into sshd."""
_ELSEWHERE = {"/usr/bin/kmod": "/bin/kmod", "/usr/bin/bash": "/bin/bash", "/usr/bin/busybox": "/bin/busybox"}
_LINKS = {
    "/usr/bin/kmod": ("/sbin/modprobe", "/sbin/rmmod", "/sbin/lsmod", "/sbin/modinfo", "/sbin/insmod"),
    "/usr/sbin/xtables-nft-multi": tuple(
        f"/usr/sbin/{family}{tool}"
        for family in ("iptables", "ip6tables")
        for tool in ("", "-save", "-restore")
    ),
    "/usr/bin/bash": ("/bin/bash",),
}
_MODULES = (
    "kernel/net/netfilter",
    "kernel/net/ipv4/netfilter",
    "kernel/net/ipv6/netfilter",
    "kernel/drivers/virtio",
    "kernel/drivers/net/virtio_net.ko",
    "kernel/drivers/net/net_failover.ko",
    "kernel/drivers/block/virtio_blk.ko",
    "kernel/net/core/failover.ko",
    "kernel/fs/ext4",
    "kernel/fs/jbd2",
    "kernel/fs/mbcache.ko",
    "kernel/fs/overlayfs",
    "kernel/lib/libcrc32c.ko",
    "kernel/lib/crc16.ko",
    "kernel/crypto/crc32c_generic.ko",
    "kernel/arch/x86/crypto/crc32c-intel.ko",
)
_INITTAB = """\
::sysinit:/etc/init.d/boot
::respawn:/usr/sbin/sshd -D -e
::ctrlaltdel:/sbin/reboot
::shutdown:/bin/sync
"""
_BOOT = """\
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /run /tmp
mount -t devpts devpts /dev/pts
mount -t tmpfs run /run
mkdir -m 755 /run/sshd
for module in virtio_pci virtio_blk virtio_net ext4 overlay; do modprobe $module; done
mount -t ext4 /dev/vda /disk
for place in etc root; do
  mkdir -p /disk/$place /disk/.work-$place
  mount -t overlay overlay -o lowerdir=/$place,upperdir=/disk/$place,workdir=/disk/.work-$place /$place
done
hostname -F /etc/hostname
while read -r module; do [ -z "$module" ] || modprobe -b "$module"; done < /etc/modules
ip link set lo up
ip address add 10.0.2.15/24 dev eth0
ip link set eth0 up
ip route add default via 10.0.2.2
sysctl -q -p /etc/sysctl.conf
[ ! -e /etc/nftables.conf ] || nft -f /etc/nftables.conf
"""
RULES = """\
#!/usr/sbin/nft -f

flush ruleset

table ip nat {
	chain post {
		type nat hook postrouting priority srcnat; policy accept;
		oifname "eth0" masquerade
	}
}
table ip alg {
	ct helper sip-udp {
		type "sip" protocol udp
		l3proto ip
	}

	ct helper sip-tcp {
		type "sip" protocol tcp
		l3proto ip
	}

	chain pre {
		type filter hook prerouting priority filter; policy accept;
		udp dport 5060 ct helper set "sip-udp"
		tcp dport 5060 ct helper set "sip-tcp"
	}
}
"""
_FILES = {
    "/etc/inittab": _INITTAB,
    "/etc/nftables.conf": RULES,
    "/etc/modules": "nf_nat_sip\n",
    "/etc/sysctl.conf": "net.ipv4.ip_forward=1\n",
    "/etc/hostname": "router\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files\n",
    "/etc/ssh/sshd_config": (
        "HostKey /etc/ssh/ssh_host_ed25519_key\nAuthorizedKeysFile /etc/ssh/authorized_keys\n"
        "PermitRootLogin yes\nUsePAM no\nUseDNS no\nStrictModes no\nPidFile none\nPrintMotd no\n"
        "SetEnv PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """``kernel`` is bootable; ``root`` is a compressed archive, to which others may be appended."""

    kernel: Path
    root: Path


def missing() -> str:
    """The Debian packages that are needed here and are not installed; empty if none."""
    wanted = {package for path, package in PROGRAMS.items() if not _source(path).exists()}
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return "a Debian system with apt"
    wanted |= {"kmod"} if shutil.which("depmod") is None else set()
    return " ".join(sorted(wanted))


def _source(path: str) -> Path:
    here = Path(path)
    return here if here.exists() else Path(_ELSEWHERE.get(path, path))


def image(cache: Path) -> Image:
    """The image for the package versions of this machine, built if it is not in ``cache``. OSError."""
    package = _kernel_package()
    versions = _run("dpkg-query", "-W", "-f", "${Package} ${Version}\n", *set(PROGRAMS.values()))
    key = hashlib.sha256(f"{RECIPE}\n{package}\n{''.join(sorted(versions))}".encode()).hexdigest()[:16]
    place = cache / key
    if not place.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as making:
            made = Path(making) / "image"
            made.mkdir()
            _build(made, package, Path(making))
            made.rename(place)
    return Image(kernel=place / "vmlinuz", root=place / "root.cpio.gz")


def _run(*command: str, directory: Path | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=directory)
    if done.returncode != 0:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def _kernel_package() -> str:
    found = re.search(r"Depends: (linux-image-\S+)", _run("apt-cache", "depends", KERNEL))
    if found is None:
        raise OSError(f"apt knows no kernel package behind {KERNEL}; try apt-get update")
    return found.group(1)


def _build(made: Path, package: str, scratch: Path) -> None:
    _run("apt-get", "download", package, directory=scratch)
    (archive,) = scratch.glob("*.deb")
    unpacked = scratch / "kernel"
    _run("dpkg-deb", "-x", str(archive), str(unpacked))
    release = package.removeprefix("linux-image-")
    shutil.copy(unpacked / f"boot/vmlinuz-{release}", made / "vmlinuz")
    root = Archive()
    _add_programs(root)
    _add_modules(root, unpacked, release)
    for directory in ("/proc", "/sys", "/dev", "/disk", "/var/lib", "/usr/local/bin", "/etc/modprobe.d"):
        root.directory(directory)
    root.directory("/root", 0o700)
    for path, text in _FILES.items():
        root.file(path, text)
    root.file("/etc/init.d/boot", _BOOT, 0o755)
    root.copy(Path("/etc/os-release"), "/etc/os-release")
    (made / "root.cpio.gz").write_bytes(gzip.compress(root.packed(), 6, mtime=0))


def _add_programs(root: Archive) -> None:
    libraries: set[str] = set()
    for path in PROGRAMS:
        source = _source(path)
        root.copy(source, path)
        for link in _LINKS.get(path, ()):
            root.link(link, path)
        if path != "/usr/bin/busybox":
            libraries |= set(re.findall(r"(?:=> )?(/\S+\.so\S*) \(0x", _run("ldd", str(source))))
    extensions = next(iter(Path("/usr/lib").glob("*/xtables")), None)
    if extensions is not None:
        for each in sorted(extensions.glob("lib*t_*.so")):
            root.copy(each, str(each))
    for library in sorted(libraries):
        root.copy(Path(library), library)
    taken = {path.rpartition("/")[2] for links in _LINKS.values() for path in links}
    taken |= {path.rpartition("/")[2] for path in PROGRAMS}
    for applet in _run(str(_source("/usr/bin/busybox")), "--list-full").split():
        name = applet.rpartition("/")[2]
        if name not in taken:
            root.link(f"/{applet}", "/usr/bin/busybox")


def _add_modules(root: Archive, unpacked: Path, release: str) -> None:
    _run("depmod", "-b", str(unpacked), release)
    here = unpacked / "lib/modules" / release
    for wanted in _MODULES:
        found = here / wanted
        files = sorted(found.rglob("*.ko")) if found.is_dir() else [found]
        for each in files:
            if each.exists():
                root.copy(each, f"/lib/modules/{release}/{each.relative_to(here)}")
    for each in sorted(here.glob("modules.*")):
        root.copy(each, f"/lib/modules/{release}/{each.name}")
