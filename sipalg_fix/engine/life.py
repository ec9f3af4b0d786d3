"""
Life: one host's change while it happens — its state, what it has learnt, and how it looks again.

Which state may follow which is :data:`sipalg_fix.model.change.NEXT`; each move is in the journal before
anything that follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from sipalg_fix.engine.audit import look_payload
from sipalg_fix.engine.look import ask_all, judge_host, look, opened
from sipalg_fix.engine.patience import AFTER_A_CHANGE, OF_A_GUARD, first_look, tried
from sipalg_fix.engine.ports import Writer
from sipalg_fix.engine.run import Ports, host_lock, internal, say
from sipalg_fix.engine.steps import Hand
from sipalg_fix.model import journal as words
from sipalg_fix.model.assessment import Assessment, Intent
from sipalg_fix.model.canon import to_plain
from sipalg_fix.model.change import NEXT, ChangeState, move
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.errors import DeviceError, JournalError, NotUnderstood, PlanError, SipalgError
from sipalg_fix.model.facts import Facts, Finding, Value, together
from sipalg_fix.model.host import Host
from sipalg_fix.model.plan import HostPlan, Terms
from sipalg_fix.model.report import HostError, HostResult
from sipalg_fix.model.session import Command, Transcript

T = TypeVar("T")

LEASE_SECONDS = 3600.0
"""How long a host's change may take, its restarts aside."""


@dataclass(slots=True, kw_only=True)
class Life:
    """
    The change of one host.

    ``armed``: the guard was armed, as far as is known, and not shown to be gone since. ``held`` is the
    session in which a guard lives that ends with its session; ``open`` closes it.
    """

    ports: Ports
    run: str
    plan: HostPlan
    driver: Driver
    intent: Intent
    hand: Hand
    boot_seconds: float
    state: ChangeState = ChangeState.PLANNED
    facts: Facts | None = None
    owed: bool = False
    """What undoes the change is owed to a device that may have taken any of it, even where nothing shows: it
    may act later (RouterOS and others store some settings for the next boot)."""
    assessment: Assessment | None = None
    before: Assessment | None = None
    error: HostError | None = None
    note: str = ""
    findings: list[Finding] = field(default_factory=list)
    armed: bool = False
    held: Writer | None = None
    terms: Terms = field(default_factory=Terms)
    open: ExitStack = field(default_factory=ExitStack)

    @property
    def host(self) -> Host:
        """The host that is changed."""
        return self.plan.host

    def take_up(self, **more: str) -> None:
        """Have it recorded what is to be done, what for, and what binds it."""
        payload = {
            "plan": to_plain(self.plan),
            "intent": to_plain(self.intent),
            "terms": to_plain(self.terms),
            **more,
        }
        self.ports.journal.write(self.run, self.host.name, words.PLANNED, payload)

    def to(self, state: ChangeState) -> None:
        """Move on, as far as the life of a change allows it, and have it recorded."""
        self.state = move(self.state, state)
        self.owed = self.owed or state is ChangeState.APPLYING
        if state in (ChangeState.STRANDED, ChangeState.REVERTING):
            # What was seen before contact went is not what is so now.
            self.assessment = None
        why = {"why": f"{self.error.code}: {self.error.message}"} if self.error else {}
        self.ports.journal.write(self.run, self.host.name, words.STATE, {"state": state.value, **why})
        say(self.ports, self.host.name, state.value)

    def at(self, state: ChangeState) -> bool:
        """Is the change in this state now?"""
        return self.state is state

    def fail(self, error: SipalgError) -> None:
        """Remember the first thing that went wrong; it is what the report names."""
        if self.error is None:
            self.error = HostError(code=error.code, message=str(error))

    def forgive(self, note: str) -> None:
        """What went wrong did no harm, as a look has shown."""
        self.error = None
        self.note = note

    def find(self, code: str, message: str) -> None:
        """Something a person should know."""
        self.findings.append(Finding(code=code, message=message))

    def abandon(self, error: HostError) -> None:
        """End a change that met what nobody foresaw, in the state that claims least."""
        if self.error is None:
            self.error = error
        else:
            self.find(error.code, error.message)
        if not NEXT[self.state]:
            return
        untouched = not self.hand.done and ChangeState.REFUSED in NEXT[self.state]
        self.to(ChangeState.REFUSED if untouched else ChangeState.STRANDED)

    def writer(self) -> AbstractContextManager[Writer]:
        """A new session that may change things."""
        return opened(self.ports.connections.writer(self.host, self.driver))

    @contextmanager
    def keeper(self) -> Iterator[Writer]:
        """The session in which the guard is told that all is well: its own where it lives in one."""
        if self.held is not None:
            yield self.held
        else:
            with self.writer() as writer:
                yield writer

    def let_go(self) -> None:
        """Close the session in which the guard lives; one that was not settled fires now."""
        self.held = None
        self.open.close()

    def look(self, *, probed: bool = False) -> Facts:
        """
        What a session opened now shows; recorded. DeviceError when it cannot be had. ``probed``: with what
        packets say after it. Only looks that a claim rests on are: a probe takes its time.
        """
        return self._seen(lambda: look(self.ports.connections, self.host, self.driver), probed)

    def first_look(self, *, probed: bool = False) -> Facts:
        """The same at a host to which nothing was sent yet: tried again while contact fails."""

        def look_at(host: Host) -> Facts:
            return look(self.ports.connections, host, self.driver)

        return self._seen(lambda: first_look(self.ports, self.host, look_at), probed)

    def _seen(self, look_at: Callable[[], Facts], probed: bool) -> Facts:
        self.assessment = None
        self.facts = look_at()
        self.assessment = judge_host(
            self.facts,
            self.host,
            self.intent,
            self.ports.prober if probed else None,
            self.plan.assessment.exempt,
            self.ports.today,
        )
        payload = look_payload(self.facts, self.assessment)
        self.ports.journal.write(self.run, self.host.name, words.LOOKED, payload)
        return self.facts

    def ask_packets(self) -> None:
        """A last look with packets, at a host whose change is at its end; it stays what it is without."""
        facts, assessment = self.facts, self.assessment
        try:
            self.look(probed=True)
        except DeviceError as error:
            self.facts, self.assessment = facts, assessment
            self.find("not-read", f"packets were not asked for: {error}")

    def look_again(
        self,
        patience: Mapping[str, float] = AFTER_A_CHANGE,
        *,
        probed: bool = False,
    ) -> Facts | None:
        """
        The same, tried as long as ``patience`` says; None when it stays lost. What cannot be read to the
        end, or a refused login, is a DeviceError.
        """
        return self._tried(lambda: self.look(probed=probed), patience)

    def look_or_none(self) -> Facts | None:
        """The same; None also when it answers what is of no use. Why is remembered."""
        try:
            return self.look_again()
        except DeviceError as error:
            self.fail(error)
            return None

    def running_off(self, facts: Facts) -> bool:
        """Does the configuration in force now say off, for every helper?"""
        planes = together(tuple(helper.running for helper in facts.helpers))
        return bool(facts.not_applicable) or planes.value is Value.OFF

    def guard_pending(self) -> Value | None:
        """
        Whether the guard may still fire, by looking at the device: off is proven gone; None when nothing
        answers any more.
        """
        guard = self.driver.guard
        if self.plan.guard is None:
            return Value.OFF
        if guard is None:
            return Value.UNKNOWN
        proof, unsure = guard, NotUnderstood("whether the guard may still fire could not be told")

        def ask() -> Value:
            value = proof.pending(self._asked(proof.proof)).value
            if value is Value.UNKNOWN:
                raise unsure
            return value

        try:
            value = self._tried(ask, OF_A_GUARD)
        except DeviceError as error:
            if error is not unsure:
                self.fail(error)
            return Value.UNKNOWN
        if value is not None:
            self.armed = value is Value.ON
        return value

    def _asked(self, commands: tuple[Command, ...]) -> Transcript:
        with opened(self.ports.connections.reader(self.host, self.driver)) as reader:
            return ask_all(reader, self.driver, commands, Transcript())

    def _tried(self, ask: Callable[[], T], patience: Mapping[str, float]) -> T | None:
        got = tried(self.ports.clock, ask, patience)
        if isinstance(got, DeviceError):
            self.fail(got)
            return None
        return got

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
        """Between the plan's facts and the last look, where that one succeeded."""
        if self.facts is None or self.assessment is None or not self.hand.done:
            return ()
        return config_diff(self.plan.facts, self.facts)


def to_its_end(life: Life, lived: Callable[[Life], None]) -> HostResult:
    """
    One host's change under its lock, whatever happens: it ends in a state that is recorded, and a fault
    of ours after something was sent ends it as STRANDED. Only the journal's failure is raised.
    """
    # Calls are waited for once before each step that may cut them.
    seconds = LEASE_SECONDS + life.boot_seconds + 3.0 * (life.terms.calls.wait_seconds or 0.0)

    def locked(life: Life) -> None:
        with host_lock(life.ports.journal, life.host, life.run, seconds), life.open:
            lived(life)

    return under_lock(life, locked)


def under_lock(life: Life, lived: Callable[[Life], None]) -> HostResult:
    """The same for a host whose lock is held already."""
    try:
        with life.open:
            lived(life)
    except JournalError as error:
        if not life.hand.done:
            raise
        message = (
            f"{error}. {len(life.hand.done)} commands had been sent to {life.host.name}, which was last "
            f"known as {life.state.value}: look at it"
        )
        raise JournalError(error.code, message) from error
    except (DeviceError, PlanError) as error:
        life.abandon(HostError(code=error.code, message=str(error)))
    except Exception as error:  # noqa: BLE001 - the host's edge: a fault of ours must not leave it between states
        life.abandon(internal(error))
    return life.result()


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
