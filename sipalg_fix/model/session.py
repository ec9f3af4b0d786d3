"""
Session: what is said to a device and what it answers, the same for every kind of access.

A command is one line of text in the device's own words. For a CLI or shell it is the line itself, for
HTTP ``METHOD /path {json}``, for the RouterOS API the command and its words separated by blanks. So one
reply, one transcript format, one redactor and one replayer serve all of them.

Transcript format, as text::

    origin: recorded 2026-11-23; what and where from
    >>> show version
    Version:      v2.0.9-hotfix.7
    >>> [rest] GET /api/core/firmware/info
    <<< http 403
    {"status":403,"message":"Forbidden"}

``[access]`` is left out for the driver's first access, unless the command itself looks as if it began
with one; ``<<<`` is left out for a reply that went well. A line of a device that begins with ``>>>``,
``<<<`` or a backslash is written with a backslash before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class SshCli:
    """A command line with prompts, spoken through netmiko's class for it."""

    netmiko_type: str
    prompt: str
    """Matches any prompt of the device at the end of what it sent (a regular expression)."""
    failures: tuple[str, ...] = ()
    """What a refused command looks like (regular expressions, searched in each line)."""
    prepare: tuple[str, ...] = ()
    """Sent after login to still the terminal (paging, width); a refusal of these is harmless."""
    port: int = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class SshExec:
    """One command a channel, with an exit status, spoken through paramiko."""

    wrap: str = "<command>"
    """How a line is handed to the login shell; ``<command>`` is replaced, quoted where it stands in
    ``'…'`` (a csh that must be given ``/bin/sh -c '<command>'``)."""
    port: int = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterosApi:
    """The RouterOS API; TLS unless the host says ``plain``."""

    port: int = 8729
    plain_port: int = 8728


@dataclass(frozen=True, slots=True, kw_only=True)
class Basic:
    """HTTP Basic: user name and password, or an API key and its secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHeader:
    """A key in a header of this name."""

    header: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormLogin:
    """A login request that gives a cookie, and a token that must come back in a header."""

    path: str
    body: str
    """JSON with ``<username>`` and ``<password>`` to be replaced."""
    csrf_header: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One of the makes of a server that all speak one API, each below a path and by a login of its own."""

    name: str
    """What the host's ``login`` calls it."""
    login: Basic | KeyHeader | FormLogin
    prefix: str = ""
    """Replaces ``<prefix>`` at the beginning of a command's path."""
    shown_by: str = ""
    """Found in ``STATUS LOCATION`` of the answer to ``GET /``, which is asked without any login; empty: not
    to be told by that."""
    turned_away: str = r"^401 "
    """Found in ``STATUS BODY`` of a reply that says nothing but that nobody is logged in (any more)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpsJson:
    """
    An HTTPS API that speaks JSON. Commands are ``METHOD /path`` and, after a blank, a body.

    With several editions the host's settings name one; else a host without a user name has a key, for the
    first that takes one, and any other is told by ``shown_by``. ``site`` is for a controller of many sites,
    whose hosts share one session: it replaces ``<site>`` in a path where the host's settings name no other.
    """

    login: Basic | KeyHeader | FormLogin | tuple[Edition, ...]
    port: int = 443
    site: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpsShell:
    """
    A shell behind an HTTPS API. Commands are lines for the shell, each posted by itself to ``path``, and
    replies have an exit status, as with :class:`SshExec`.
    """

    login: tuple[Edition, ...]
    path: str
    needs: str
    """What must be there, and switched on, for ``path`` to be served; for messages."""
    longest: int
    """Bytes in one line; a longer one is not run."""
    port: int = 443


Access = SshCli | SshExec | RouterosApi | HttpsJson | HttpsShell


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A question the device may ask before the next prompt, and what to type."""

    question: str
    """A regular expression, searched at the end of what was sent."""
    text: str
    enter: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """
    One line for a device. Two commands are the same when access and text are; how long to wait and what
    to answer do not tell commands apart.
    """

    access: str
    text: str
    answers: tuple[Answer, ...] = field(default=(), compare=False)
    seconds: float = field(default=30.0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """
    One answer, as the device gave it, with secrets redacted.

    ``status`` is ``ok``, ``exit N``, ``http NNN``, ``trap`` (RouterOS) or ``refused`` (a CLI's failure
    words were seen). ``prompt`` is the CLI prompt that followed. ``sealed`` is the unredacted original,
    encrypted in the transport to a public key; empty where there is no key.
    """

    command: Command
    text: str
    status: str = "ok"
    prompt: str = ""
    sealed: str = field(default="", repr=False)

    @property
    def ok(self) -> bool:
        """Did the protocol itself say that it went well? (A device may still have said no in words.)"""
        return self.status in ("ok", "exit 0") or self.status.startswith("http 2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """All replies of a session, in order; the last reply to a command counts."""

    replies: tuple[Reply, ...] = ()
    origin: str = ""
    unread: tuple[tuple[str, str], ...] = ()
    """(access, why) for accesses that were not used: not configured, or not reached."""

    def get(self, command: Command) -> Reply | None:
        """The last reply to this command, or None when it was not asked."""
        for reply in reversed(self.replies):
            if reply.command == command:
                return reply
        return None

    def why_unread(self, access: str) -> str:
        """Why nothing was asked over this access; empty when it was used."""
        return dict(self.unread).get(access, "")

    def plus(self, *replies: Reply) -> Transcript:
        """The same with more replies."""
        return replace(self, replies=(*self.replies, *replies))


REDACTED = "<redacted>"


def redact(text: str, patterns: Iterable[re.Pattern[str]], literals: Iterable[str] = ()) -> str:
    """
    The text without secrets: the group ``secret`` of each pattern (the whole match where it has none),
    and each of the literal secrets in use, replaced by ``<redacted>``.

    The literals go first, the longest before those it holds: a pattern that takes part of one, or a
    shorter secret inside a longer one, would leave the rest of it to be read.
    """

    def hide(match: re.Match[str]) -> str:
        if "secret" not in match.re.groupindex or match["secret"] is None:
            return REDACTED
        start, end = match.start("secret") - match.start(), match.end("secret") - match.start()
        return match[0][:start] + REDACTED + match[0][end:]

    known = sorted({literal for literal in literals if literal}, key=len, reverse=True)
    if known:
        text = re.sub("|".join(map(re.escape, known)), REDACTED, text)
    for pattern in patterns:
        text = pattern.sub(hide, text)
    return text


_NAMED_ACCESS = re.compile(r"\[([a-z][a-z0-9_-]*)\] ")


def render_transcript(transcript: Transcript, first_access: str) -> str:
    """The transcript as text; see the module for the format."""
    lines = [f"origin: {transcript.origin}"]
    for reply in transcript.replies:
        command = reply.command
        plain = command.access == first_access and not _NAMED_ACCESS.match(command.text)
        lines.append(f">>> {'' if plain else f'[{command.access}] '}{command.text}")
        if reply.status != "ok":
            lines.append(f"<<< {reply.status}")
        lines.extend(
            "\\" + line if line.startswith((">>>", "<<<", "\\")) else line for line in reply.text.split("\n")
        )
    return "\n".join(lines) + "\n"


def read_transcript(text: str, first_access: str) -> Transcript:
    """A transcript from its text. :class:`ValueError` with the line when it has no origin or reply."""
    lines = text.removesuffix("\n").split("\n")
    if not lines[0].startswith("origin: "):
        raise ValueError("1: a transcript begins with 'origin: '")
    replies = []
    for command, status, body in _exchanges(lines[1:]):
        bracket = _NAMED_ACCESS.match(command)
        access, line = (bracket[1], command[bracket.end() :]) if bracket else (first_access, command)
        replies.append(Reply(command=Command(access=access, text=line), text=body, status=status))
    return Transcript(replies=tuple(replies), origin=lines[0].removeprefix("origin: "))


def _exchanges(lines: list[str]) -> Iterator[tuple[str, str, str]]:
    """(command, status, reply text) of each exchange."""
    command, status, body = "", "ok", list[str]()
    for number, line in enumerate(lines, start=2):
        if line.startswith(">>> "):
            if command:
                yield command, status, "\n".join(body)
            command, status, body = line.removeprefix(">>> "), "ok", []
        elif not command:
            raise ValueError(f"{number}: a reply before any command")
        elif line.startswith("<<< ") and not body:
            status = line.removeprefix("<<< ")
        else:
            body.append(line.removeprefix("\\") if line.startswith("\\") else line)
    if command:
        yield command, status, "\n".join(body)
