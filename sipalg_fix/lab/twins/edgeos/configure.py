"""
The commands of configure mode, in EdgeOS' words.

Texts are those of EdgeOS' vyatta-cfg (github.com/Lochnair/vyatta-cfg): unlike VyOS it prints them plain,
without indentation and without a pager; what they share was recorded from a Vyatta CLI (2026-11).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sipalg_fix.lab.twins.edgeos import commit as committing
from sipalg_fix.lab.twins.edgeos.router import Candidate, EdgeOs
from sipalg_fix.lab.twins.edgeos.schema import NOT_VALID, complaint
from sipalg_fix.lab.twins.edgeos.shell import Ask, Result
from sipalg_fix.lab.twins.edgeos.tree import Tree, compare, exists, marked, parse

if TYPE_CHECKING:
    from sipalg_fix.lab.twins.edgeos.environment import Environment

Action = Callable[["Environment", Candidate, Sequence[str]], Result]

MODIFIED = "Cannot exit: configuration modified.\nUse 'exit discard' to discard the changes and exit.\n"
UNSAVED = "Warning: configuration changes have not been saved.\n"
UNCOMMITTED = "Warning: you have uncommitted changes that will not be saved.\n\n"
SAVING = "Saving configuration to '/config/config.boot'...\n"
NOT_SAVED = (
    "mv: cannot create regular file '/config/config.boot': Read-only file system\n"
    "Error saving /config/config.boot\n"
)
NO_DIFFERENCE = "No changes between working and active configurations\n"
NO_REVISIONS = "commit-revisions is not configured.\n\n"


def _changed(router: EdgeOs, candidate: Candidate) -> bool:
    return candidate.working(router.running) != router.running


def _edit(env: Environment, candidate: Candidate, verb: str, path: Sequence[str]) -> Result:
    failed = f"{verb.capitalize()} failed\n"
    if not path:
        return Result(stdout=f"Need to specify the config node to {verb}\n{failed}", status=1)
    wrong = complaint(path, setting=verb == "set")
    if env.router.chassis.switches.refuse_writes:
        wrong = wrong or NOT_VALID
    if wrong:
        return Result(stdout=f"{wrong}\n{failed}", status=1)
    there = exists(candidate.working(env.router.running), path)
    if verb == "set" and there:
        return Result(stdout="The specified configuration node already exists\n")
    if verb == "delete" and not there:
        return Result(stdout="Nothing to delete (the specified node does not exist)\n")
    candidate.edits.append((verb, tuple(path)))
    env.router.chassis.wrote()
    return Result()


def _set(env: Environment, candidate: Candidate, path: Sequence[str]) -> Result:
    return _edit(env, candidate, "set", path)


def _delete(env: Environment, candidate: Candidate, path: Sequence[str]) -> Result:
    return _edit(env, candidate, "delete", path)


def _show(env: Environment, candidate: Candidate, path: Sequence[str]) -> Result:
    if complaint(path, setting=False):
        return Result(stdout="Specified configuration path is not valid\n", status=1, pager="vyatta")
    running = env.router.running
    return Result(stdout=marked(running, candidate.working(running), path), pager="vyatta")


def _compare(env: Environment, candidate: Candidate, words: Sequence[str]) -> Result:
    router = env.router
    working = candidate.working(router.running)
    match list(words):
        case []:
            difference = compare(router.running, working)
            return Result(stdout=difference or NO_DIFFERENCE, status=0 if difference else 1)
        case ["saved"]:
            return Result(stdout=compare(parse(router.startup), working))
        case [number, *rest] if all(word.isdigit() for word in words) and len(rest) < 2:
            return _compare_revisions(router, working, [number, *rest])
    return Result(stdout="Specified too many configuration revisions for comparison\n", status=1)


def _compare_revisions(router: EdgeOs, working: Tree, numbers: list[str]) -> Result:
    for number in numbers:
        if int(number) >= len(router.revisions):
            return Result(stdout=f"Invalid revision [{number}]\n", status=1, pager="vyatta")
    trees = [parse(router.revisions[int(number)].text) for number in numbers]
    newer = trees[0] if len(trees) == 2 else working
    what = "working" if len(trees) == 1 else f"revision {numbers[0]}"
    same = f"No changes between {what} and revision {numbers[-1]} configurations\n"
    return Result(stdout=compare(trees[-1], newer) or same, pager="vyatta")


def _commit(env: Environment, candidate: Candidate, words: Sequence[str]) -> Result:
    if "confirm" in words:
        return Result(stdout="Use commit-confirm command\n", status=1)
    comment = words[1] if len(words) > 1 and words[0] == "comment" else "commit"
    text, status = committing.commit(env.router, candidate, comment)
    return Result(stdout=text, status=status)


def _commit_confirm(env: Environment, candidate: Candidate, words: Sequence[str]) -> Result:
    router = env.router
    if not _changed(router, candidate):
        return Result(stdout=committing.NOTHING, status=1)
    minutes = words[0] if words and any(char.isdigit() for char in words[0]) else "10"
    if router.confirm_job is not None:
        # The script ends well here, and so the commit goes on, under the job that is pending.
        done = _commit(env, candidate, ())
        return Result(stdout="Another confirm is pending\n" + done.stdout, status=done.status)
    if not router.revisions_wanted:
        return Result(stdout=NO_REVISIONS, status=1)
    if not minutes.isdigit():
        return Result(stdout=f"Invalid number [{minutes}]\n", status=1)

    def proceed(yes: bool) -> Result:
        if not yes:
            return Result(stdout="commit-confirm canceled\n", status=1)
        router.guard(int(minutes))
        return _commit(env, candidate, ())

    warning = f"commit confirm will be automatically reboot in {minutes} minutes unless confirmed\n"
    return Result(stdout=warning, ask=Ask(prompt="Proceed? [confirm]", then=proceed))


def _confirm(env: Environment, candidate: Candidate, words: Sequence[str]) -> Result:
    router = env.router
    if router.confirm_job is None:
        return Result(stdout="No confirm pending\n")
    gone = router.unqueue(router.confirm_job)
    text = "" if gone else f"Cannot find jobid {router.confirm_job}\n"
    router.confirm_job = None
    router.chassis.wrote()
    return Result(stdout=text)


def _save(env: Environment, candidate: Candidate, words: Sequence[str]) -> Result:
    router = env.router
    text = (UNCOMMITTED if _changed(router, candidate) else "") + SAVING
    saved = router.save()
    candidate.unsaved = False  # whatever came of it, as the script does
    return Result(stdout=text + ("Done\n" if saved else NOT_SAVED), status=0 if saved else 1)


def _discard(env: Environment, candidate: Candidate, words: Sequence[str]) -> Result:
    some = _changed(env.router, candidate)
    if candidate.edits:
        candidate.edits.clear()
        env.router.chassis.wrote()
    return Result(stdout="Changes have been discarded\n" if some else "No changes have been discarded\n")


def _rollback(env: Environment, candidate: Candidate, words: Sequence[str]) -> Result:
    router = env.router
    if len(words) != 1:
        return Result(stdout="Error: must include a revision # to rollback to\n", status=1)
    if not words[0].isdigit() or int(words[0]) >= len(router.revisions):
        return Result(stdout=f"Invalid revision [{words[0]}]\n", status=1)
    text = router.revisions[int(words[0])].text

    def proceed(yes: bool) -> Result:
        if not yes:
            return Result(stdout="Cancelling rollback\n")
        router.roll_back(text, env.user)
        return Result()

    return Result(ask=Ask(prompt="Proceed with reboot? [confirm]", then=proceed))


def _exit(env: Environment, candidate: Candidate, words: Sequence[str]) -> Result:
    if list(words) not in ([], ["discard"]):
        return Result(stdout=f"Invalid argument \"{' '.join(words)}\" for 'exit'\n", status=1)
    if not words and _changed(env.router, candidate):
        return Result(stdout=MODIFIED, status=1)
    env.leave_configure()
    return Result(stdout=(UNSAVED if candidate.unsaved else "") + ("exit\n" if env.tty else ""))


def _reboot(env: Environment, candidate: Candidate, words: Sequence[str]) -> Result:
    return Result(stdout="Exit from configure mode before rebooting.\n")


def _top(env: Environment, candidate: Candidate, words: Sequence[str]) -> Result:
    return Result(stdout="Already at the top level\n")


COMMANDS: dict[str, Action] = {
    "commit": _commit,
    "commit-confirm": _commit_confirm,
    "compare": _compare,
    "confirm": _confirm,
    "delete": _delete,
    "discard": _discard,
    "exit": _exit,
    "reboot": _reboot,
    "rollback": _rollback,
    "save": _save,
    "set": _set,
    "show": _show,
    "top": _top,
}
"""All but ``run``, which belongs to operational mode."""
