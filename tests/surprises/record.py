"""`make record-surprises`: play surprises in a lab of their own and keep what the engines gave.

The lab's folder has the name of no user and no machine: hosts tell the paths of their files.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.lab import Lab
from tests.surprises.recording import FOLDER, file_of, save
from tests.surprises.stage import PARTS
from tests.surprises.surprise import surprises

LAB = Path("/srv/cachetui-lab")


def main(names: list[str]) -> int:
    """Record the surprises of these ids, all without any. Returns the exit status."""
    known = surprises()
    unknown = set(names) - {one.id for one in known}
    if unknown:
        print(f"no such surprise: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    with Lab(LAB) as lab:
        for surprise in known:
            for part in PARTS if not names or surprise.id in names else ():
                with (
                    tempfile.TemporaryDirectory(dir=lab.folder) as work,
                    surprise.played(part, lab, Path(work)) as stage,
                ):
                    file = save(surprise, part, stage.core.store.folder)
                print(f"{file.name}: {file.stat().st_size} bytes")
    kept = {file_of(one.id, part) for one in known for part in PARTS}
    for file in set(FOLDER.iterdir()) - kept:
        file.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
