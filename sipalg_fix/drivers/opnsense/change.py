"""
OPNsense: the proxy is disabled in its settings, and the settings are made to act.

``reconfigure`` stops the daemon, writes its files and starts it if it is enabled; an order of our own
could leave it running. ``set`` says ``saved`` to requests it did not understand (recorded), so the
settings are read again before anything acts on them.
"""

from __future__ import annotations

from sipalg_fix.drivers._carp import objections
from sipalg_fix.drivers.opnsense.guard import SHELL
from sipalg_fix.drivers.opnsense.probes import GENERAL, REST, shell
from sipalg_fix.drivers.opnsense.read import RUNS_ON
from sipalg_fix.drivers.opnsense.redirects import REDIRECTED
from sipalg_fix.model.facts import Facts, Value
from sipalg_fix.model.session import Command
from sipalg_fix.model.step import NOTHING, Disruption, Find, Objection, Remedy, Step, Tell


def post(path: str, body: str, expects: str, *, cuts: bool = False) -> Tell:
    """A POST; JSON booleans are refused by the model, so values are texts (recorded)."""
    command = Command(access=REST, text=f"POST {path} {body}", seconds=120)
    refusals = (r'"(?:result|status)"\s*:\s*"fail\w*"', "Error")
    return Tell(command=command, refusals=refusals, expects=expects, cuts=cuts)


OK = r'"status"\s*:\s*"ok"'
STARTED = r'"response"\s*:\s*"OK'
RECONFIGURE = post("/api/siproxd/service/reconfigure", "{}", OK)
STOP = post("/api/siproxd/service/stop", "{}", STARTED)
START = post("/api/siproxd/service/start", "{}", STARTED)
ONE_START = Tell(command=shell("service siproxd onestart"), expects="^Starting siproxd")
"""The API's ``start`` says OK of a daemon that rc.conf.d has disabled, and starts none (rc.subr)."""
REBOOT: tuple[Step, ...] = (post("/api/core/system/reboot", "{}", OK, cuts=True),)


def _set(enabled: str) -> tuple[Step, ...]:
    """Store, see that it is stored, and make it act."""
    body = f'{{"general":{{"enabled":"{enabled}"}}}}'
    shown = Find(read=GENERAL, pick=rf'"enabled"\s*:\s*"{enabled}"', then=RECONFIGURE)
    return (post("/api/siproxd/general/set", body, r'"result"\s*:\s*"saved"'), shown)


def remedy(facts: Facts) -> Remedy:
    """
    Disable, or stop a daemon that runs although it is disabled. No state is dropped: pf rewrites no SIP,
    and a proxy that is gone rewrites none either. Calls go through the proxy, so they end with it.
    """
    if facts.not_applicable or not facts.helpers:
        return NOTHING
    (proxy,) = facts.helpers
    if RUNS_ON in proxy.prior:
        start = ONE_START if SHELL in facts.notes else START
        return Remedy(forward=(STOP,), inverse=(start,), disruption=Disruption.CALLS)
    if proxy.running.value is not Value.ON:
        return NOTHING
    if "enabled=1" not in proxy.prior:
        return Remedy(impossible="the settings can only be changed by the API; configure the access 'rest'")
    stopped = (STOP,) if proxy.operational.value is Value.OFF else ()
    return Remedy(
        forward=_set("0"),
        inverse=(*_set("1"), *stopped),
        disruption=Disruption.CALLS,
        diff=("-siproxd enabled=1", "+siproxd enabled=0"),
        objections=(
            *(
                Objection(code=REDIRECTED, message=finding.message)
                for finding in facts.findings
                if finding.code == REDIRECTED
            ),
            *objections(facts),
        ),
    )
