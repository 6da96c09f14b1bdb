"""A fetched context with a worker: the same tar, and the auditor keeps its folder."""

from __future__ import annotations

import gc
import pickle
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from cachetui.cluster.context_copy import ContextCopy, CopiedContext
from cachetui.context.fetched_context import ARCHIVE, read_fetched


def test_a_worker_sends_what_was_fetched_and_leaves_it_there(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM base:1\nCOPY . /x\n")
    with tarfile.open(tmp_path / "app.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "Dockerfile", "Dockerfile")
    context = read_fetched(str(tmp_path / "app.tar.gz"))
    assert context.fetched is not None
    pieces = (piece for piece in context.tar_members() if piece)

    def calls(name: str, *_: Any) -> Any:
        return next(pieces, b"") if name == "next_of_context" else None

    sent = pickle.loads(pickle.dumps(replace(context, sources={})))
    copied = CopiedContext.of(sent, ContextCopy(), calls)  # type: ignore[arg-type]
    assert copied.fetched is not None
    assert copied.fetched.source == context.fetched.source
    whole = b"".join(copied.tar_members())
    assert whole == b"".join(context.tar_members())
    assert f"{ARCHIVE}\0".encode() in whole
    del sent, copied
    gc.collect()
    assert context.fetched.archive.is_file()
