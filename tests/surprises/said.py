"""`python -m tests.surprises.said RULE`: what a rule says of all recorded audits, a line each.

For the writer of a rule: each audit in which it should be silent and is not.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from cachetui.audit.findings_of import why
from cachetui.findings import RULES
from tests.surprises.recording import file_of, restore
from tests.surprises.stage import PARTS
from tests.surprises.surprise import surprises


def main(arguments: list[str]) -> int:
    """Print where the rule of this id is reported. Returns the exit status."""
    known = {rule.id for rule in RULES}
    if len(arguments) != 1 or arguments[0] not in known:
        print(f"usage: said RULE, one of: {', '.join(sorted(known))}", file=sys.stderr)
        return 2
    recordings = [
        file for one in surprises() for part in PARTS if (file := file_of(one.id, part)).exists()
    ]
    for file in recordings:
        with tempfile.TemporaryDirectory() as folder:
            store = restore(file.read_bytes(), Path(folder) / "store")
            document = store.audit(store.audits()[0].audit)
            assert document is not None
            for finding in why(document, store).findings:
                if finding.id == arguments[0]:
                    hosts = ", ".join(finding.hosts)
                    name = file.name.removesuffix(".jsonl.gz")
                    print(f"{name}: {finding.confidence}, {hosts}: {finding.title}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
