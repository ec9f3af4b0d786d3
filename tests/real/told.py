"""What another program says: copied to a file as it comes, and waited for."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import IO

PATIENCE = 10.0


class Told:
    """A program's output, from a pipe. What was waited for is in the file by then."""

    def __init__(self, pipe: IO[bytes], file: Path) -> None:
        self._pipe, self._file = pipe, file
        self._said, self._over = b"", False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._copy, daemon=True)
        file.touch()
        self._thread.start()

    def wait_for(self, word: str, seconds: float = PATIENCE) -> None:
        """Return when it has said the word; TimeoutError, with its last words, when it has not in time."""
        wanted = word.encode()
        with self._news:
            self._news.wait_for(lambda: wanted in self._said or self._over, seconds)
            if wanted not in self._said:
                raise TimeoutError(f"no {word!r} in {self._said.decode(errors='replace')[-2000:]!r}")

    def end(self, seconds: float = PATIENCE) -> None:
        """Copy what is left; to be called when the program has ended."""
        self._thread.join(seconds)
        self._pipe.close()

    def _copy(self) -> None:
        with self._file.open("wb", buffering=0) as copy:
            while more := os.read(self._pipe.fileno(), 65536):
                copy.write(more)
                with self._news:
                    self._said += more
                    self._news.notify_all()
        with self._news:
            self._over = True
            self._news.notify_all()
