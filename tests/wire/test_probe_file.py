"""The probe as one file: it runs by itself on every Python from 3.9 on, and its report gets home."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipalg_fix.cli.main import run
from sipalg_fix.model.path import How, Outcome, PathReport, from_json, to_json
from sipalg_fix.wire import bundle
from sipalg_fix.wire.keeping import Keeper
from sipalg_fix.wire.limits import Limits
from sipalg_fix.wire.packing import pack, unpack
from sipalg_fix.wire.sessions import NotGranted
from tests.wire.far_end import GENEROUS, FarEnd, free_ports

FAR = "127.0.0.2"
OLDEST, NEWEST = (3, 9), (3, 14)


@cache
def pythons() -> tuple[str, ...]:
    """An interpreter of each version from 3.9 on that this machine has; this one at least."""
    found: dict[tuple[int, int], str] = {sys.version_info[:2]: sys.executable}
    names = [f"python3.{minor}" for minor in range(OLDEST[1], NEWEST[1] + 1)]
    homes = sorted(Path.home().glob(".pyenv/versions/3.*/bin/python"))
    for candidate in (*map(str, homes), *filter(None, map(shutil.which, names))):
        words = [candidate, "-c", "import ssl, sys; print(*sys.version_info[:2])"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            major, minor = map(int, done.stdout.split())
            if OLDEST <= (major, minor) <= NEWEST:
                found.setdefault((major, minor), candidate)
    return tuple(found[version] for version in sorted(found))


@pytest.fixture
def far(tmp_path: Path) -> Iterator[FarEnd]:
    with FarEnd(tmp_path / "state", free_ports(FAR), reports=tmp_path / "reports") as running:
        yield running


@pytest.fixture
def file(far: FarEnd, tmp_path: Path) -> Path:
    """The probe's file as the command makes it, with the responder's address and pin."""
    target = tmp_path / "probe.pyz"
    where = f"{FAR}:{far.responder.listening.control}"
    assert run(["probe-file", str(target), "--responder", where, "--pin", far.pin]) == 0
    return target


def started(python: str, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run far from this project: no environment, no site packages, another folder."""
    return subprocess.run(
        [python, "-I", "-S", "-W", "error", *words],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, cwd=folder, env={}, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("python", pythons(), ids=lambda each: Path(each).parent.parent.name)
def test_it_runs_by_itself_and_sends_when_told(python: str, far: FarEnd, file: Path, tmp_path: Path) -> None:
    """A process of its own, nothing installed: the same outcome, and a report is kept only when told to."""
    folder = tmp_path / "reports"
    port = str(free_ports("127.0.0.1").control)
    plain = started(python, str(file), "--source-port", port, "--json", folder=tmp_path)
    assert (plain.returncode, plain.stderr) == (0, "")
    report = from_json(plain.stdout)
    assert (report.outcome, report.how) == (Outcome.NONE, How.RESPONDER)
    assert {leg.name for leg in report.legs} == {f"udp from port {port}", f"tcp from port {port}", "tls"}
    assert list(folder.iterdir()) == []

    words = ("--source-port", "fresh", "--hold", "--send", "--label", "ticket 4711", "--save", "mine.json")
    sent = started(python, str(file), *words, folder=tmp_path)
    assert sent.returncode == 0, sent.stderr
    assert sent.stdout.startswith("No SIP ALG shows")
    assert sent.stderr.startswith("A TCP connection stands. Change the router now")
    assert "The report was sent to" in sent.stderr
    (kept,) = folder.iterdir()
    whole = json.loads(kept.read_text())
    assert (whole["peer"], whole["label"]) == ("127.0.0.1", "ticket 4711")
    assert "tcp kept open" in {leg["name"] for leg in whole["report"]["legs"]}
    assert whole["report"] == json.loads((tmp_path / "mine.json").read_text())
    assert kept.stat().st_mode & 0o077 == 0


def test_it_is_written_for_the_oldest_python() -> None:
    """Its grammar is that of 3.9, it imports nothing but the standard library, and no union at run time."""
    names = set()
    for module, source in bundle.modules().items():
        tree = ast.parse(source.read_text(), feature_version=OLDEST)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names |= {each.name.split(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and node in tree.body:
                names.add(node.module.split(".")[0])
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("isinstance", "issubclass"):
                assert not isinstance(node.args[1], ast.BinOp), module
    assert names - {"cryptography"} <= {*sys.stdlib_module_names, "sipalg_fix"}


def test_it_uses_no_newer_library() -> None:
    """Nothing of the standard library that came after 3.9, but for what the file brings or never calls."""
    lacks = {
        "dataclasses.dataclass(slots)": "left out by the file's own beginning",
        "dataclasses.dataclass(kw_only)": "the same",
        "datetime.UTC": "only a responder makes certificates",
        "types.UnionType": "asked for by getattr",
    }
    words = [str(Path(sys.executable).with_name("vermin")), "-t=3.9-", "--no-tips", "--violations"]
    for each in lacks:
        words += ["--exclude", each]
    sources = [str(source) for source in bundle.modules().values()]
    done = subprocess.run([*words, *sources], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_same_code_makes_the_same_file(tmp_path: Path) -> None:
    """Byte for byte; and it holds what it needs and no driver, transport or store."""
    made = bundle.bundle("probe.example.net", "sha256:" + "0" * 64)
    assert made == bundle.bundle("probe.example.net", "sha256:" + "0" * 64)
    (tmp_path / "probe.pyz").write_bytes(made)
    held = set(zipfile.ZipFile(tmp_path / "probe.pyz").namelist())
    assert {"__main__.py", "sipalg_fix/__init__.py", "sipalg_fix/wire/onefile.py"} <= held
    assert {name.split("/")[1] for name in held if name.count("/") > 1} == {"wire", "model"}
    assert not {"sipalg_fix/wire/responder.py", "sipalg_fix/wire/sessions.py"} & held


def test_an_old_python_is_told_so() -> None:
    """The file's beginning is read by any Python, and says which one is needed before anything else."""
    first = bundle._MAIN.partition("if sys.version_info < (3, 10)")[0]
    ast.parse(first, feature_version=(3, 4))
    assert "Python 3.9 or newer is needed" in first


def test_bad_words_have_a_code_of_their_own(tmp_path: Path) -> None:
    """Never 2, which says that a box acts on SIP."""
    target = tmp_path / "probe.pyz"
    bundle.write(target)
    for words in ([], ["--responder", "a:b"], ["--bogus"], ["--responder", "a", "--pin", "x"],
                  ["--server", "a", "--send"]):  # fmt: skip
        done = started(sys.executable, str(target), *words, folder=tmp_path)
        assert done.returncode == 64, done
        assert "Traceback" not in done.stderr
    assert run(["probe-file", str(target), "--pin", "sha256:" + "0" * 64]) == 64
    assert run(["probe-file", str(tmp_path / "no" / "such")]) == 64


def test_a_wrong_pin_is_not_talked_to(far: FarEnd, file: Path, tmp_path: Path) -> None:
    """A distrusted responder ends it with 4 and one sentence."""
    words = (str(file), "--pin", "sha256:" + "0" * 64)
    done = started(sys.executable, *words, folder=tmp_path)
    assert (done.returncode, done.stdout) == (4, "")
    assert "another certificate" in done.stderr
    assert far.responder.heard == 0


def test_a_responder_without_a_folder_takes_none(tmp_path: Path) -> None:
    """The report is shown all the same, and why it was not sent."""
    target = tmp_path / "probe.pyz"
    with FarEnd(tmp_path / "state", free_ports(FAR)) as far:
        bundle.write(target, f"{FAR}:{far.responder.listening.control}", far.pin)
        done = started(sys.executable, str(target), "--source-port", "fresh", "--send", folder=tmp_path)
    assert done.returncode == 0
    assert "not sent: this responder takes no reports" in done.stderr


def report(reason: str = "as it is") -> PathReport:
    return PathReport(outcome=Outcome.NONE, reason=reason, responder="r", at="now", seconds=0.1)


def kept(folder: Path) -> int:
    return len(list(folder.iterdir()))


def test_a_folder_has_limits(tmp_path: Path) -> None:
    """So many reports, so many bytes, so many from one address; what is there stays."""
    packed = pack(to_json(report()))
    few = Keeper(tmp_path / "few", Limits(reports=3))
    for number in range(3):
        few.keep(packed, "", f"192.0.2.{number}", 0)
    with pytest.raises(NotGranted, match="full"):
        few.keep(packed, "", "192.0.2.9", 0)
    assert kept(tmp_path / "few") == 3

    small = Keeper(tmp_path / "small", Limits(reports_bytes=100))
    with pytest.raises(NotGranted, match="full"):
        small.keep(packed, "", "192.0.2.1", 0)

    slow = Keeper(tmp_path / "slow", Limits(reports_per_hour=2))
    for _ in range(2):
        slow.keep(packed, "", "192.0.2.1", 0)
    with pytest.raises(NotGranted, match="too many"):
        slow.keep(packed, "", "192.0.2.1", 1)
    slow.keep(packed, "", "192.0.2.1", 3600)


@pytest.mark.parametrize(
    ("packed", "label"),
    [
        ("", ""),
        ("no base64", ""),
        (pack("{}"), ""),
        (pack("[" * 100_000), ""),
        (pack('"' + "a" * 2_000_000 + '"'), ""),
        (pack(to_json(report()))[:-8], ""),
        (pack(to_json(report())), "x" * 81),
        (pack(to_json(report())), "two\nlines"),
    ],
    ids=["empty", "text", "no-report", "deep", "bomb", "cut", "long-label", "label-lines"],
)
def test_what_is_no_report_is_not_kept(packed: str, label: str, tmp_path: Path) -> None:
    """Refused with a sentence; nothing is written."""
    keeper = Keeper(tmp_path / "kept", GENEROUS)
    with pytest.raises(NotGranted):
        keeper.keep(packed, label, "192.0.2.1", 0)
    assert kept(tmp_path / "kept") == 0


@given(st.text(max_size=300))
def test_a_report_travels_unaltered(text: str) -> None:
    """Packed and unpacked, whatever stands in it."""
    whole = to_json(report(text.encode("utf-8", "replace").decode()))
    assert unpack(pack(whole)) == whole
