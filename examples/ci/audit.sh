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
# Exit codes: of pull-request, 1 where a step that hit misses now; of both, 2 for trouble.
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

audit() {
    code=0
    cachetui run "$name" --hosts "$hosts" --store "$MEMORY/store" --progress plain \
        --as-found --scenarios buildkit-as-found "$@" || code=$?
}

show() {
    cachetui show last --store "$MEMORY/store" "$@" || [ $? -eq 1 ] || exit 2
}

case ${1:-} in
night)
    audit --format html -o cachetui.html
    if [ "$code" -gt 1 ]; then exit "$code"; fi
    show --format junit -o cachetui.xml
    cachetui history --store "$MEMORY/store" | awk 'NR == 1 { print $1 }' >"$MEMORY/night"
    ;;
pull-request)
    rm -f comment.md
    if [ ! -s "$MEMORY/night" ]; then
        echo "no night is remembered in $MEMORY: nothing to compare with" >&2
        exit 0
    fi
    audit --compare-to "$(cat "$MEMORY/night")" --format markdown -o comment.md
    if [ "$code" -gt 1 ]; then exit "$code"; fi
    show --format junit -o cachetui.xml
    show --compare-to "$(cat "$MEMORY/night")" --format gitlab -o gl-code-quality-report.json
    if [ "$code" -eq 0 ]; then rm -f comment.md; fi
    exit "$code"
    ;;
*)
    echo "usage: audit.sh night|pull-request" >&2
    exit 2
    ;;
esac
