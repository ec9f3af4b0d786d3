"""The fixtures of the scenes."""

from tests.crash.scenes import forker, scene

__all__ = ["forker", "scene"]
