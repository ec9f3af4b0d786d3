"""The twins' shell in what only a twin has: its clock, its faults, its users, its limits."""

from __future__ import annotations

import pytest

from sipalg_fix.lab.shell.process import ASH, BASH, DASH, BoxDown, Dialect
from sipalg_fix.lab.shell.standard import furnished
from sipalg_fix.lab.shell.userland import Userland
from sipalg_fix.lab.twin import Chassis, User


def box(dialect: Dialect = DASH) -> Userland:
    chassis = Chassis(name="r1", users={"root": User(password="x"), "ann": User(password="y")})
    return furnished(chassis, dialect, {"root": 0, "ann": 1000}, chassis.power_cycle)


def run(machine: Userland, script: str, user: str = "root") -> tuple[str, str, int]:
    done = machine.exec(user, script, "")
    return done.stdout, done.stderr, done.status


def test_a_background_sleep_is_a_timer_of_the_twin() -> None:
    """A detached job waits for the twin's clock, is seen by kill -0 and pgrep, and does its work when due."""
    machine = box()
    started = run(machine, "setsid sh -c 'sleep 300; echo fired > /root/mark' >/dev/null 2>&1 & echo $!")
    pid = started[0].strip()
    machine.chassis.advance(299)
    waiting = run(machine, f"kill -0 {pid} && pgrep -f 'sleep 300'; cat /root/mark 2>/dev/null || echo none")
    machine.chassis.advance(1)

    assert pid in waiting[0].split()
    assert waiting[0].endswith("none\n")
    assert run(machine, "cat /root/mark") == ("fired\n", "", 0)
    assert run(machine, f"kill -0 {pid}") == ("", "sh: 1: kill: No such process\n", 1)
    assert run(machine, "pgrep -f 'sleep 300'") == ("", "", 1)


def test_killing_the_shell_of_a_job_disarms_it_and_its_sleep_stays() -> None:
    """kill PID ends the waiting shell; the orphaned sleep is seen until it ends, and does nothing."""
    machine = box()
    run(machine, "sh -c 'sleep 300; echo fired > /root/mark' & echo $! > /run/pid")

    assert run(machine, "kill $(cat /run/pid)") == ("", "", 0)
    assert run(machine, "pgrep -x sleep")[2] == 0
    machine.chassis.advance(1000)
    assert run(machine, "pgrep -x sleep; ls /root") == ("", "", 0)


def test_killing_the_sleep_of_a_job_lets_it_go_on() -> None:
    """pkill sleep does not disarm: the shell goes on with the next command at once."""
    machine = box()
    run(machine, "sh -c 'sleep 300; echo $? > /root/mark' &")

    assert run(machine, "pkill -x sleep; cat /root/mark") == ("143\n", "", 0)


def test_a_process_group_ends_as_a_whole_only_if_setsid_made_it() -> None:
    """kill -- -PID needs a group leader."""
    machine = box()
    led = run(machine, "setsid sh -c 'sleep 300; echo a' & kill -- -$!; echo $?; pgrep -x sleep")
    plain = run(machine, "sh -c 'sleep 300; echo a' & kill -- -$!; echo $?")

    assert led == ("0\n", "", 1)
    assert plain == ("1\n", "sh: 1: kill: No such process\n", 0)


def test_a_foreground_sleep_takes_time() -> None:
    """The twin's clock moves on by a sleep in the foreground, and what is due meanwhile happens."""
    machine = box()
    before = machine.chassis.now

    done = run(machine, "(sleep 2; echo two > /root/f) & sleep 3; cat /root/f; sleep 0.5")

    assert done == ("two\n", "", 0)
    assert machine.chassis.now - before == 3.5


def test_timeout_ends_what_takes_too_long() -> None:
    """timeout gives 124 at the limit, and the status of the command before it."""
    machine = box()

    assert (
        run(machine, "timeout 5 sleep 10; echo $?; timeout 5 sh -c 'sleep 2; exit 3'; echo $?")[0]
        == "124\n3\n"
    )
    assert machine.chassis.uptime == 7


def test_going_down_ends_everything() -> None:
    """When the box goes down nothing after it is done, and no job survives."""
    machine = box()

    def down(call: object) -> int:
        raise BoxDown

    machine.install({"poweroff": down}, "/usr/bin")
    done = run(machine, "sh -c 'sleep 9; echo > /root/f' & poweroff; echo after")
    machine.chassis.advance(100)

    assert done == ("", "", 255)
    assert machine.chassis.boots == 2
    assert run(machine, "ls /root; pgrep -x sleep") == ("", "", 1)


def test_a_boot_during_a_foreground_sleep_cuts_the_command_off() -> None:
    """What sleeps while another job reboots the box never goes on."""
    machine = box()

    def down(call: object) -> int:
        raise BoxDown

    machine.install({"poweroff": down}, "/usr/bin")

    assert run(machine, "(sleep 1; poweroff) & sleep 5; echo after") == ("", "", 255)


def test_a_full_disk_stores_nothing_and_cuts_files_to_nothing() -> None:
    """As on a real full disk, a file can be made or emptied, and nothing can be written into it."""
    machine = box()
    run(machine, "echo precious > /etc/conf; echo other > /etc/other")
    machine.files.full.add("/etc")

    redirected = run(machine, "echo new > /etc/conf")
    copied = run(machine, "cp /etc/other /etc/new")
    edited = run(machine, "sed -i s/other/new/ /etc/other")

    assert redirected == ("", "sh: 1: echo: No space left on device\n", 1)
    assert copied == ("", "cp: error writing '/etc/new': No space left on device\n", 1)
    assert edited == ("", "sed: couldn't flush /etc/sedTwin01: No space left on device\n", 4)
    assert run(machine, "cat /etc/conf /etc/other; ls /etc") == ("other\nconf\nnew\nother\n", "", 0)


def test_a_read_only_file_system_refuses_every_change() -> None:
    """Nothing on it changes, and every tool says why."""
    machine = box()
    run(machine, "echo kept > /etc/conf")
    machine.files.read_only.add("/")

    for script, said in (
        ("echo x > /etc/conf", "sh: 1: cannot create /etc/conf: Read-only file system"),
        ("rm /etc/conf", "rm: cannot remove '/etc/conf': Read-only file system"),
        ("mv /etc/conf /etc/b", "mv: cannot move '/etc/conf' to '/etc/b': Read-only file system"),
        ("mkdir /etc/d", "mkdir: cannot create directory '/etc/d': Read-only file system"),
        ("touch /etc/new", "touch: cannot touch '/etc/new': Read-only file system"),
        ("chmod 600 /etc/conf", "chmod: changing permissions of '/etc/conf': Read-only file system"),
    ):
        assert run(machine, script)[1] == said + "\n", script
    assert run(machine, "cat /etc/conf; ls /etc") == ("kept\nconf\n", "", 0)


def test_an_ordinary_user_is_refused_what_is_not_hers() -> None:
    """Files of root can be read, not changed; those of mode 600 not even read."""
    machine = box()
    run(machine, "echo open > /etc/conf; echo secret > /etc/key; chmod 600 /etc/key")

    assert run(machine, "cat /etc/conf; id -u; echo x > ~/mine; cat ~/mine", "ann") == (
        "open\n1000\nx\n",
        "",
        0,
    )
    assert run(machine, "cat /etc/key", "ann")[1] == "cat: /etc/key: Permission denied\n"
    assert (
        run(machine, "echo x >> /etc/conf", "ann")[1] == "sh: 1: cannot create /etc/conf: Permission denied\n"
    )
    assert run(machine, "rm /etc/conf", "ann")[1] == "rm: cannot remove '/etc/conf': Permission denied\n"


def test_looking_counts_no_write_and_changing_does() -> None:
    """The chassis hears of what a device would remember, and of nothing else."""
    machine = box()
    run(machine, "ls / | grep etc; cat /etc/x 2>/dev/null; echo x > /dev/null; test -e /etc; ps; date +%s")
    looked = machine.chassis.writes
    run(machine, "echo x > /etc/x")

    assert looked == 0
    assert machine.chassis.writes > 0


@pytest.mark.parametrize(
    ("dialect", "missing", "directory"),
    [
        (DASH, "sh: 1: xyz: not found", "sh: 1: cannot create /no/x: Directory nonexistent"),
        (BASH, "bash: line 1: xyz: command not found", "bash: line 1: /no/x: No such file or directory"),
        (ASH, "ash: xyz: not found", "ash: can't create /no/x: nonexistent directory"),
    ],
)
def test_each_shell_words_its_errors_in_its_own_way(dialect: Dialect, missing: str, directory: str) -> None:
    """dash, bash and BusyBox say the same things differently."""
    machine = box(dialect)

    assert run(machine, "xyz") == ("", missing + "\n", 127)
    assert run(machine, "echo x > /no/x")[1] == directory + "\n"


@pytest.mark.parametrize(
    "script",
    [
        "f() { echo x; }",
        "[[ a = a ]]",
        "echo x &> /tmp/f",
        "cat <<< text",
        "a=(1 2)",
        "echo $'x'",
        "((1))",
        "function f { :; }",
        "echo x |& cat",
        "echo ${x/a/b}",
        "trap 'echo bye' EXIT",
        "set -x",
        "sort -k1.2 /dev/null",
        "date -d yesterday",
        "sed -z p /dev/null; sed --expression-file=x p",
        "grep -P a /dev/null",
        "read -t 3 x",
    ],
)
def test_what_is_not_supported_is_an_error(script: str) -> None:
    """Never silence, never success; and nothing of such a script is done if it cannot be read."""
    machine = box()
    out, err, status = run(machine, f"echo begun > /root/begun; {script}")

    assert out == ""
    assert err != ""
    assert status != 0
