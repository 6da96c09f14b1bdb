"""What an exporting host writes for the others, noted on this machine before it is written.

So the next experiment or `cachetui clean` removes what one that was killed, or lost its connection,
left in the registry and in folders. A plain audit does not look: a registry that is gone would keep
it waiting.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from cachetui.audit.noted import engine_topic, left_notes
from cachetui.config.settings import HostSettings
from cachetui.hosts.delete_refs import delete_refs
from cachetui.hosts.machine import HostError, Machine
from cachetui.hosts.upload import remove_folder_command
from cachetui.records.base import Record
from cachetui.records.host import HostFacts
from cachetui.store.database import Store
from cachetui.store.journal import Journal
from cachetui.store.troubles import StoreError

FOLDER_SECONDS = 300.0


class _Begun(Record, frozen=True, kw_only=True):
    """The first line: whose notes these are."""

    audit: str


class _Wrote(Record, frozen=True, kw_only=True):
    """A later line: all that may have been written so far."""

    refs: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Remains:
    """What of the references is still in the registry: `stays` are those that it does not let go,
    `later` those that could not be asked for, and are still noted."""

    stays: tuple[str, ...] = ()
    later: tuple[str, ...] = ()


@dataclass
class Written:
    """What one experiment, by its `audit`, writes or wrote through a host."""

    audit: str
    refs: tuple[str, ...]
    folders: tuple[str, ...]
    _journal: Journal

    @classmethod
    def begin(cls, store: Store, audit: str, host: HostSettings, facts: HostFacts) -> Written:
        """Nothing yet. Raises `StoreError`: what cannot be noted is not to be written."""
        return cls(
            audit, (), (), store.begin_journal(_topic(host, facts), audit, _Begun(audit=audit))
        )

    @classmethod
    def by_others(cls, store: Store, host: HostSettings, facts: HostFacts) -> Iterator[Written]:
        """What experiments of this machine that are over have left; whoever takes one calls
        `remove` or `leave`."""
        for journal, begun, wrote in left_notes(store, _topic(host, facts), _Begun, _Wrote):
            if wrote is not None and (wrote.refs or wrote.folders):
                yield cls(begun.audit, wrote.refs, wrote.folders, journal)
            else:
                journal.drop()

    def will_write(self, *, ref: str = "", folder: str = "") -> None:
        """Note what is about to be written. Raises `StoreError`: then it is not to be."""
        self.refs += (ref,) if ref else ()
        self.folders += (folder,) if folder else ()
        self._note()

    def remove(self, machine: Machine) -> Remains:
        """Remove it all; what could not be asked for stays noted. Nothing is raised for a
        connection that broke."""
        fates = delete_refs(machine, self.refs)
        self.refs = tuple(ref for ref, fate in fates.items() if fate == "unknown")
        self.folders = tuple(one for one in self.folders if not _removed(machine, one))
        if self.refs or self.folders:
            with suppress(StoreError):
                self._note()
            self.leave()
        else:
            self._journal.drop()
        return Remains(tuple(ref for ref, fate in fates.items() if fate == "stays"), self.refs)

    def leave(self) -> None:
        """Let others find the notes."""
        self._journal.leave()

    def _note(self) -> None:
        self._journal.note(_Wrote(refs=self.refs, folders=self.folders))


def _topic(host: HostSettings, facts: HostFacts) -> str:
    """Another than that of what is on the host, which each audit looks for."""
    return f"shared-{engine_topic(host, facts)}"


def _removed(machine: Machine, folder: str) -> bool:
    with suppress(HostError):
        return machine.run(remove_folder_command(folder), timeout=FOLDER_SECONDS).status == 0
    return False
