"""
Life: one host's change while it happens — its state, what it has learnt, and how it looks again.

Which state may follow which is :data:`sipalg_fix.model.change.NEXT`; each move is in the journal before
anything that follows from it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from sipalg_fix.engine.audit import look_payload
from sipalg_fix.engine.look import ask_all, judge_host, look
from sipalg_fix.engine.ports import Writer
from sipalg_fix.engine.run import Ports
from sipalg_fix.engine.steps import Hand
from sipalg_fix.model import journal as words
from sipalg_fix.model.assessment import Assessment, Intent
from sipalg_fix.model.change import ChangeState, move
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.errors import DeviceError, SipalgError
from sipalg_fix.model.facts import Facts, Finding, Value, together
from sipalg_fix.model.host import Host
from sipalg_fix.model.plan import HostPlan
from sipalg_fix.model.report import HostError, HostResult
from sipalg_fix.model.session import Transcript

LOOK_AGAIN_SECONDS = 60.0
"""How long a host that went quiet after a change is tried before it counts as lost."""
WORTH_ANOTHER_TRY = frozenset({"unreachable", "timeout", "connection-lost"})


@dataclass(slots=True, kw_only=True)
class Life:
    """The change of one host. ``first`` are the facts the plan was made from."""

    ports: Ports
    run: str
    plan: HostPlan
    driver: Driver
    intent: Intent
    hand: Hand
    boot_seconds: float
    state: ChangeState = ChangeState.PLANNED
    facts: Facts | None = None
    assessment: Assessment | None = None
    before: Assessment | None = None
    error: HostError | None = None
    note: str = ""
    findings: list[Finding] = field(default_factory=list)

    @property
    def host(self) -> Host:
        """The host that is changed."""
        return self.plan.host

    def to(self, state: ChangeState) -> None:
        """Move on, as far as the life of a change allows it, and have it recorded."""
        self.state = move(self.state, state)
        why = {"why": f"{self.error.code}: {self.error.message}"} if self.error else {}
        self.ports.journal.write(self.run, self.host.name, words.STATE, {"state": state.value, **why})
        self.ports.progress(self.host.name, state.value)

    def at(self, state: ChangeState) -> bool:
        """Is the change in this state now?"""
        return self.state is state

    def fail(self, error: SipalgError) -> None:
        """Remember the first thing that went wrong; it is what the report names."""
        if self.error is None:
            self.error = HostError(code=error.code, message=str(error))

    def find(self, code: str, message: str) -> None:
        """Something a person should know."""
        self.findings.append(Finding(code=code, message=message))

    def writer(self) -> AbstractContextManager[Writer]:
        """A new session that may change things."""
        return self.ports.connections.writer(self.host, self.driver)

    def look(self) -> Facts:
        """What a session opened now shows; recorded. DeviceError when it cannot be had."""
        self.facts = look(self.ports.connections, self.host, self.driver)
        self.assessment = judge_host(
            self.facts,
            self.host,
            self.intent,
            self.ports.prober,
            self.plan.assessment.exempt,
            self.ports.today,
        )
        payload = look_payload(self.facts, self.assessment)
        self.ports.journal.write(self.run, self.host.name, words.LOOKED, payload)
        return self.facts

    def look_again(self, seconds: float = LOOK_AGAIN_SECONDS) -> Facts | None:
        """
        The same, tried until it answers or ``seconds`` have passed; None when it stays lost. What it
        says but cannot be read, or a refused login, is a DeviceError at once.
        """
        until, wait = self.ports.clock.monotonic() + seconds, 0.5
        while True:
            try:
                return self.look()
            except DeviceError as error:
                if error.code not in WORTH_ANOTHER_TRY:
                    raise
                if self.ports.clock.monotonic() + wait > until:
                    self.fail(error)
                    return None
            self.ports.clock.pause(wait)
            wait = min(wait * 2, 5.0)

    def running_off(self, facts: Facts) -> bool:
        """Does the configuration in force now say off, for every helper?"""
        planes = together(tuple(helper.running for helper in facts.helpers))
        return bool(facts.not_applicable) or planes.value is Value.OFF

    def guard_pending(self) -> Value:
        """Whether the guard may still fire, by looking at the device: off is proven gone."""
        guard = self.driver.guard
        if guard is None or self.plan.guard is None:
            return Value.OFF
        with self.ports.connections.reader(self.host, self.driver) as reader:
            seen = ask_all(reader, self.driver, guard.proof, Transcript())
        return guard.pending(seen).value

    def result(self) -> HostResult:
        """The host's line in the report."""
        return HostResult(
            host=self.host.name,
            site=self.host.site,
            platform=self.host.platform,
            version=self.facts.version if self.facts else "",
            assessment=self.assessment,
            error=self.error,
            change=self.state,
            findings=tuple(dict.fromkeys(self.findings)),
            done=tuple(self.hand.done),
            diff=self._diff(),
            before=self.before,
            note=self.note,
        )

    def _diff(self) -> tuple[str, ...]:
        return config_diff(self.plan.facts, self.facts) if self.facts and self.hand.done else ()


def config_diff(before: Facts, after: Facts) -> tuple[str, ...]:
    """Lines that the configuration lost (``-``) and gained (``+``), in its own order."""
    lost = [f"-{line}" for line in before.config if line not in after.config]
    gained = [f"+{line}" for line in after.config if line not in before.config]
    return (*lost, *gained)


def moved_besides(life: Life) -> tuple[str, ...]:
    """Changed lines that neither the plan nor the guard's own lines explain."""
    if life.facts is None:
        return ()
    guard = life.driver.guard
    own = guard.own_lines if guard else ()
    return tuple(
        line
        for line in config_diff(life.plan.facts, life.facts)
        if line not in life.plan.remedy.diff and not any(pattern.search(line) for pattern in own)
    )
