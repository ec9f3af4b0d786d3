"""What counts as an approval, on toy routers, with keys and signatures of a real ssh-keygen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sipalg_fix.approvals import openssh, papers, signing
from sipalg_fix.approvals.checking import Approvals
from sipalg_fix.engine.apply import apply
from sipalg_fix.engine.planning import plan as make_plan
from sipalg_fix.engine.ports import Approval
from sipalg_fix.engine.run import NoApprovals
from sipalg_fix.model import journal as words
from sipalg_fix.model.approval import APPROVES, Approved, Author, Consent, Review
from sipalg_fix.model.canon import canonical
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.errors import PlanError
from sipalg_fix.model.plan import Plan, read_plan, write_plan
from sipalg_fix.model.playbook import Playbook
from sipalg_fix.model.report import Report
from tests.engine.world import UNGUARDED, World

from .persons import NOW, Office


@pytest.fixture
def world() -> World:
    """Two toy routers with the SIP ALG on."""
    return World(names=("alpha", "bravo"), how=UNGUARDED)


def planned(world: World, office: Office, *, required: int = 1, by: str = "anna") -> Plan:
    """A plan of that person's, signed."""
    book = Playbook(name="toy", how=world.how, approval=office.rule(required))
    made, _ = make_plan(
        world.ports, world.targets, book, world.told, inventory_digest="sha256:0", boot_seconds=60.0,
        author=office.author(by),
    )  # fmt: skip
    office.written(made, by)
    return made


def carried_out(world: World, plan: Plan, office: Office) -> Report:
    """The plan, applied with what stands beside it."""
    approval: Approval = Approvals(file=papers.beside(office.folder / "plan.json"))
    return apply(replace(world.ports, approval=approval), plan, world.told)


def refused(world: World, plan: Plan, office: Office) -> str:
    """The code with which the run is refused; no router heard anything of a change, and no run began."""
    runs = list(world.journal.kept)
    with pytest.raises(PlanError) as caught:
        carried_out(world, plan, office)
    assert [device.told for device in world.devices.values()] == [[], []]
    assert list(world.journal.kept) == runs
    return caught.value.code


def ends(report: Report) -> list[ChangeState | None]:
    """How the hosts ended."""
    return [result.change for result in report.hosts]


def test_an_approved_plan_is_carried_out_and_the_journal_has_the_approval(
    world: World, office: Office
) -> None:
    """Each host's rows hold who, why, until when, and the signature, before its first command."""
    plan = planned(world, office)
    paper = office.approve(plan, "bob")
    report = carried_out(world, plan, office)
    assert ends(report) == [ChangeState.CONFIRMED, ChangeState.CONFIRMED]
    for name in world.names:
        rows = world.journal.rows(report.run, name)
        said = next(row for row in rows if row.step == words.SAID)
        first_sent = next(row for row in rows if row.step == words.SENDING)
        assert said.seq < first_sent.seq
        assert said.payload["what"] == "approved"
        assert said.payload["fingerprint"] == plan.fingerprint
        (one,) = said.payload["approvals"]
        assert one["consent"]["approver"] == "bob@noc"
        assert one["consent"]["reason"] == "one-way audio"
        assert one["signature"] == paper.signature
        assert one["key"] == openssh.fingerprint(office.key("bob"))


def test_a_plan_without_a_rule_needs_nobody(world: World, office: Office) -> None:
    """And no approval is claimed in the journal."""
    made = world.plan()
    report = carried_out(world, made, office)
    assert ends(report) == [ChangeState.CONFIRMED] * 2
    assert [r for n in world.names for r in world.journal.rows(report.run, n) if r.step == words.SAID] == []


def test_nobody_has_approved(world: World, office: Office) -> None:
    """The author's signature alone is none."""
    assert refused(world, planned(world, office), office) == "approval-missing"


def test_without_a_port_for_approvals_a_plan_that_needs_one_is_refused(world: World, office: Office) -> None:
    """What knows nothing of approvals does not let one pass that must have one."""
    plan = planned(world, office)
    assert world.ports.approval == NoApprovals()
    with pytest.raises(PlanError) as caught:
        apply(world.ports, plan, world.told)
    assert caught.value.code == "approval-missing"


def test_the_author_cannot_approve(world: World, office: Office) -> None:
    """Neither with the same key nor with another key of the same name."""
    plan = planned(world, office)
    office.approve(plan, "anna")
    assert refused(world, plan, office) == "own-approval"


def test_the_author_cannot_approve_with_another_key(world: World, office: Office) -> None:
    """A person is the name in the list, however many keys stand there."""
    office.enlist("anna@noc", "anna-at-home")
    plan = planned(world, office)
    office.approve(plan, "anna-at-home")
    assert refused(world, plan, office) == "own-approval"


def test_the_author_cannot_approve_with_the_same_key_under_another_name(world: World, office: Office) -> None:
    """A key is one person's, whatever it is called."""
    office.enlist("somebody@else", "anna")
    plan = planned(world, office)
    paper = Consent(
        fingerprint=plan.fingerprint,
        reason="x",
        ticket="",
        expires="2030-01-01T00:00:00Z",
        approver="somebody@else",
    )
    signed = signing.approved(office.key("anna"), paper, None, office.signers.read_bytes())
    papers.add(papers.beside(office.folder / "plan.json"), signed)
    assert refused(world, plan, office) == "own-approval"


def test_naming_somebody_elses_key_as_the_authors_does_not_help(world: World, office: Office) -> None:
    """A public key can be named by anybody: the author's own signature must be there."""
    book = Playbook(name="toy", how=world.how, approval=office.rule())
    plan, _ = make_plan(
        world.ports, world.targets, book, world.told, inventory_digest="sha256:0", boot_seconds=60.0,
        author=office.author("bob"),
    )  # fmt: skip
    office.approve(plan, "anna")
    assert refused(world, plan, office) == "author-missing"


def test_an_approval_is_never_an_authors_signature(world: World, office: Office) -> None:
    """What bob signed as approver does not make bob the author of a plan, and the other way round."""
    plan = planned(world, office)
    file = papers.beside(office.folder / "plan.json")
    (author,) = papers.papers_in(file)
    approval = office.approve(plan, "bob")
    for kind, paper in (("approval", author), ("author", approval)):
        file.write_text("")
        papers.add(file, author)
        papers.add(file, replace(paper, kind=kind))
        if kind == "author":
            file.write_text("".join(reversed(file.read_text().splitlines(keepends=True))))
        assert refused(world, plan, office) == "approval-tampered"


def test_who_is_not_listed_cannot_sign_at_all(world: World, office: Office) -> None:
    """The tool refuses before it asks for a signature."""
    plan = planned(world, office)
    with pytest.raises(PlanError) as caught:
        office.approve(plan, "eve")
    assert caught.value.code == "signer-not-allowed"


def test_who_is_not_listed_does_not_count(world: World, office: Office) -> None:
    """A sound signature of a stranger's, in a listed person's name."""
    plan = planned(world, office)
    document = canonical(office.consent(plan, "bob"))
    forged = papers.Paper(
        kind="approval", document=document, signature=openssh.sign(office.key("eve"), APPROVES, document)
    )
    papers.add(papers.beside(office.folder / "plan.json"), forged)
    assert refused(world, plan, office) == "signer-not-allowed"


def test_who_may_only_approve_cannot_be_the_author(world: World, office: Office) -> None:
    """The list says by namespaces what a key is for."""
    with pytest.raises(PlanError) as caught:
        planned(world, office, by="carla")
    assert caught.value.code == "signer-not-allowed"


@pytest.mark.parametrize("part", ["reason", "expires", "fingerprint", "approver"])
def test_a_changed_approval_is_refused(world: World, office: Office, part: str) -> None:
    """Whatever was changed in it after it was signed."""
    plan = planned(world, office)
    paper = office.approve(plan, "bob", expires="2026-11-23T09:00:00Z")
    said = json.loads(paper.document)
    said[part] = {"expires": "2036-01-01T00:00:00Z", "fingerprint": plan.fingerprint[:-1] + "0"}.get(
        part, "x"
    )
    file = papers.beside(office.folder / "plan.json")
    file.write_text(file.read_text().splitlines()[0] + "\n")
    papers.add(file, replace(paper, document=canonical(said)))
    assert refused(world, plan, office) == "approval-tampered"


@pytest.mark.parametrize(
    "line", ["{", "[]", "{}", '{"kind": "approval", "document": "{}", "signature": "x"}']
)
def test_what_is_no_approval_is_refused(world: World, office: Office, line: str) -> None:
    """A line of anything else."""
    plan = planned(world, office)
    with papers.beside(office.folder / "plan.json").open("a") as file:
        file.write(line + "\n")
    assert refused(world, plan, office) == "approval-tampered"


def test_a_tampered_plan_is_refused(world: World, office: Office) -> None:
    """Changed in the file; changed with its fingerprint made anew; or with an objection accepted since."""
    plan = planned(world, office)
    office.approve(plan, "bob")
    with pytest.raises(PlanError) as caught:
        read_plan(write_plan(plan).replace('"bravo"', '"brava"'))
    assert caught.value.code == "plan-tampered"
    for other in (replace(plan, hosts=plan.hosts[:1]), plan.accepting(["unguarded"]), replace(plan, run="x")):
        whole = read_plan(write_plan(other))
        assert refused(world, whole, office) == "approval-mismatch"


def test_the_rule_cannot_be_taken_out_of_a_plan_unseen(world: World, office: Office) -> None:
    """On a machine that goes by a list, a plan must ask for approval, and by that very list."""
    plan = planned(world, office)
    office.approve(plan, "bob")
    file = papers.beside(office.folder / "plan.json")
    strict = Approvals(file=file, signers=str(office.signers))
    assert len(strict.check(plan.review, NOW)) == 1
    with pytest.raises(PlanError) as caught:
        strict.check(replace(plan, approval=None).review, NOW)
    assert caught.value.code == "approval-missing"
    own = Office(office.folder / "own")
    own.folder.mkdir()
    own.enlist("anna@noc", "anna")
    with pytest.raises(PlanError) as caught:
        strict.check(replace(plan, approval=own.rule()).review, NOW)
    assert caught.value.code == "signers-changed"


def test_an_approval_ends(world: World, office: Office) -> None:
    """At its very second it does not hold any more."""
    plan = planned(world, office)
    office.approve(plan, "bob", expires="2026-11-23T10:00:00Z")
    assert refused(world, plan, office) == "approval-expired"


def test_hosts_whose_first_write_comes_too_late_are_refused_each_by_itself(
    world: World, office: Office
) -> None:
    """The one that was begun in time is finished; the other hears nothing of a change."""
    plan = planned(world, office)
    office.approve(plan, "bob", expires="2026-11-23T10:30:00Z")

    def an_hour_passes(host: str, what: str, detail: str = "") -> None:
        del detail
        if (host, what) == ("alpha", "applying"):
            world.clock.pause(3600.0)

    world.progress = an_hour_passes
    report = carried_out(world, plan, office)
    assert ends(report) == [ChangeState.CONFIRMED, ChangeState.REFUSED]
    late = report.hosts[1]
    assert late.error is not None
    assert late.error.code == "approval-expired"
    assert world.devices["bravo"].told == []
    assert world.whole() == ""


def test_a_signer_who_is_struck_off_meanwhile_counts_no_more(world: World, office: Office) -> None:
    """The list is read again at each host's first write."""
    plan = planned(world, office)
    office.approve(plan, "bob")

    def struck_off(host: str, what: str, detail: str = "") -> None:
        del detail
        if (host, what) == ("alpha", "applying"):
            office.signers.write_text("")

    world.progress = struck_off
    report = carried_out(world, plan, office)
    assert ends(report) == [ChangeState.CONFIRMED, ChangeState.REFUSED]
    assert report.hosts[1].error is not None
    assert report.hosts[1].error.code == "signers-changed"


def test_a_list_that_is_gone_or_changed_is_refused(world: World, office: Office) -> None:
    """What the plan says of it is of another list."""
    plan = planned(world, office)
    office.approve(plan, "bob")
    office.enlist("eve@noc", "eve")
    assert refused(world, plan, office) == "signers-changed"
    office.signers.unlink()
    assert refused(world, plan, office) == "signers-changed"


@pytest.mark.parametrize(
    ("approvers", "counts"),
    [
        ((), False),
        (("bob",), False),
        (("bob", "bob"), False),
        (("bob", "carla"), True),
        (("bob", "anna"), False),
    ],
)
def test_two_must_be_two(world: World, office: Office, approvers: tuple[str, ...], counts: bool) -> None:
    """Different persons, and the author is none of them."""
    plan = planned(world, office, required=2)
    for name in approvers:
        office.approve(plan, name)
    if counts:
        assert ends(carried_out(world, plan, office)) == [ChangeState.CONFIRMED] * 2
    else:
        assert refused(world, plan, office) in ("approval-missing", "own-approval")


def test_two_names_of_one_key_are_one_person(world: World, office: Office) -> None:
    """A list may name a person twice."""
    plan = planned(world, office, required=2)
    office.approve(plan, "carla")
    consent = replace(office.consent(plan, "carla"), approver="c.diaz@noc")
    signed = signing.approved(office.key("carla"), consent, None, office.signers.read_bytes())
    papers.add(papers.beside(office.folder / "plan.json"), signed)
    assert refused(world, plan, office) == "approval-missing"


def test_a_plan_whose_author_is_not_said_is_not_made(world: World, office: Office) -> None:
    """Nothing is read for it."""
    heard = [device.heard for device in world.devices.values()]
    book = Playbook(name="toy", approval=office.rule())
    with pytest.raises(PlanError) as caught:
        make_plan(
            world.ports, world.targets, book, world.told, inventory_digest="sha256:0", boot_seconds=60.0
        )
    assert caught.value.code == "author-missing"
    assert [device.heard for device in world.devices.values()] == heard


def test_ssh_keygen_is_not_there(
    world: World, office: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither signing nor checking goes on without it."""
    plan = planned(world, office)
    office.approve(plan, "bob")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert refused(world, plan, office) == "ssh-keygen-missing"
    with pytest.raises(PlanError) as caught:
        openssh.sign(office.key("bob"), APPROVES, "{}")
    assert caught.value.code == "ssh-keygen-missing"


def test_a_key_in_an_agent_signs_by_its_public_part(office: Office, world: World) -> None:
    """Where only the public file is there, OpenSSH asks the agent; without one it cannot."""
    plan = planned(world, office)
    office.key("bob").rename(office.folder / "elsewhere")
    consent = office.consent(plan, "bob.pub")
    with pytest.raises(PlanError, match="could not sign"):
        signing.approved(office.key("bob.pub"), consent, None, office.signers.read_bytes())


def test_a_review_is_of_one_plan(world: World, office: Office) -> None:
    """Fingerprint, rule and author, as the plan has them."""
    plan = planned(world, office)
    who = plan.author
    assert who == Author(principal="anna@noc", key=openssh.fingerprint(office.key("anna")))
    assert plan.review == Review(fingerprint=plan.fingerprint, rule=office.rule(), author=who)
    assert read_plan(write_plan(plan)) == plan
    (one,) = [office.approve(plan, "bob")]
    found = Approvals(file=papers.beside(office.folder / "plan.json")).check(plan.review, NOW)
    key = openssh.fingerprint(office.key("bob"))
    assert found == (Approved(consent=office.consent(plan, "bob"), key=key, signature=one.signature),)
