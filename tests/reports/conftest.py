"""Whole texts are compared with files that a person has read; REGENERATE=1 writes them anew."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compares a text with the file of that name, byte for byte."""

    def compares(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("REGENERATE"):
            path.write_bytes(text.encode())
        assert path.read_bytes().decode() == text

    return compares
