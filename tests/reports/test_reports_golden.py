"""Whole texts, as people see them. Read the files when you change them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import report_samples as samples

from sipalg_fix.reports import render, render_host, render_plan, render_runs, render_table

Golden = Callable[[str, str], None]

PLATFORMS = [
    {
        "platform": "ubiquiti_edgeos",
        "title": "Ubiquiti EdgeOS (EdgeRouter)",
        "accesses": ["cli (SshCli)"],
        "evidence": {"documentation": 3, "recorded": 11},
        "guard": "commit-confirm (fires: reboot)",
        "unverified": [],
    },
    {
        "platform": "mikrotik_routeros",
        "title": "MikroTik RouterOS",
        "accesses": ["api (RouterosApi)", "ssh (SshCli)"],
        "evidence": {"synthetic": 2},
        "guard": "none",
        "unverified": ["what 7.16 prints"],
    },
]
CHECKS = [
    {"check": "Python", "result": "ok", "detail": "3.11.7"},
    {"check": "state folder", "result": "open to others", "detail": "chmod 700 /var/lib/sipalg-fix"},
]

TEXTS: dict[str, Callable[[], str]] = {
    "audit_80.txt": lambda: render(samples.AUDIT, "table", width=80),
    "audit_170.txt": lambda: render(samples.AUDIT, "table", width=170),
    "audit_80.ansi": lambda: render(samples.AUDIT, "table", width=80, color=True),
    "audit.txt": lambda: render(samples.AUDIT, "text"),
    "audit.csv": lambda: render(samples.AUDIT, "csv"),
    "audit.json": lambda: render(samples.AUDIT, "json"),
    "audit.html": lambda: render(samples.AUDIT, "html"),
    "apply_80.txt": lambda: render(samples.APPLY, "table", width=80),
    "apply_170.txt": lambda: render(samples.APPLY, "table", width=170),
    "apply.txt": lambda: render(samples.APPLY, "text"),
    "apply.html": lambda: render(samples.APPLY, "html"),
    "fleet_80.txt": lambda: render(samples.fleet(400), "table", width=80),
    "nothing_80.txt": lambda: render(samples.report("audit", ()), "table", width=80),
    "hostile.txt": lambda: render(samples.hostile(), "text"),
    "plan_80.txt": lambda: render_plan(samples.PLAN, "table", width=80),
    "plan.txt": lambda: render_plan(samples.PLAN, "text"),
    "ticket.txt": lambda: render_plan(samples.PLAN, "ticket"),
    "runs_80.txt": lambda: render_runs(samples.RUNS, "table", width=80),
    "runs.json": lambda: render_runs(samples.RUNS, "json"),
    "host_80.txt": lambda: render_host(samples.rows(), "table", width=80),
    "platforms_80.txt": lambda: render_table(PLATFORMS, "table", width=80),
    "platforms_170.txt": lambda: render_table(PLATFORMS, "table", width=170),
    "checks_80.txt": lambda: render_table(CHECKS, "table", width=80),
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_whole_text_is_as_it_was_read(name: str, golden: Golden) -> None:
    """A change of any letter is a change somebody has looked at."""
    golden(name, TEXTS[name]())
