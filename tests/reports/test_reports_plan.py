"""The dry run: what a reviewer reads is what would be sent."""

from __future__ import annotations

from dataclasses import replace

import pytest
import report_samples as samples

from sipalg_fix.model.plan import HostPlan, Plan, read_plan
from sipalg_fix.model.step import commands
from sipalg_fix.reports import render_plan


def part(text: str, host: str) -> list[str]:
    """What is said of one host, line by line."""
    lines = text.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"{host} ("))
    end = next(n for n, line in enumerate(lines[start:], start) if not line and not lines[n + 1])
    return [line[15:] for line in lines[start:end]]


def plans_of(*hosts: HostPlan) -> Plan:
    """A plan of these hosts."""
    return replace(samples.PLAN, hosts=hosts, failures=())


def test_json_is_the_plan_file() -> None:
    """What was looked at can be applied as it is."""
    assert read_plan(render_plan(samples.PLAN, "json")) == samples.PLAN


@pytest.mark.parametrize("form", ["text", "table"])
@pytest.mark.parametrize("host_plan", samples.PLAN.changing, ids=lambda plan: plan.host.name)
def test_each_command_stands_on_a_line_as_it_would_be_sent(host_plan: HostPlan, form: str) -> None:
    """In the order of the engine: forward, keep, save, flush, restart; then what undoes it."""
    lines = part(render_plan(samples.PLAN, form, width=80), host_plan.host.name)
    guard, remedy = host_plan.guard, host_plan.remedy
    steps = (guard.forward if guard else remedy.forward, guard.keep if guard else (), remedy.save)
    expected = [
        command for part_ in (*steps, host_plan.flush, host_plan.reboot) for command in commands(part_)
    ]
    expected += commands(remedy.inverse)
    here = iter(lines)
    assert all(any(line == command for line in here) for command in expected)
    assert [line for line in lines if line in remedy.diff] == list(remedy.diff)


def test_a_change_without_a_timed_revert_is_called_unguarded() -> None:
    """And one with it says what fires, when, and whether it restarts the router."""
    text = render_plan(samples.PLAN, "text")
    assert any(
        line.startswith("unguarded: nothing takes the change back") for line in part(text, "gw-graz-02")
    )
    edge = " ".join(part(text, "edge-berlin-01"))
    assert "commit-confirm: unconfirmed for 5 minutes, the router undoes the change, with a restart" in edge
    assert not any("unguarded" in line for line in part(text, "edge-berlin-01"))
    assert "none needed: nothing in force is changed" in part(text, "rtr-wien-01")


def test_objections_say_whether_they_were_accepted() -> None:
    """Those that stand are told again at the end, with the words that accept them."""
    text = render_plan(samples.PLAN, "text")
    assert "  objection    reboots (accepted): the change acts only after" in text
    assert "  objection    guard-reboots: unconfirmed" in text
    assert "Objection    guard-reboots stands (edge-berlin-01)" in text
    assert "--accept guard-reboots" in text
    settled = render_plan(samples.PLAN.accepting(["guard-reboots"]), "text")
    assert "stands" not in settled
    assert "--accept" not in settled


def test_every_host_of_the_plan_is_somewhere() -> None:
    """Changed, impossible, left alone, not read: each once, and the fingerprint below them."""
    text = render_plan(samples.PLAN, "text")
    names = [host.host.name for host in samples.PLAN.hosts if not host.host.name.startswith("gw-hamburg")]
    for name in (*names, "edge-bern-01"):
        assert name in text
    assert "14 hosts: disabled, compliant" in text
    assert "gw-hamburg-12 and 2 more" in text
    assert text.endswith(f"Fingerprint  {samples.PLAN.fingerprint}\n")
    assert text.startswith("Plan: 4 of 21 hosts would be changed\n")


def test_a_plan_that_changes_nothing_says_so() -> None:
    """No overview, no disruption, no objection."""
    text = render_plan(plans_of(samples.alone("gw-1", samples.ROUTEROS_OFF)), "table", width=80)
    assert text.startswith("Plan: 0 of 1 host would be changed\n")
    assert "1 host: disabled, compliant" in text
    assert "Disruption" not in text


def test_words_of_devices_do_not_act_in_a_plan() -> None:
    """A reviewer's terminal shows what is there, and not what it wants to show."""
    evil = "\x1b[2J\x1b[1;1HPlan: 0 of 1 host would be changed"
    host_plan = replace(samples.EDGE_PLAN, remedy=replace(samples.EDGE_PLAN.remedy, diff=(evil,)))
    for form in ("text", "table"):
        text = render_plan(plans_of(host_plan), form)
        assert "\x1b" not in text
        assert "\\x1b[2J\\x1b[1;1HPlan: 0 of 1" in text
