#!/bin/sh
# The main job on virtual routers, by the installed command alone: audit, plan, apply, verify, a second
# audit, a rollback, and a report. What you read is the command's own output.
set -eu
cd "$(dirname "$0")/.."
command=$(pwd)/${1:-.venv/bin/sipalg-fix}
lab=build/lab
export SIPALG_FIX_STATE=$lab/state

step() {  # step EXPECTED-EXIT-CODE WORDS...: run the command, and stop where it ends otherwise
    expected=$1
    shift
    printf '\n$ sipalg-fix %s\n' "$*"
    code=0
    "$command" "$@" || code=$?
    if [ "$code" != "$expected" ]; then
        echo "ended with $code where $expected was expected" >&2
        exit 1
    fi
}

end() { "$command" lab down --dir $lab >/dev/null 2>&1 || true; }
end
rm -rf $lab
mkdir -p build/reports
trap end EXIT
trap 'exit 130' INT TERM

step 0 lab up inventory/lab.yaml --dir $lab
step 0 hostkeys accept -i $lab/hosts.yaml --yes
step 2 audit -i $lab/hosts.yaml
step 2 plan -i $lab/hosts.yaml -p playbooks/rehearsal.yaml -o $lab/plan.json
# One router holds somebody else's unsaved edit, which saving ours saves, and most of the routers are changed
# at once: both must be agreed to.
step 7 apply $lab/plan.json --yes
step 0 apply $lab/plan.json --yes --accept unsaved-edits --accept too-many-at-once
step 0 report last --output html -o build/reports/apply.html
step 0 verify last
step 0 audit -i $lab/hosts.yaml
step 0 plan -i $lab/hosts.yaml -p playbooks/rehearsal.yaml
run=$("$command" runs --output json | sed -n 's/.*"run": "\([^"]*-apply-[^"]*\)".*/\1/p' | head -n 1)
step 0 rollback "$run" --yes
step 2 audit -i $lab/hosts.yaml
printf '\nThe report of the change: build/reports/apply.html\n'
