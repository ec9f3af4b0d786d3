"""
The door of the API: one command sentence in, reply sentences out, everything else is the box's.

Source: the MikroTik manual, page "API". Error texts are those that routers gave to the clients of
others: an unknown directory is two traps, an unknown command in a known directory is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sipalg_fix.lab.twins.routeros import notation
from sipalg_fix.lab.twins.routeros.box import READ, Box, Refusal, Row
from sipalg_fix.lab.twins.routeros.query import matches

DONE = ["!done"]

ALONE = {"/system/reboot": "reboot"}
"""Commands that are not of any table, and the policy each needs."""

NO_TEXT = frozenset({"detail", "stats", "all", "without-paging", "follow"})
"""Arguments of ``print`` that change nothing in what the API gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A sentence, taken apart."""

    path: str
    verb: str
    arguments: dict[str, str] = field(default_factory=dict)
    queries: tuple[str, ...] = ()


def parse(sentence: list[str]) -> Command:
    """Split ``/a/b/verb =k=v .k=v ?query`` into its parts; words of no known kind are dropped."""
    path, _, verb = sentence[0].rpartition("/")
    arguments = {}
    for word in sentence[1:]:
        if word.startswith("="):
            name, _, value = word[1:].partition("=")
            arguments[name] = value
    queries = tuple(word for word in sentence[1:] if word.startswith("?"))
    return Command(path=path, verb=verb, arguments=arguments, queries=queries)


def answer(box: Box, user: str, sentence: list[str]) -> list[list[str]]:
    """What the router replies to a user who has logged in."""
    command = parse(sentence)
    try:
        return _obey(box, user, command)
    except Refusal as refusal:
        category = [] if refusal.category is None else [f"=category={refusal.category}"]
        return [["!trap", *category, f"=message={refusal.message}"], DONE]


def _obey(box: Box, user: str, command: Command) -> list[list[str]]:
    policies = box.policies(user)
    whole = f"{command.path}/{command.verb}"
    if whole in ALONE:
        box.permit(policies, ALONE[whole])
        box.reboot()
        return [DONE]
    if command.path not in box.menus:
        return _no_directory(box, command)
    menu = box.menus[command.path]
    if command.verb not in menu.verbs or command.verb == "find":  # the API has every command but find
        raise Refusal("no such command", 0)
    if command.verb in READ:
        box.permit(policies, "read")
        return _print(box, command) if command.verb != "get" else _get(box, command)
    box.permit(policies, menu.policy)
    return _change(box, user, command)


def _no_directory(box: Box, command: Command) -> list[list[str]]:
    if not command.path:
        raise Refusal("no such command", 0)
    words = command.path.strip("/").split("/")
    known = {"/".join(path.split("/")[: n + 1]) for path in box.menus for n in range(path.count("/") + 1)}
    wrong = next((w for n, w in enumerate(words) if "/" + "/".join(words[: n + 1]) not in known), None)
    if wrong is None:
        raise Refusal("no such command", 0)
    first = ["!trap", "=category=0", f"=message=no such command or directory ({wrong})"]
    return [first, ["!trap", "=message=no such command prefix"], DONE]


def _print(box: Box, command: Command) -> list[list[str]]:
    wanted = command.arguments.get(".proplist", "")
    for name in command.arguments:
        if name not in NO_TEXT | {".proplist", "count-only"}:
            raise Refusal(f"unknown parameter {name}" if box.iso_dates else "unknown parameter")
    rows = [row for row in box.shown(command.path) if matches(row, command.queries)]
    if "count-only" in command.arguments:
        return [["!done", f"=ret={len(rows)}"]]
    return [*(["!re", *_words(row, wanted)] for row in rows), DONE]


def _words(row: Row, wanted: str) -> list[str]:
    names = [name for name in wanted.split(",") if name in row] if wanted else list(row)
    return [f"={name}={row[name]}" for name in names]


def _get(box: Box, command: Command) -> list[list[str]]:
    selector = command.arguments.get(".id", command.arguments.get("number", ""))
    rows = list(box.shown(command.path))
    if not box.menus[command.path].single:
        rows = [row for row in rows if selector in (row.get(".id"), row.get("name"))]
    name = command.arguments.get("value-name", "")
    if not rows:
        raise Refusal("no such item", 0)
    if name not in rows[0]:
        raise Refusal(f"unknown value name {name}")
    return [["!done", f"=ret={rows[0][name]}"]]


def _change(box: Box, user: str, command: Command) -> list[list[str]]:
    values = {k: v for k, v in command.arguments.items() if k not in (".id", "numbers")}
    if command.verb == "add":
        return [["!done", f"=ret={box.add(command.path, values, defaults(box, command.path, user))}"]]
    for row in _targets(box, command):
        match command.verb:
            case "remove":
                box.remove(command.path, row)
            case "enable" | "disable":
                box.set(command.path, row, {"disabled": "no" if command.verb == "enable" else "yes"})
            case _:
                box.set(command.path, row, values)
    return [DONE]


def _targets(box: Box, command: Command) -> Iterator[Row]:
    """The items meant, one after the other: those before one that is gone are done."""
    if box.menus[command.path].single:
        yield box.menus[command.path].rows[0]
        return
    given = command.arguments.get(".id", command.arguments.get("numbers"))
    if not given:
        raise Refusal("missing =.id=")
    for selector in given.split(","):
        yield box.pick(command.path, selector)


def defaults(box: Box, path: str, user: str) -> Row:
    """What a new item has that was not said: today all of them are entries of the scheduler or scripts."""
    policies = ",".join(sorted(box.policies(user) - {"api", "rest-api", "ssh", "telnet", "winbox", "web"}))
    if path != "/system/scheduler":
        return {"name": "script1", "source": "", "owner": user, "policy": policies, "run-count": "0"}
    return {
        "name": "schedule1",
        "start-date": notation.day(box.chassis.now, iso=box.iso_dates),
        "start-time": notation.hour(box.chassis.now),
        "interval": "0s",
        "on-event": "",
        "owner": user,
        "policy": policies,
        "run-count": "0",
        "disabled": "false",
    }
