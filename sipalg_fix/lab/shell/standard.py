"""A box with everything that this shell package has, where Debian has it."""

from __future__ import annotations

from collections.abc import Callable

from sipalg_fix.lab.shell.builtins import builtins
from sipalg_fix.lab.shell.files import FileSystem
from sipalg_fix.lab.shell.paths import path_programs
from sipalg_fix.lab.shell.process import Dialect
from sipalg_fix.lab.shell.processes import process_programs
from sipalg_fix.lab.shell.sed import sed_programs
from sipalg_fix.lab.shell.text import text_programs
from sipalg_fix.lab.shell.userland import Userland
from sipalg_fix.lab.twin import Chassis

_DIRECTORIES = (
    "/etc",
    "/root",
    "/tmp",
    "/run",
    "/var/lib",
    "/var/tmp",
    "/var/log",
    "/home",
    "/usr/local/bin",
    "/proc",
    "/dev",
)


def furnished(
    chassis: Chassis, dialect: Dialect, user_ids: dict[str, int], go_down: Callable[[], None]
) -> Userland:
    """Its file system tells the chassis of every change; ``user_ids`` are all accounts, root among them."""
    files = FileSystem(now=lambda: chassis.now, wrote=chassis.wrote)
    for directory in _DIRECTORIES:
        files.make_dirs(directory)
    for path in ("/tmp", "/var/tmp"):
        files.set_mode(path, 0o777)
    files.set_mode("/root", 0o700)
    for user in user_ids:
        if user != "root":
            files.make_dirs(f"/home/{user}")
            files.nodes[f"/home/{user}"].owner = user
    files.put("/dev/null", "", 0o666)
    box = Userland(chassis=chassis, files=files, dialect=dialect, go_down=go_down)
    box.builtins.update(builtins(box))
    programs = text_programs() | sed_programs() | path_programs() | process_programs(box, user_ids)
    box.install(programs, "/usr/bin", "/bin")
    chassis.writes = 0
    return box
