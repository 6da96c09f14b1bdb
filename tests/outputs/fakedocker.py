"""A machine whose docker is a script that serves archives from a folder: no engine is needed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cachetui.config.settings import HostSettings
from cachetui.hosts.local_machine import LocalMachine
from tests.outputs.tars import config, oci_archive, sha

_DOCKER = """\
#!/bin/sh
echo "$*" >>"{folder}/calls"
for name; do :; done
case "$2" in
inspect) cat "{folder}/$name.json" 2>/dev/null && echo || {{
  echo "Error: No such image: $name" >&2; exit 1; }} ;;
save) cat "{folder}/$name.tar" 2>/dev/null || {{ echo "no save of $name" >&2; exit 1; }} ;;
esac
"""

_TOOLS = ("sh", "dd", "cat", "tar", "grep", "sleep", "kill", "printf", "test", "zstd", "false")


class FakeHost:
    """A host with images. `tools` false: a machine without python3; `picky` false: and whose tar
    cannot hand files to commands."""

    def __init__(
        self, folder: Path, name: str = "fake", *, python: bool = True, picky: bool = True
    ) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir(parents=True)
        (self.bin / "docker").write_text(_DOCKER.format(folder=folder))
        (self.bin / "docker").chmod(0o755)
        for tool in (*_TOOLS, *(["python3"] if python else [])):
            found = shutil.which(tool, path="/usr/bin:/bin") or shutil.which(tool)
            if found is not None:
                (self.bin / tool).symlink_to(found)
        if not picky:
            (self.bin / "tar").unlink()
            (self.bin / "tar").write_text("#!/bin/sh\necho usage\n")
            (self.bin / "tar").chmod(0o755)
        env = {"PATH": str(self.bin)}
        self.settings = HostSettings(name=name, address="local", env=env, build_timeout=60.0)

    def machine(self) -> LocalMachine:
        return LocalMachine(self.settings.name, self.settings.env)

    def image(
        self, name: str, layers: Sequence[bytes], archive: bytes | None = None, **more: Any
    ) -> str:
        """An image under a name; returns its id. `archive` is what docker saves of it."""
        document = config(layers, **more)
        image = f"sha256:{sha(document)}"
        inspected = {
            "Id": image,
            "RootFS": {"Type": "layers", "Layers": [f"sha256:{sha(one)}" for one in layers]},
            "Size": 1,
        }
        data = oci_archive(layers, **more) if archive is None else archive
        for each in (name, image):
            (self.folder / f"{each}.json").write_text(json.dumps(inspected))
            (self.folder / f"{each}.tar").write_bytes(data)
        return image

    def forget(self) -> None:
        """All images are gone."""
        for path in (*self.folder.glob("*.json"), *self.folder.glob("*.tar")):
            path.unlink()

    @property
    def saves(self) -> int:
        """How often docker was asked to save an image."""
        calls = self.folder / "calls"
        return calls.read_text().count("image save") if calls.exists() else 0
