"""The virtual EdgeRouter's commit-confirm fires, survives and ends as it was recorded to."""

from __future__ import annotations

from edgeos_typist import DISABLE, ENABLE, SIP_LINES, admin, box, guarded, modules


def test_commit_confirm_asks_and_queues_a_root_job() -> None:
    """The question is the recorded one, and the job is seen by sudo atq and in confirm.job."""
    router = box(revisions=20)
    typist = admin(router, "configure", DISABLE)
    assert typist.raw("commit-confirm 2\n") == (
        "commit-confirm 2\r\n"
        "commit confirm will be automatically reboot in 2 minutes unless confirmed\r\nProceed? [confirm]"
    )
    assert typist.raw("\n") == "[y]\r\n[edit]\r\r\nubnt@ubnt# "
    assert typist.do("cat /var/run/confirm.job") == "1"
    # The twin's clock begins at 11:06:40, and at(1) cuts to whole minutes.
    assert typist.do("sudo atq") == "1\tWed Nov 18 11:08:00 2026 a root"
    assert typist.do("atq") == ""


def test_n_minutes_mean_less_than_n() -> None:
    """``now + 1`` fires at the next full minute: here after 20 seconds."""
    router, _ = guarded(1)
    router.chassis.advance(19)
    assert router.chassis.boots == 1
    router.chassis.advance(1)
    assert router.chassis.boots == 2
    assert modules(router) == ["nf_nat_sip", "nf_conntrack_sip"]


def test_the_live_configuration_is_touched_by_the_reboot_only() -> None:
    """Until the job fires the change stands; it comes back by the old file and a boot."""
    router, typist = guarded()
    router.chassis.advance(60)
    assert typist.do("run " + SIP_LINES) == DISABLE
    router.chassis.advance(60)
    assert typist.terminal.closed
    assert DISABLE not in router.snapshot()["running"]


def test_confirm_ends_the_guard() -> None:
    """``confirm`` is silent, empties atq and confirm.job, and nothing fires afterwards."""
    router, typist = guarded()
    assert typist.do("confirm") == ""
    assert typist.do("sudo atq") == ""
    assert "No such file" in typist.do("ls /var/run/confirm.job")
    assert typist.do("confirm") == "No confirm pending"
    router.chassis.advance(600)
    assert (router.chassis.boots, modules(router)) == (1, [])


def test_the_inverse_and_a_save_do_not_end_the_guard() -> None:
    """Recorded: delete, commit, save, and still it reboots."""
    router, typist = guarded()
    typist.do(ENABLE, "commit", "save")
    assert typist.do("sudo atq") != ""
    router.chassis.advance(120)
    assert router.chassis.boots == 2


def test_a_save_before_confirm_is_undone() -> None:
    """Recorded: the old file is written back over the saved change."""
    router, typist = guarded()
    typist.do("save")
    assert "disable" in router.startup.split("modules {")[1]
    typist.do("exit", "exit")
    router.chassis.advance(120)
    assert "modules {" not in router.startup
    assert router.chassis.boots == 2


def test_the_guard_survives_a_reboot_that_confirm_does_not() -> None:
    """Recorded: afterwards there is no confirm pending, the job fires, and only atrm ends it."""
    router, typist = guarded(5)
    typist.do("exit")
    typist.raw("reboot now\n")
    again = admin(router, "configure")
    assert again.do("confirm") == "No confirm pending"
    assert again.do("sudo atq").startswith("1\t")
    other, _ = guarded(5)
    other.reboot()
    other.chassis.advance(300)
    assert other.chassis.boots == 3
    assert again.do("sudo atrm 1") == ""
    assert again.do("sudo atrm 1") == "Cannot find jobid 1"
    router.chassis.advance(600)
    assert router.chassis.boots == 2


def test_without_revisions_nothing_is_queued_and_nothing_committed() -> None:
    """Recorded: commit-revisions is not configured, and the change is still a candidate."""
    router = box()
    typist = admin(router, "configure", DISABLE)
    assert typist.do("commit-confirm 2") == "commit-revisions is not configured.\n"
    assert (router.snapshot()["jobs"], modules(router)) == ({}, ["nf_nat_sip", "nf_conntrack_sip"])
    assert "disable" in typist.do("compare")


def test_a_commit_that_fails_under_the_guard_leaves_the_job() -> None:
    """Recorded: the job is queued before the commit is tried."""
    router, typist = guarded(3, modules="none")
    assert "disable" in typist.do("compare")
    router.chassis.advance(180)
    assert router.chassis.boots == 2


def test_a_question_that_is_denied_queues_nothing() -> None:
    """Answering n leaves all as it was."""
    router = box(revisions=20)
    typist = admin(router, "configure", DISABLE)
    assert "commit-confirm canceled" in typist.raw("commit-confirm 2\nn")
    assert router.snapshot()["jobs"] == {}


def test_revisions_can_be_listed_compared_and_rolled_back_to() -> None:
    """The archive keeps commits; rolling back asks, writes the older file and reboots."""
    router = box(revisions=20)
    typist = admin(router, "configure", DISABLE, 'commit comment "no more ALG"', "save")
    said = typist.do("run show system commit")
    assert said.splitlines()[0].endswith(" by ubnt via cli")
    assert "    no more ALG" in said
    assert said.splitlines()[-1].endswith(" by root via init")
    assert typist.do("compare 0") == "No changes between working and revision 0 configurations"
    assert typist.do("compare 1").startswith("[edit system conntrack]\n+modules {")
    assert typist.raw("rollback 1\n").endswith("Proceed with reboot? [confirm]")
    typist.raw("y")
    assert (router.chassis.boots, "modules {" in router.startup) == (2, False)
