"""Reports that probes hand over, kept in a folder of the responder's owner, within limits."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from sipalg_fix.model.path import from_json
from sipalg_fix.wire.limits import Limits, Rates
from sipalg_fix.wire.packing import unpack
from sipalg_fix.wire.sessions import NotGranted

SCHEMA = "sipalg-fix/received/1"
LABEL_MOST = 80


class Keeper:
    """
    Writes each report into a file of its own. Never overwrites or removes one: a full folder takes no more.

    OSError when it is made with a folder that cannot be had.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder, self._limits = folder, limits
        self._rates = Rates(limits.reports_per_hour, 3600.0)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(13, f"{folder} cannot be written")

    def keep(self, packed: str, label: str, peer: str, now: float, at: datetime | None = None) -> Path:
        """
        Keep one report of a probe at ``peer``; :class:`NotGranted` says why not. ``now`` is monotonic.
        """
        if not self._rates.take(peer, now):
            raise NotGranted("too many reports from your address; try again in an hour")
        if len(label) > LABEL_MOST or not label.isprintable():
            raise NotGranted(f"a label is {LABEL_MOST} printable characters at most")
        try:
            text = unpack(packed)
            from_json(text)
        except (ValueError, RecursionError) as error:
            raise NotGranted(f"that is no report: {str(error) or 'nested too deep'}") from None
        moment = (at or datetime.now(UTC)).replace(microsecond=0)
        whole = {
            "schema": SCHEMA,
            "received": moment.isoformat(),
            "peer": peer,
            "label": label,
            "report": json.loads(text),
        }
        data = (json.dumps(whole, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")
        try:
            self._make_room_sure(len(data))
            return self._write(f"{moment:%Y%m%dT%H%M%SZ}", data)
        except OSError:
            raise NotGranted("the report could not be written") from None

    def _make_room_sure(self, size: int) -> None:
        kept = [entry.stat().st_size for entry in os.scandir(self._folder)]
        if len(kept) >= self._limits.reports or sum(kept) + size > self._limits.reports_bytes:
            raise NotGranted("the responder's folder of reports is full")

    def _write(self, name: str, data: bytes) -> Path:
        for number in range(self._limits.reports + 1):
            target = self._folder / f"{name}-{number:03}.json"
            try:
                descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                continue
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            return target
        raise FileExistsError(name)
