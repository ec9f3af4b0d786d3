"""Plan, approve, apply on the command line, with plans of toy routers and real SSH keys."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sipalg_fix.approvals.papers import beside, papers_in
from sipalg_fix.cli.main import run
from sipalg_fix.engine.planning import plan as make_plan
from sipalg_fix.model.approval import Consent
from sipalg_fix.model.plan import Plan, write_plan
from sipalg_fix.model.playbook import Playbook
from tests.approvals.persons import Office
from tests.engine.world import UNGUARDED, World


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """Anna plans, bob approves; nobody has a key in the home folder or an agent."""
    for name in ("SIPALG_FIX_KEY", "SIPALG_FIX_ALLOWED_SIGNERS", "SSH_AUTH_SOCK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SIPALG_FIX_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home" / ".ssh").mkdir(parents=True)
    made = Office(tmp_path)
    made.enlist("anna@noc", "anna")
    made.enlist("bob@noc", "bob")
    return made


def on_paper(office: Office, *, asks: bool = True) -> tuple[Plan, Path]:
    """A plan for one toy router, written and signed by anna."""
    world = World(how=UNGUARDED)
    book = Playbook(name="toy", how=world.how, approval=office.rule() if asks else None)
    plan, _ = make_plan(
        world.ports, world.targets, book, world.told, inventory_digest="sha256:0", boot_seconds=60.0,
        author=office.author("anna"),
    )  # fmt: skip
    file = office.folder / "plan.json"
    file.write_text(write_plan(plan))
    office.written(plan, "anna") if asks else None
    return plan, file


def consent_in(file: Path) -> Consent:
    """What the last approval beside a plan says."""
    return papers_in(beside(file))[-1].read(Consent)


def test_approving_shows_what_it_is_about_and_signs_it(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    """Reason, ticket, end and approver stand in what is signed; the ticket's text is shown to who signs."""
    plan, file = on_paper(office)
    words = [
        "approve",
        str(file),
        "--reason",
        "one-way audio",
        "--ticket",
        "CHG-7",
        "--key",
        str(office.key("bob")),
    ]
    assert run([*words, "--expires", "2036-12-01T06:00+01:00"]) == 0
    told = capsys.readouterr()
    assert "Switch SIP ALG off on 1 router" in told.err
    assert plan.fingerprint in told.out
    assert consent_in(file) == Consent(
        fingerprint=plan.fingerprint, reason="one-way audio", ticket="CHG-7", expires="2036-12-01T05:00:00Z",
        approver="bob@noc",
    )  # fmt: skip


def test_the_only_own_key_that_is_listed_is_taken(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    """From the usual place; with none or two of them it must be said."""
    _, file = on_paper(office)
    words = ["approve", str(file), "--reason", "x"]
    assert run(words) == 64
    assert "--key" in capsys.readouterr().err
    home = office.folder / "home" / ".ssh"
    for suffix in ("", ".pub"):
        (home / f"id_ed25519{suffix}").write_bytes(office.folder.joinpath(f"bob{suffix}").read_bytes())
    (home / "id_ed25519").chmod(0o600)
    assert run(words) == 0
    assert consent_in(file).approver == "bob@noc"


def test_an_agent_signs_for_a_key_whose_private_part_is_not_there(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The public part names it."""
    _, file = on_paper(office)
    socket = office.folder / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.PIPE, text=True) as agent:
        assert agent.stdout is not None
        assert "SSH_AUTH_SOCK" in agent.stdout.readline()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        subprocess.run(["ssh-add", "-q", str(office.key("bob"))], check=True, env=os.environ)
        office.key("bob").unlink()
        words = ["approve", str(file), "--reason", "x", "--key", str(office.key("bob.pub"))]
        ended = run(words)
        agent.terminate()
    assert ended == 0
    assert consent_in(file).approver == "bob@noc"


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--key", "anna"], 7, "own-approval"),
        (["--key", "eve"], 7, "signer-not-allowed"),
        (["--key", "bob", "--as", "anna@noc"], 7, "own-approval"),
        (["--key", "bob", "--as", "root@noc"], 7, "signer-not-allowed"),
        (["--key", "bob", "--expires", "soon"], 64, "soon"),
        (["--key", "bob", "--expires", "2026-12-01T06:00"], 64, "zone"),
        (["--key", "bob", "--expires", "2020-12-01T06:00Z"], 64, "has passed"),
        (["--key", "bob", "--ticket", "a\nb"], 64, "--ticket"),
        (["--key", "bob", "--allowed-signers", "/nonexistent"], 7, "signers-changed"),
    ],
)
def test_what_cannot_be_approved(
    office: Office, options: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Told in a sentence, and nothing is written beside the plan."""
    _, file = on_paper(office)
    if "eve" in options:
        Office(office.folder / "home").enlist("eve", "eve")
        (office.folder / "home" / "eve").rename(office.key("eve"))
        (office.folder / "home" / "eve.pub").rename(office.key("eve.pub"))
    before = beside(file).read_text()
    words = [str(office.key(word)) if word in ("anna", "bob", "eve") else word for word in options]
    assert run(["approve", str(file), "--reason", "x", *words]) == code
    assert said in capsys.readouterr().err
    assert beside(file).read_text() == before


def test_a_plan_that_asks_for_no_approval_is_not_approved(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    """A signature that nobody would look at is not made."""
    _, file = on_paper(office, asks=False)
    assert run(["approve", str(file), "--reason", "x", "--key", str(office.key("bob"))]) == 64
    assert "asks for no approval" in capsys.readouterr().err


def test_apply_refuses_before_anything_happens(
    office: Office, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not approved; approved and then changed by an accepted objection; not by this machine's list."""
    _, file = on_paper(office)
    words = ["apply", str(file), "--yes"]
    assert run(words) == 7
    assert "approval-missing" in capsys.readouterr().err
    assert run(["approve", str(file), "--reason", "x", "--key", str(office.key("bob"))]) == 0
    assert run([*words, "--accept", "reboots"]) == 7
    assert "approval-mismatch" in capsys.readouterr().err
    (office.folder / "other").write_text("")
    monkeypatch.setenv("SIPALG_FIX_ALLOWED_SIGNERS", str(office.folder / "other"))
    assert run(words) == 7
    assert "signers-changed" in capsys.readouterr().err
    _, free = on_paper(office, asks=False)
    assert run(["apply", str(free), "--yes"]) == 7
    assert "approval-missing" in capsys.readouterr().err
    assert not (office.folder / "state" / "journal.db").exists()
