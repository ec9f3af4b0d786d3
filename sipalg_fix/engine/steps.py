"""
Steps: the one interpreter of what remedies are made of.

The journal hears of each command, durably, before the device hears its first byte; so a crash leaves a
question that can be asked of the device, never a surprise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sipalg_fix.engine.ports import Journal, Writer
from sipalg_fix.model import journal as words
from sipalg_fix.model.change import Phase
from sipalg_fix.model.errors import DeviceError, Refused
from sipalg_fix.model.session import Command, Reply
from sipalg_fix.model.step import Amend, Find, Step, Tell, amended, check_amended, denied, found, judge


@dataclass(slots=True, kw_only=True)
class Hand:
    """
    Carries out steps on one host, in one run. ``done`` are the commands that were sent, in order;
    ``phases`` are those of which at least one command was sent. Of the change itself, ``offered`` commands
    were sent by this hand and ``declined`` of them refused in so many words, or such as change nothing.
    """

    journal: Journal
    run: str
    host: str
    done: list[str]
    phases: set[Phase]
    offered: int = 0
    declined: int = 0

    @property
    def untouched(self) -> bool:
        """Did the device say no to all that changes anything? Then nothing of it can act, not even later."""
        return 0 < self.offered == self.declined

    def carry_out(self, steps: Iterable[Step], session: Writer, phase: Phase) -> None:
        """Each step in order; stops at the first that is refused (Refused) or lost (DeviceError)."""
        for step in steps:
            match step:
                case Tell():
                    self._tell(step, session, phase)
                case Find(read=read):
                    for tell in found(step, session.ask(read)):
                        self._tell(tell, session, phase)
                case Amend(read=read):
                    self._tell(amended(step, session.ask(read)), session, phase)
                    check_amended(step, session.ask(read))

    def _tell(self, tell: Tell, session: Writer, phase: Phase) -> None:
        command = tell.command
        number = len(self.done) + 1
        self._note(words.SENDING, number, phase, command, {})
        self.done.append(command.text)
        self.phases.add(phase)
        forward = phase is Phase.FORWARD
        self.offered += forward
        try:
            reply = session.tell(command)
        except DeviceError as error:
            self.declined += forward and (tell.opens or isinstance(error, Refused))
            self._note(words.REPLIED, number, phase, command, {"error": error.code, "text": error.message})
            if tell.cuts and error.code in ("connection-lost", "timeout"):
                return
            raise
        self._note(words.REPLIED, number, phase, command, _told(reply))
        self.declined += forward and (tell.opens or denied(tell, reply))
        judge(tell, reply)

    def _note(self, step: str, number: int, phase: Phase, command: Command, more: dict[str, str]) -> None:
        payload = {"n": number, "phase": phase.value, "access": command.access, "command": command.text}
        self.journal.write(self.run, self.host, step, {**payload, **more})


def _told(reply: Reply) -> dict[str, str]:
    return {"status": reply.status, "text": reply.text}
