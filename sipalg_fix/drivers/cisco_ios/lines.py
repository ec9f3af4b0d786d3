"""
Cisco IOS: the lines that change something, and how each is seen to be refused.

Texts: Cisco IOS Configuration Fundamentals Command Reference; the drivers of netmiko, NAPALM and
Netspoc-Approve; Cisco's NSO driver for IOS ("Configuration mode is locked by process").
"""

from __future__ import annotations

from dataclasses import replace

from sipalg_fix.drivers.cisco_ios.probes import ACCESS, PORT, TRANSLATIONS
from sipalg_fix.model.session import Answer, Command
from sipalg_fix.model.step import Find, Step, Tell

IN_CONFIG, IN_EXEC = r"\(config\)#\s*$", r"^[^()\s]+#\s*$"
"""``router(config)#`` and ``router#``: prompts."""
NOT_ALLOWED = (
    r"(?P<not_privileged>^(?:% ?)?(?:Command authorization failed|Authorization failed|"
    r"This command is not authorized|Permission denied).*)"
)
LOCKED = r"(?P<config_locked>[Cc]onfiguration mode (?:is )?locked[^\n]*)"
FAILED = r"^%(?![A-Z\d_]+-\d-).*"
"""``% Invalid …``, ``%Error …``; not ``%SYS-5-CONFIG_I: …``, which is a log message."""


def tell(
    line: str,
    *refusals: str,
    tolerates: tuple[str, ...] = (),
    expects: str = "",
    prompt: str = "",
    cuts: bool = False,
    code: str = "command-refused",
    answers: tuple[Answer, ...] = (),
) -> Tell:
    """A line for the command line; whatever it answers with a per cent sign is a refusal."""
    return Tell(
        command=Command(access=ACCESS, text=line, answers=answers, seconds=120),
        refusals=(NOT_ALLOWED, *refusals, FAILED),
        tolerates=tolerates,
        expects=expects,
        prompt=prompt,
        cuts=cuts,
        code=code,
    )


CONFIGURE = replace(tell("configure terminal", LOCKED, prompt=IN_CONFIG), opens=True)
END = tell("end", prompt=IN_EXEC)

# Enter keeps the answer in brackets: 'no' truncated configuration, and yes, over one of another release.
SAVE: tuple[Step, ...] = (
    tell(
        "write memory",
        "too large for nvram",
        "file open failed.*",
        expects=r"\[OK\]",
        code="save-failed",
        answers=(
            Answer(question=r"Overwrite the previous NVRAM configuration\?\s*\[confirm\]\s*$", text=""),
            Answer(question=r"Truncate config\?*\s*\[no\]:?\s*$", text="no"),
        ),
    ),
)
# What is not saved by now is not ours to save. '[confirm]' takes Enter; the line may drop right after it.
RELOAD: tuple[Step, ...] = (
    tell(
        "reload",
        "ancel",
        cuts=True,
        answers=(
            Answer(question=r"Save\?\s*\[yes/no\]:\s*$", text="no"),
            Answer(question=r"Proceed with reload\?\s*\[confirm\]\s*$", text=""),
        ),
    ),
)


def sip(transport: str, *, wanted: bool, tolerates: tuple[str, ...] = ()) -> Tell:
    """The line that switches the ALG on or off for one transport."""
    return tell(sip_line(transport, wanted=wanted), tolerates=tolerates, prompt=IN_CONFIG)


def sip_line(transport: str, *, wanted: bool) -> str:
    """With its port: the form without is in no configuration that was published."""
    return f"{'' if wanted else 'no '}ip nat service sip {transport} port {PORT}"


FLUSH: tuple[Step, ...] = (
    Find(
        read=TRANSLATIONS,
        # One of the four ports is SIP's; a rule has '---' instead of the outside addresses and is no flow.
        pick=rf"^(?=.*:{PORT}(?:\s|$))(?P<protocol>udp|tcp) +(?P<outer>[\d.]+):(?P<outer_port>\d+) +"
        r"(?P<inner>[\d.]+):(?P<inner_port>\d+) +[\d.]+:\d+ +[\d.]+:\d+\s*$",
        then=tell(
            "clear ip nat translation <protocol> inside <outer> <outer_port> <inner> <inner_port>",
            tolerates=(r"[Tt]ranslation not found",),
        ),
        least=0,
        most=2000,
    ),
)
"""Entry by entry, as it was made under the ALG and keeps what the ALG put into it; never all of them."""
