"""Builds that the tests run on real engines, and what their users would see."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

MOUNT = """\
FROM base:1 AS build
WORKDIR /src
COPY src.txt .
RUN --mount=type=cache,target=/cache echo "mount had $(ls /cache | wc -l) files" && \\
    head -c 100000 /dev/zero > $(mktemp /cache/XXXXXX) && \\
    head -c 16 /dev/urandom | od -An -tx1 > /random && cat /random
FROM base:1
LABEL team=build
COPY --from=build /random /random
RUN cat /random && echo done
"""

PLAIN = """\
ARG BASE=base:1
FROM ${BASE} AS build
ENV COLOUR=red
COPY src.txt /src.txt
RUN head -c 16 /dev/urandom | od -An -tx1 > /random && cat /random
FROM base:1
LABEL team=build
COPY --from=build /random /random
RUN cat /random && echo done
CMD ["cat", "/random"]
"""

FAILING = """\
FROM base:1
RUN echo before
RUN echo "what went wrong" && exit 3
RUN echo never
"""

SLEEPING = """\
FROM base:1
RUN echo asleep && trap '' TERM && sleep 600
"""


def folder(root: Path, dockerfile: str, **files: str) -> Path:
    """A build context below `root` with these files (`__` in a name is a slash)."""
    root.mkdir(parents=True, exist_ok=True)
    for name, text in {"Dockerfile": dockerfile, "src.txt": "source\n", **files}.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def checkout(folder: Path, files: Mapping[str, str], at: float) -> Path:
    """A folder with these files (path → text), all of them and all folders of one time (seconds
    since the epoch): what differs between two of these is in bytes alone."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    for made in [*sorted(folder.rglob("*"), reverse=True), folder]:
        os.utime(made, (at, at))
    return folder
