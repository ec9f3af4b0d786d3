"""lsmod, modprobe, rmmod and modinfo of kmod 30, and what /etc/modprobe.d does to them; as recorded."""

from __future__ import annotations

import re

from sipalg_fix.lab.shell.files import FileSystem
from sipalg_fix.lab.shell.run import Call
from sipalg_fix.lab.twins.linux.kernel import MODULES, Kernel, ModuleInUse

_LISTED = "libkmod: ERROR ../libkmod/libkmod-module.c:"


def settings(files: FileSystem) -> tuple[set[str], dict[str, str]]:
    """(blacklisted modules, install commands by module) of /etc/modprobe.d."""
    blacklist: set[str] = set()
    install: dict[str, str] = {}
    for path in files.below("/etc/modprobe.d"):
        if not path.endswith(".conf"):
            continue
        for line in files.read(path).splitlines():
            words = line.split(maxsplit=2)
            if words[:1] == ["blacklist"] and len(words) > 1:
                blacklist.add(words[1].replace("-", "_"))
            elif words[:1] == ["install"] and len(words) > 2:
                install[words[1].replace("-", "_")] = words[2]
    return blacklist, install


def load_on_demand(module: str, files: FileSystem, kernel: Kernel) -> bool:
    """What the kernel does when a rule needs a module: an install command can keep it away."""
    if kernel.has(module):
        return True
    if kernel.modules_disabled or module in settings(files)[1]:
        return False
    kernel.load(module)
    return True


def load_at_boot(files: FileSystem, kernel: Kernel) -> None:
    """/etc/modules and /etc/modules-load.d, blacklists obeyed (modules-load.d(5))."""
    blacklist, install = settings(files)
    for path in ["/etc/modules", *files.below("/etc/modules-load.d")]:
        if not files.exists(path) or files.is_dir(path):
            continue
        for line in files.read(path).splitlines():
            name = line.strip().replace("-", "_")
            kept_away = {name, *MODULES[name].needs} & set(install) if name in MODULES else set()
            if name in MODULES and name not in blacklist and not kept_away:
                kernel.load(name)


def proc_modules(kernel: Kernel) -> str:
    """/proc/modules: the newest first."""
    text = ""
    for number, name in enumerate(reversed(kernel.loaded)):
        holders = "".join(f"{each}," for each in reversed(kernel.holders(name))) or "-"
        address = 0xFFFFFFFFC0352000 - number * 0xC000
        text += f"{name} {MODULES[name].size} {kernel.uses(name)} {holders} Live 0x{address:016x}\n"
    return text


def lsmod(call: Call, kernel: Kernel) -> int:
    """The table of loaded modules."""
    if not kernel.loadable:
        call.err(
            f"{_LISTED}1725 kmod_module_new_from_loaded: could not open /proc/modules: "
            "No such file or directory\n"
            "Error: could not get list of modules: No such file or directory\n"
        )
        return 1
    call.out(f"{'Module':<19} {'Size':>8}  Used by\n")
    for name in reversed(kernel.loaded):
        holders = ",".join(kernel.holders(name))
        line = f"{name:<19} {MODULES[name].size:>8}  {kernel.uses(name)} {holders}"
        call.out(line.rstrip() + "\n")
    return 0


def rmmod(call: Call, kernel: Kernel) -> int:
    """Each module that is named, without what it needs."""
    status = 0
    for name in call.arguments[1:]:
        error = _removed(call, kernel, name.replace("-", "_"), "rmmod")
        if error:
            call.err(f"rmmod: ERROR: {error}\n")
            status = 1
    return status


def _removed(call: Call, kernel: Kernel, name: str, tool: str) -> str:
    """Remove one; the rest of the error line if it cannot be."""
    if name not in kernel.loaded:
        return f"Module {name} is not currently loaded"
    holders = kernel.holders(name)
    if holders or kernel.uses(name):
        by = f" by: {' '.join(holders)}" if holders else ""
        return f"Module {name} is in use{by}"
    if call.process.user != "root" or kernel.modules_disabled:
        call.err(
            f"{tool}: ERROR: ../libkmod/libkmod-module.c:856 kmod_module_remove_module() "
            f"could not remove '{name}': Operation not permitted\n"
        )
        return f"could not remove module {name}: Operation not permitted"
    if kernel.chassis.switches.refuse_writes:
        return f"could not remove module {name}: Resource temporarily unavailable"
    kernel.unload(name)
    kernel.chassis.wrote()
    return ""


def modprobe(call: Call, kernel: Kernel) -> int:
    """``-r`` removes, with what is used by nothing else then; ``-b`` obeys blacklists."""
    flags = {letter for each in call.arguments[1:] if each.startswith("-") for letter in each.lstrip("-")}
    names = [each.replace("-", "_") for each in call.arguments[1:] if not each.startswith("-")]
    if not flags <= set("rbqva") or not names:
        call.err("modprobe: ERROR: missing parameters. See -h.\n")
        return 1
    work = _probe_out if "r" in flags else _probe_in
    return max(work(call, kernel, name, flags) for name in names)


def _unknown(call: Call, kernel: Kernel, name: str, *, remove: bool) -> bool:
    if name in MODULES and kernel.loadable:
        return False
    where = "." if remove else f" in directory /lib/modules/{kernel.release}"
    call.err(f"modprobe: FATAL: Module {name} not found{where}\n")
    return True


def _probe_out(call: Call, kernel: Kernel, name: str, flags: set[str]) -> int:
    if _unknown(call, kernel, name, remove=True):
        return 1
    if name not in kernel.loaded:
        return 0
    if kernel.uses(name):
        call.err(f"modprobe: FATAL: Module {name} is in use.\n")
        return 1
    if _removed(call, kernel, name, "modprobe"):
        return 1
    for needed in MODULES[name].needs:
        try:
            kernel.unload(needed)
        except (ModuleInUse, KeyError):
            continue
    return 0


def _probe_in(call: Call, kernel: Kernel, name: str, flags: set[str]) -> int:
    if _unknown(call, kernel, name, remove=False):
        return 1
    if name in kernel.loaded:
        return 0
    blacklist, install = settings(call.files)
    if "b" in flags and name in blacklist:
        return 0
    for each in (*MODULES[name].needs, name):
        command = install.get(each, "")
        if each in kernel.loaded or not command:
            continue
        if re.fullmatch(r"\S*/true", command):
            return 0
        call.err(
            "modprobe: ERROR: ../libkmod/libkmod-module.c:1047 command_do() "
            f"Error running install command '{command}' for module {each}: retcode 1\n"
            f"modprobe: ERROR: could not insert '{name}': Invalid argument\n"
        )
        return 1
    if call.process.user != "root" or kernel.modules_disabled:
        call.err(f"modprobe: ERROR: could not insert '{name}': Operation not permitted\n")
        return 1
    kernel.load(name)
    kernel.chassis.wrote()
    return 0


def modinfo(call: Call, kernel: Kernel) -> int:
    """The few lines that scripts look at."""
    status = 0
    for name in call.arguments[1:]:
        if name not in MODULES or not kernel.loadable:
            call.err(f"modinfo: ERROR: Module {name} not found.\n")
            status = 1
            continue
        call.out(
            f"filename:       /lib/modules/{kernel.release}/kernel/net/netfilter/{name}.ko\n"
            f"license:        GPL\n"
            f"depends:        {','.join(MODULES[name].needs)}\n"
            f"intree:         Y\n"
            f"name:           {name}\n"
            f"vermagic:       {kernel.release} SMP preempt mod_unload modversions \n"
        )
    return status
