#!/bin/sh
# Usage: venv.sh FOLDER LOCK
# Make the virtual environment FOLDER with what the file LOCK lists, and cachetui itself.
# On Debian as root, install Python and its venv module when they are missing.
set -eu
folder=$1
lock=$2

usable() {
    command -v "$1" >/dev/null 2>&1 &&
        "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for python in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
        if usable "$python"; then
            echo "$python"
            return
        fi
    done
}

python=$(find_python)
if [ -z "$python" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing python3 and python3-venv" >&2
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        python3 python3-venv >&2
    python=$(find_python)
fi
if [ -z "$python" ]; then
    echo "Python 3.11 or newer with its venv module is needed; on Debian:" >&2
    echo "    sudo apt-get install python3 python3-venv" >&2
    exit 1
fi

[ -x "$folder/bin/python" ] || "$python" -m venv "$folder"
pip() { "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
pip --require-hashes -r "$lock"
pip --no-deps --no-build-isolation -e .
