#!/bin/sh
# Audit a build in a CI job.
#
#   audit.sh night          build as found, and remember how it went
#   audit.sh pull-request   the same, compared with that night; comment.md says what is colder now
#
# BUILD     a folder with a Dockerfile (default: this one), or a build of a compose or bake file:
#           compose.yaml#api, docker-bake.hcl#app
# RUNNER    what to call the runner (default: its host name)
# MEMORY    a folder of the runner that outlives the job (default: ~/.cache/cachetui-ci)
#
# A hosts.toml in the current folder says which hosts to audit, and BUILD can be a build's name there.
# Without one it is the runner itself, without SSH.
#
# Exit codes: of night, 0, also where hosts differ; of pull-request, 1 where a step that hit misses
# now; of both, 2 or more for trouble.
set -eu

MEMORY=${MEMORY:-$HOME/.cache/cachetui-ci}
mkdir -p "$MEMORY"

if [ -e hosts.toml ]; then
    hosts=hosts.toml name=${BUILD:?names a build of hosts.toml}
else
    hosts=$(mktemp) name=build
    trap 'rm -f "$hosts"' EXIT
    printf '[[hosts]]\nname = "%s"\naddress = "local"\n' "${RUNNER:-$(hostname)}" >"$hosts"
    case ${BUILD:-.} in
    *'#'*) name=$BUILD ;;
    *)
        folder=$(cd "${BUILD:-.}" && pwd)
        printf '[builds.%s]\ncontext = "%s"\n' "$name" "$folder" >>"$hosts"
        ;;
    esac
fi

# 1 says that hosts differ only where there is a result: a cachetui that does not start ends with 1, too.
written() {
    [ -s "$1" ] && return
    echo "cachetui wrote no $1: something broke, see above" >&2
    exit 2
}

audit() {
    report=$1 format=$2 code=0
    shift 2
    rm -f "$report"
    cachetui run "$name" --hosts "$hosts" --store "$MEMORY/store" --progress plain \
        --as-found --scenarios buildkit-as-found --format "$format" -o "$report" "$@" || code=$?
    if [ "$code" -gt 1 ]; then exit "$code"; fi
    written "$report"
}

show() {
    report=$1 format=$2
    shift 2
    rm -f "$report"
    cachetui show last --store "$MEMORY/store" --format "$format" -o "$report" "$@" ||
        [ $? -eq 1 ] || exit 2
    written "$report"
}

case ${1:-} in
night)
    audit cachetui.html html
    show cachetui.xml junit
    audits=$(cachetui history --store "$MEMORY/store") || exit 2
    echo "${audits%%[!0-9a-z-]*}" >"$MEMORY/night"
    ;;
pull-request)
    rm -f comment.md
    if [ ! -s "$MEMORY/night" ]; then
        echo "no night is remembered in $MEMORY: nothing to compare with" >&2
        exit 0
    fi
    night=$(cat "$MEMORY/night")
    audit cachetui.md markdown --compare-to "$night"
    show cachetui.xml junit
    show gl-code-quality-report.json gitlab --compare-to "$night"
    # Last: in trouble, what there is might blame the change for it.
    if [ "$code" -eq 1 ]; then mv cachetui.md comment.md; fi
    rm -f cachetui.md
    exit "$code"
    ;;
*)
    echo "usage: audit.sh night|pull-request" >&2
    exit 2
    ;;
esac
