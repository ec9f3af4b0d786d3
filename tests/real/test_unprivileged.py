"""
The real kernel ALG without root: a sample of the paths, as a user who has no right to anything, in a user
namespace of that user's own.

Root becomes nobody for it; whoever is no root already stays who that is.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.real.conftest import need

pytestmark = [pytest.mark.root, pytest.mark.long]

ROOT = Path(__file__).parents[2]
NOBODY = 65534
PATHS = "tests/real/test_probe_paths.py"
SAMPLE = (
    *(f"{PATHS}::test_a_path_is_called_what_it_is[{name}]" for name in (
        "plain-NAT", "kernel-ALG", "kernel-ALG-without-NAT", "double-NAT,-ALG-outside",
        "IPv6-kernel-ALG,-NAT66", "replies-blocked", "SDP-only",
    )),
    f"{PATHS}::test_old_flows_are_told_from_new_ones",
    f"{PATHS}::test_a_tcp_connection_is_old_only_while_it_stands",
    "tests/real/test_server_probe.py::test_the_kernel_alg_is_found[one-NAT]",
    "tests/real/test_trace.py::test_it_needs_no_privilege",
)  # fmt: skip
BECOME_NOBODY = """\
set -e
mount -t tmpfs tmpfs /run
mkdir /run/python /run/packages /run/project
mount --bind "$1" /run/python
mount --bind "$2" /run/packages
mount --bind "$3" /run/project
shift 3
cd /run/project
exec setpriv --reuid NOBODY --regid NOBODY --clear-groups --bounding-set=-all --inh-caps=-all "$@"
""".replace("NOBODY", str(NOBODY))
"""Nobody may not look into root's home, where Python or the project may be: they are shown elsewhere."""
INSIDE = """\
set -e
cat /proc/self/uid_map
mount -t tmpfs tmpfs /tmp
mkdir /tmp/home
exec "$@"
"""


def as_nobody(*words: str) -> subprocess.CompletedProcess[str]:
    """Run Python with these words in a user namespace that somebody without rights made."""
    python = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    places = [sys.base_prefix, sysconfig.get_path("purelib"), str(ROOT)]
    inside = ["unshare", "-Urnm", "sh", "-c", INSIDE, "sh"]
    home = {"HOME": "/tmp/home", "TMPDIR": "/tmp", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    env = {**home, "PYTHONDONTWRITEBYTECODE": "1", "CI": "true", "SOAK": "1", "TEST_REPORTS": "/tmp/reports"}
    if os.getuid() == 0:
        command = [
            "unshare",
            "-m",
            "sh",
            "-c",
            BECOME_NOBODY,
            "sh",
            *places,
            *inside,
            f"/run/python/bin/{python}",
        ]
        env |= {"PYTHONPATH": "/run/project:/run/packages", "LD_LIBRARY_PATH": "/run/python/lib"}
    else:
        command = [*inside, sys.executable]
    return subprocess.run(
        [*command, *words], cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=300
    )


def test_the_kernel_alg_is_tried_by_somebody_without_rights() -> None:
    """What a namespace, NAT, the ALG and the probe need, a user namespace has; no right of root's is left."""
    tried = as_nobody("-c", "import os; print('ready', os.getuid())")
    need("" if tried.returncode == 0 else f"user namespaces for users without rights: {tried.stderr.strip()}")
    inside, outside, count = tried.stdout.split()[:3]
    assert (inside, count) == ("0", "1")
    assert int(outside) == (NOBODY if os.getuid() == 0 else os.getuid())
    assert "ready 0" in tried.stdout

    done = as_nobody("-m", "pytest", "--basetemp", "/tmp/tests", "-m", "", *SAMPLE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(SAMPLE)} passed" in done.stdout
