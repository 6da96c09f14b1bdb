"""Open a file that differs: get both sides of it from where they are, and compare them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Lock

from cachetui.config.builder_choice import with_builder
from cachetui.config.settings import HostSettings
from cachetui.hosts.chosen_builder import with_chosen_builder
from cachetui.hosts.machine import Cancel, HostError, Machine
from cachetui.outputs.contents import local_copies
from cachetui.outputs.difference import Entry, PathDifference
from cachetui.outputs.fetch import LIMIT, fetch_file, fetch_from_copy, fetch_here
from cachetui.outputs.filediff import Fetched, FileDifference, file_difference
from cachetui.outputs.layers import known, lose_copy
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.store.database import Store

Connect = Callable[[HostSettings, Cancel | None], Machine]
"""What `hosts.connect.Connector.connect` does."""

GONE = "run the audit again with --outputs: it keeps a copy of what its builds made"

_NOTHING = Fetched(size=0, data=b"")


@dataclass
class Opener:
    """Opens files of the images of runs (each with its document), wherever a layer still is: as a
    copy, in a base image that the host has, or in the run's image itself.

    `hosts` are the settings of the fleet. What was fetched is kept by digest as long as the
    opener is, in memory only: it may hold secrets. Connections are kept until `close`.
    """

    store: Store
    hosts: Sequence[HostSettings]
    connect: Connect
    pairs: Sequence[tuple[Document, Run]]
    limit: int = LIMIT
    _contents: dict[str, Fetched] = field(default_factory=dict)
    _machines: dict[str, Machine] = field(default_factory=dict)
    _settings: dict[str, HostSettings] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def difference(
        self, one: PathDifference, a: Run, b: Run, cancel: Cancel | None = None
    ) -> FileDifference:
        """How the contents of a path differ between the images of two runs. Blocks; raises
        `HostError` when a side cannot be had any more, or not reached."""
        return file_difference(
            self.content(one.path, one.a, a, cancel), self.content(one.path, one.b, b, cancel)
        )

    def content(
        self, path: str, entry: Entry | None, run: Run, cancel: Cancel | None = None
    ) -> Fetched:
        """One side: of a path that is not there, or has no content, nothing."""
        if entry is None or entry.size is None:
            return _NOTHING
        key = entry.sha256 or ""
        with self._lock:
            if key not in self._contents:
                self._contents[key] = self._fetch(path, entry, run, cancel)
            return self._contents[key]

    def close(self) -> None:
        """Drop the connections, which ends what runs on them. Any thread."""
        for machine in tuple(self._machines.values()):
            machine.close()
        self._machines.clear()

    def _fetch(self, path: str, entry: Entry, run: Run, cancel: Cancel | None) -> Fetched:
        """From the first place that has it. Raises what the most telling of them said."""
        troubles: list[HostError] = []
        for fetch in self._places(path, entry, run, cancel):
            try:
                fetched = fetch()
            except HostError as error:
                if error.kind == "cancelled":
                    raise
                if error.kind == "lost":
                    self._machines.pop(error.name, None)
                troubles.append(error)
                continue
            if fetched is not None:
                return fetched
        lose_copy(self.store, entry.layer)
        unreached = [error for error in troubles if error.kind != "shell"]
        if unreached:
            raise unreached[0]
        why = "its image is gone, and no copy of its layer is left"
        if troubles and "No such image" not in troubles[-1].reason:
            why = troubles[-1].reason
        raise HostError(run.host, "shell", f"{path} cannot be shown: {why}", GONE)

    def _places(
        self, path: str, entry: Entry, run: Run, cancel: Cancel | None
    ) -> Iterator[Callable[[], Fetched | None]]:
        """Ways to get a file, the cheapest first."""
        meta = known(self.store, entry.layer)
        copies = meta.copies if meta is not None else ()
        for name, folder in sorted(copies, key=lambda copy: (copy[0] != "", copy[0] != run.host)):
            yield partial(self._copy, name, folder, path, entry, cancel)
        for name, image in self._images(entry.layer, run):
            yield partial(self._image, name, image, path, entry, cancel)

    def _copy(
        self, name: str, folder: str, path: str, entry: Entry, cancel: Cancel | None
    ) -> Fetched | None:
        """From a copy, which is forgotten when it is not there any more."""
        if not name:
            fetched = fetch_here(local_copies(self.store), path, entry, limit=self.limit)
        else:
            machine, settings = self._machine(name, cancel)
            fetched = fetch_from_copy(
                machine, settings, folder, path, entry, limit=self.limit, cancel=cancel
            )
        if fetched is None:
            lose_copy(self.store, entry.layer, name, folder)
        return fetched

    def _image(
        self, name: str, image: str, path: str, entry: Entry, cancel: Cancel | None
    ) -> Fetched:
        machine, settings = self._machine(name, cancel)
        return fetch_file(
            machine, settings, image, self.store, path, entry, limit=self.limit, cancel=cancel
        )

    def _images(self, layer: str, run: Run) -> Iterator[tuple[str, str]]:
        """Hosts and images that may have the layer: base images as they were when the audit
        asked, the run's own host first, then the run's image."""
        documents = {document.audit: document for document, _ in self.pairs}
        reports = [report for document in documents.values() for report in document.hosts]
        for report in sorted(reports, key=lambda report: report.name != run.host):
            for ref, layers in (report.facts.bases if report.facts else {}).items():
                if layers is not None and layer in layers:
                    yield report.name, ref
        if run.image is not None:
            yield run.host, run.image.id

    def _machine(self, name: str, cancel: Cancel | None) -> tuple[Machine, HostSettings]:
        settings = next((host for host in self.hosts if host.name == name), None)
        if settings is None:
            raise HostError(
                name, "unreachable", "it is not in hosts.toml any more", "add the host again"
            )
        if name not in self._machines:
            named = next((doc.build.builder for doc, _ in self.pairs if doc.build.builder), None)
            settings = with_builder(settings, named)
            self._machines[name] = self.connect(settings, cancel)
            self._settings[name] = with_chosen_builder(self._machines[name], settings, cancel)
        return self._machines[name], self._settings[name]
