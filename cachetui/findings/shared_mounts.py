"""Cache mounts that several RUN steps use."""

from __future__ import annotations

from cachetui.dockerfile.instruction import Instruction, Mount
from cachetui.findings.case import Case


def shared_mounts(case: Case) -> dict[str, list[tuple[Instruction, Mount]]]:
    """Id → the RUN steps of needed stages that mount it, where there are two or more.

    Steps of equal text in stages of one base may be one vertex, and count once. A mount with
    `from` begins as a copy of other content and is another folder. An id with a variable is
    compared within its stage only: what it stands for is not known elsewhere.
    """
    users: dict[str, list[tuple[Instruction, Mount]]] = {}
    for item in case.instructions("RUN"):
        for mount in item.cache_mounts:
            scope = f"@{item.stage_index}" if "$" in mount.id else ""
            key = f"{mount.id}{scope}|{mount.from_ or ''}|{mount.source}"
            members = users.setdefault(key, [])
            if all(other.text != item.text for other, _ in members):
                members.append((item, mount))
    return {members[0][1].id: members for members in users.values() if len(members) > 1}
