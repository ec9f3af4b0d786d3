"""A report on its way to the owner of a responder, over the control channel, and only when told to."""

from __future__ import annotations

from sipalg_fix.model.path import PathReport, to_json
from sipalg_fix.wire.control import Unreachable, connect
from sipalg_fix.wire.packing import PACKED_MOST, pack
from sipalg_fix.wire.probe import Wish
from sipalg_fix.wire.systems import run


def hand_over(wish: Wish, report: PathReport, label: str) -> str:
    """Send a report to the responder that was probed with; why it was not taken, or nothing."""
    packed = pack(to_json(report))
    if len(packed) > PACKED_MOST:
        return "the report is too long"
    return run(_deposited(wish, packed, label))


async def _deposited(wish: Wish, packed: str, label: str) -> str:
    try:
        line = await connect(wish.host, wish.port, pin=wish.pin, authority=wish.authority)
    except Unreachable as error:
        return str(error)
    try:
        return await line.deposit(packed, label)
    except Unreachable as error:
        return str(error)
    finally:
        line.close()
