"""
Change: one host's remedy carried out, as a life with named states.

``NEXT`` says which state may follow which, and nothing else does: the engine moves along it, the journal
records each move, recovery starts from the last one, and the docs draw it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from sipalg_fix.model.errors import SipalgError


class Phase(Enum):
    """What a step is sent for."""

    FORWARD = "forward"
    KEEP = "keep"
    SAVE = "save"
    FLUSH = "flush"
    REBOOT = "reboot"
    INVERSE = "inverse"
    RESAVE = "resave"


class ChangeState(Enum):
    """Where a change is, or how it ended."""

    PLANNED = "planned"
    REFUSED = "refused"
    """Nothing was sent: drifted, busy, not to be reached, or not found as it must be."""
    APPLYING = "applying"
    """From the first forward step until the device has taken all of them."""
    REFUSED_MIDWAY = "refused-midway"
    """The device said no to a step; what was sent is taken back."""
    APPLIED = "applied"
    """Sent, and shown by nothing yet."""
    MET = "met"
    """A fresh session showed the intent."""
    SAVING = "saving"
    UNSAVED = "unsaved"
    """In force, but it could not be stored: the next boot loses it."""
    GUARD_LEFT = "guard-left"
    """In force, but the guard is not shown to be gone: it may still fire."""
    FLUSHING = "flushing"
    REBOOTING = "rebooting"
    CONFIRMED = "confirmed"
    """Shown after everything, by a session opened after everything."""
    NOT_SHOWN = "not-shown"
    """Carried out and kept, but a later look could not show it; a person must look."""
    ROLLING_BACK = "rolling-back"
    ROLLED_BACK = "rolled-back"
    ROLLBACK_FAILED = "rollback-failed"
    REVERTING = "reverting"
    """A guard is armed, as far as the device said, and is left to fire: contact was lost, or the device
    refused to be put back by us. It takes the change back by itself. Who can wait does, and looks again."""
    STRANDED = "stranded"
    """We cannot tell what state the host is in; a person must look."""


_S = ChangeState
NEXT: Mapping[ChangeState, frozenset[ChangeState]] = MappingProxyType(
    {
        _S.PLANNED: frozenset({_S.REFUSED, _S.APPLYING, _S.MET, _S.ROLLING_BACK}),
        _S.REFUSED: frozenset(),
        _S.APPLYING: frozenset({_S.REFUSED, _S.APPLIED, _S.REFUSED_MIDWAY, _S.REVERTING, _S.STRANDED}),
        _S.REFUSED_MIDWAY: frozenset({_S.ROLLING_BACK, _S.STRANDED}),
        _S.APPLIED: frozenset({_S.MET, _S.ROLLING_BACK, _S.REVERTING, _S.STRANDED}),
        _S.MET: frozenset(
            {
                *(_S.SAVING, _S.FLUSHING, _S.REBOOTING, _S.ROLLING_BACK),
                *(_S.CONFIRMED, _S.NOT_SHOWN, _S.UNSAVED, _S.GUARD_LEFT, _S.STRANDED),
            }
        ),
        _S.SAVING: frozenset({_S.MET, _S.UNSAVED, _S.NOT_SHOWN, _S.GUARD_LEFT, _S.STRANDED}),
        _S.UNSAVED: frozenset(),
        _S.GUARD_LEFT: frozenset(),
        _S.FLUSHING: frozenset({_S.MET, _S.NOT_SHOWN, _S.STRANDED}),
        _S.REBOOTING: frozenset({_S.MET, _S.NOT_SHOWN, _S.STRANDED}),
        _S.CONFIRMED: frozenset(),
        _S.NOT_SHOWN: frozenset(),
        _S.ROLLING_BACK: frozenset(
            {_S.ROLLED_BACK, _S.ROLLBACK_FAILED, _S.GUARD_LEFT, _S.REVERTING, _S.STRANDED}
        ),
        _S.ROLLED_BACK: frozenset(),
        _S.ROLLBACK_FAILED: frozenset(),
        _S.REVERTING: frozenset({_S.ROLLING_BACK, _S.STRANDED}),
        _S.STRANDED: frozenset(),
    }
)
"""Every state and what may follow it. Wherever something may have been sent there is a way to STRANDED."""

ENDS = frozenset({state for state in ChangeState if not NEXT[state]} | {_S.REVERTING})
"""Where a change may end. REVERTING is one for those who do not wait for the guard."""


def move(old: ChangeState, new: ChangeState) -> ChangeState:
    """The new state; an error of ours, told loudly, when the life of a change has no such move."""
    if new not in NEXT[old]:
        raise SipalgError(f"a change cannot go from {old.value} to {new.value}")
    return new
