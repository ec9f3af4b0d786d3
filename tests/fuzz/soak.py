"""
Fuzzing by coverage, each target in a process of its own: `python -m tests.fuzz.soak SECONDS NAME`.

Needs atheris (the dependency group ``soak``). Bytes that fail are left under ``build/fuzz``: give them to the
target in a test, and mend what fails.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

KEPT = Path(__file__).parents[2] / "build" / "fuzz"
LONGEST = 4096


def main(words: list[str]) -> int:
    """All targets, or one; the number of those that failed."""
    import importlib.util

    from tests.fuzz.targets import TARGETS

    if importlib.util.find_spec("atheris") is None:
        print("atheris is missing: pip install --group soak")
        return 1
    seconds, names = int(words[0]) if words else 60, words[1:] or list(TARGETS)
    failed = []
    for name in names:
        corpus = KEPT / name
        corpus.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(TARGETS[name][1]):
            (corpus / f"seed-{number}").write_bytes(seed)
        fuzzer = [sys.executable, "-m", "tests.fuzz.soak", "--one", name, str(corpus)]
        fuzzer += [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=10", "-rss_limit_mb=2048"]
        fuzzer += [f"-artifact_prefix={KEPT}/{name}-"]
        done = subprocess.run(fuzzer, stderr=subprocess.PIPE, text=True, check=False)
        print(f"{name}: {_told(done.stderr)}", flush=True)
        if done.returncode:
            failed.append(name)
            print(done.stderr[-4000:], flush=True)
    return len(failed)


def _told(said: str) -> str:
    """The last line of libFuzzer's that has a count."""
    return next(
        (line for line in reversed(said.splitlines()) if "Done " in line or "cov:" in line), said[-200:]
    )


def one(name: str, words: list[str]) -> None:
    """Fuzz one target until its time is over; never returns."""
    import atheris

    with atheris.instrument_imports(include=["sipalg_fix", "dpkt"], enable_loader_override=False):
        from tests.fuzz.targets import TARGETS
    atheris.Setup([name, *words], TARGETS[name][0])
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], sys.argv[3:])
    sys.exit(main(sys.argv[1:]))
