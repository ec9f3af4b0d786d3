"""
EdgeOS: the lines that change something, and how each is seen to be refused.

Texts: vyatta-cfg as Ubiquiti ships it; recorded from a Vyatta CLI, 2026-11. A configure session that
ends without ``commit`` leaves nothing behind: its candidate is its own and goes with the shell.
"""

from __future__ import annotations

from dataclasses import replace

from sipalg_fix.drivers.ubiquiti_edgeos.config import set_line
from sipalg_fix.drivers.ubiquiti_edgeos.probes import ACCESS, DISABLE
from sipalg_fix.model.session import Answer, Command
from sipalg_fix.model.step import Step, Tell

IN_CONFIGURE, IN_OPERATION = r"@[^:\s]+#\s*$", r"@[^:\s]+:\S*[$#]\s*$"
"""``ubnt@edge# `` and ``ubnt@edge:~$ ``: prompts."""


def tell(
    line: str,
    *refusals: str,
    tolerates: tuple[str, ...] = (),
    expects: str = "",
    prompt: str = "",
    cuts: bool = False,
    code: str = "command-refused",
    answers: tuple[Answer, ...] = (),
) -> Tell:
    """A line for the command line; a slow box takes half a minute for a commit (Vyatta capture)."""
    return Tell(
        command=Command(access=ACCESS, text=line, answers=answers, seconds=120),
        refusals=refusals,
        tolerates=tolerates,
        expects=expects,
        prompt=prompt,
        cuts=cuts,
        code=code,
    )


NO_CHANGE = "No configuration changes to commit"
COMMIT_REFUSALS = ("(?P<config_locked>temporarily locked)", "is in use", "Commit failed", r"\bfailed\b")
# On a full disk 'configure' complains and stays in operational mode (Vyatta capture): see the prompt.
CONFIGURE = replace(tell("configure", "Failed to set up config session", prompt=IN_CONFIGURE), opens=True)
COMMIT = tell("commit", *COMMIT_REFUSALS, tolerates=(NO_CHANGE,), prompt=IN_CONFIGURE)
EXIT = tell("exit", "Cannot exit", prompt=IN_OPERATION)
SET = tell(set_line(DISABLE), "Set failed", "not valid", tolerates=("already exists",))
SAVE_REFUSALS = ("Error saving", "[Cc]an ?not", "No space", "Warning: you have uncommitted changes")
SAVE: tuple[Step, ...] = (CONFIGURE, tell("save", *SAVE_REFUSALS, expects="^Done", code="save-failed"), EXIT)

# Two prompts in one family: the first takes a key, the second a line (published sessions; Vyatta capture).
REBOOT_ANSWERS = (
    Answer(question=r"\[confirm\]\s*$", text="y", enter=False),
    Answer(question=r"\(Yes/No\) \[No\][^\n]*$", text="y"),
)
REBOOT: tuple[Step, ...] = (
    tell("reboot", "Invalid command", "Exit from configure", "ancel", cuts=True, answers=REBOOT_ANSWERS),
)


def delete(path: str) -> Tell:
    """Delete a node; that it is gone already is as good."""
    return tell(f"delete {path}", "Delete failed", "not valid", tolerates=("Nothing to delete",))


def load(name: str) -> Tell:
    """Load a module; silent when it is loaded already."""
    return tell(f"sudo modprobe {name}", "FATAL", "ERROR", "not found", "not allowed")


def unload(name: str) -> Tell:
    """Unload a module; that it is not there is as good (words of kmod and of module-init-tools)."""
    gone = ("not currently loaded", "does not exist")
    return tell(f"sudo rmmod {name}", "ERROR", "not allowed", "in use", tolerates=gone)
