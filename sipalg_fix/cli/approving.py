"""The verb that says yes to a plan: approve. And how plan and apply know of it."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sipalg_fix.cli import options
from sipalg_fix.cli.screen import put

if TYPE_CHECKING:
    from sipalg_fix.model.approval import ApprovalRule, Approved, Author
    from sipalg_fix.model.plan import Plan

UNITS = {"m": 60.0, "h": 3600.0, "d": 86400.0}


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(approve)


def approve(
    file: Annotated[Path, typer.Argument(help="A plan file.")],
    reason: Annotated[str, typer.Option("--reason", help="Why this change may be made.")],
    ticket: Annotated[str, typer.Option("--ticket", help="The change ticket's number.")] = "",
    expires: Annotated[
        str, typer.Option("--expires", help="Until when: 2026-12-01T06:00Z, or from now 3d, 12h, 30m.")
    ] = "1d",
    key: options.Key = None,
    name: options.Principal = "",
    signers: Annotated[
        Path | None, typer.Option("--allowed-signers", help="Where the signers' list is on this machine.")
    ] = None,
) -> int:
    """
    Sign a plan that another person made, after you have read it. The signature goes beside it.

    ssh-keygen signs, so keys in an agent or on a hardware token work: name the public key then.

    Example:

        sipalg-fix approve plan.json --reason 'one-way audio in Berlin' --ticket CHG-1042 --expires 3d
    """
    from sipalg_fix.approvals import papers, signing
    from sipalg_fix.cli.support import text_of
    from sipalg_fix.model.approval import Consent
    from sipalg_fix.model.plan import read_plan

    plan = read_plan(text_of(file))
    if plan.approval is None:
        raise typer.BadParameter(f"{file} asks for no approval: its playbook has no 'approval'")
    listed = signing.signers_of(plan.approval, str(signers or ""))
    own = key or own_key(listed)
    consent = Consent(
        fingerprint=plan.fingerprint,
        reason=_one_line(reason, "--reason"),
        ticket=_one_line(ticket, "--ticket") if ticket else "",
        expires=until(expires),
        approver=name or signing.named(own, listed),
    )
    _show(plan)
    papers.add(papers.beside(file), signing.approved(own, consent, plan.author, listed))
    put(f"{consent.approver} approves {plan.fingerprint} until {consent.expires}: {papers.beside(file)}")
    return 0


def author_of(rule: ApprovalRule | None, key: Path | None, name: str, out: Path | None) -> Author | None:
    """Who makes a plan; None where nobody asks. The plan must be written for it to be signed."""
    from sipalg_fix.approvals.signing import author, signers_of

    if rule is None or key is None:
        return None
    if out is None:
        raise typer.BadParameter("a plan that must be approved is signed by its author: write it with --out")
    return author(key, signers_of(rule), name)


def sign_plan(plan: Plan, key: Path | None, out: Path) -> None:
    """The author's signature beside the plan. Approvals of the plan that was there before go."""
    from sipalg_fix.approvals import papers, signing

    papers.beside(out).unlink(missing_ok=True)
    if plan.approval is not None and plan.author is not None and key is not None:
        listed = signing.signers_of(plan.approval)
        paper = signing.signed_by_author(key, plan.author, plan.fingerprint, listed)
        papers.add(papers.beside(out), paper)


def told_of(one: Approved) -> str:
    """An approval in a report's words."""
    said = one.consent
    ticket = f" ({said.ticket})" if said.ticket else ""
    return f"{said.approver}: {said.reason}{ticket}; until {said.expires}; {one.key}"


def until(text: str) -> str:
    """A time in UTC from ``3d`` or a time with its zone; it must be to come."""
    now = datetime.now(UTC)
    if found := re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", text):
        moment = now + timedelta(seconds=int(found[1]) * UNITS[found[2]])
    else:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise typer.BadParameter(f"--expires: {text!r} is neither a time nor like 3d, 12h, 30m") from None
        if moment.tzinfo is None:
            raise typer.BadParameter(f"--expires: {text!r} does not say its zone; write {text}Z for UTC")
    if moment <= now:
        raise typer.BadParameter(f"--expires: {text} has passed")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def own_key(signers: bytes) -> Path:
    """The only one of this user's usual keys that is listed."""
    from sipalg_fix.approvals.signing import named
    from sipalg_fix.model.errors import PlanError

    found = []
    for file in sorted((Path.home() / ".ssh").glob("id_*.pub")):
        try:
            named(file, signers)
        except PlanError:
            continue
        found.append(file)
    if len(found) != 1:
        many = "several of your keys are" if found else "no key of ~/.ssh is"
        raise typer.BadParameter(f"{many} among the allowed signers: say which with --key")
    return found[0]


def _show(plan: Plan) -> None:
    """What is about to be approved, for whoever did not read it."""
    from sipalg_fix.reports import render_plan

    print(render_plan(plan, "ticket"), file=sys.stderr)


def _one_line(text: str, option: str) -> str:
    if not text.strip() or not text.isprintable():
        raise typer.BadParameter(f"{option}: say it in one printable line")
    return text.strip()
