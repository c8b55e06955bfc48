"""The verification of an archive: every file is read again and held against manifest and ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import groupby
from pathlib import Path

from replay_fetch.archive.compress import require
from replay_fetch.archive.layout import SESSIONS, Layout
from replay_fetch.archive.manifest import BadLine, Entry, read_manifest
from replay_fetch.archive.read.readers import Readers
from replay_fetch.archive.read.sweep import Checked, Session, sweep
from replay_fetch.archive.read.verify import Finding, Problem, check_session, unnamed_files
from replay_fetch.archive.shelf import Shelf, readable
from replay_fetch.errors import ArchiveError
from replay_fetch.inspect.ledger_snapshot import LedgerSnapshot
from replay_fetch.inspect.tombstones import ErasedSessions
from replay_fetch.inspect.verification import Depth, Verification
from replay_fetch.inspect.verify_events import EventsCheck
from replay_fetch.printable import as_argument
from replay_fetch.progress.archive_snapshot import CheckSnapshot
from replay_fetch.progress.reporters import Reporter, Ticker


class Verifying:
    """Verifies an archive; used once. Memory grows with the sessions, by some 300 bytes each."""

    def __init__(self, shelf: Shelf, readers: Readers, reporter: Reporter | None, depth: Depth = Depth.BYTES) -> None:
        """Prepare to check the archive on a shelf, its session files read by ``readers``.

        Of a shard's shelf its sessions alone are checked. Raises ArchiveError while a run writes.
        """
        self.shelf = readable(shelf)
        if who := shelf.held_by():
            raise ArchiveError(
                f"another run is writing to this archive: {who}; verify it when that has ended, "
                f"`replay-fetch status {as_argument(shelf.place())}` tells how far it is"
            )
        self._taken = shelf.last_taken()
        self._sizes = {file.name: file.size for file in shelf.files(SESSIONS)} if depth is Depth.NAMES else None
        listed = self._sizes.values() if self._sizes is not None else (file.size for file in shelf.files(SESSIONS))
        self._total = sum(listed)
        self._readers = readers
        self._depth = depth
        self._vouched = False
        self._manifest: Callable[[Shelf], Iterator[Entry | BadLine]] = read_manifest
        self._reporter = reporter
        self._tombstones: ErasedSessions | None = None
        self._seen: set[str] = set()
        self._named: set[str] = set()
        self.found = Verification(shelf, quick=depth is Depth.NAMES)

    def run(self) -> Verification:
        """Verify everything, the ledger too where there is a ledger.

        Raises ArchiveError where reading is impossible or a run writes meanwhile, SettingsError where a library
        that is needed is not installed.
        """
        layout = self.shelf.layout
        if layout is None:
            self._verify_in_store()
        else:
            self._verify_with_ledger(layout)
        # Only findings are doubted: what was found good was good when it was read.
        if self.found.findings and self.shelf.last_taken() != self._taken:
            raise ArchiveError("a run wrote to this archive while it was verified; verify it when none does")
        return self.found

    def sessions(self) -> Iterator[Checked]:
        """Check every session in the manifest's order and give it; ``found`` is complete behind the last."""
        yield from self._sweep(self._listed_sessions())
        self._note(extra_files(self.shelf, self._named))

    def _verify_in_store(self) -> None:
        if self.shelf.run_ended() is False:
            raise ArchiveError(
                f"the last run into {self.shelf.place()} did not come to its end, so its manifest is behind its files: "
                "run the same download or erasure again, to its end, and verify then"
            )
        self._tombstones = ErasedSessions(self.shelf)
        self._verify_by_manifest()
        if self.found.quick:
            wrong = {finding.file for finding in self.found.findings}
            another = (name for name in self.shelf.changed() if name not in wrong)
            self._note(Finding(Problem.DAMAGED, name, "not the object that the log names") for name in another)
        check = self._events_check()
        self._verify_events(check, check.by_manifest())
        self._note_erased()

    def _verify_with_ledger(self, layout: Layout) -> None:
        with closing(LedgerSnapshot(layout)) as snapshot:
            self._tombstones = ErasedSessions(self.shelf, snapshot.marks())
            if snapshot.leads:
                self.found.run_ended = snapshot.run_ended
                self._verify_by(layout, snapshot)
            if not snapshot.leads:  # the manifest is up to date, or the ledger found to be damaged
                self.found, self._named = Verification(self.shelf, quick=self.found.quick), set()
                if snapshot.sound:
                    # Two witnesses: where the manifest says anything else than the ledger, that is found below.
                    self._vouched = self._depth is not Depth.LINES
                    self._manifest = snapshot.manifest
                self._verify_by_manifest()
            self.found.run_ended = snapshot.run_ended
            self._note(snapshot.findings())
            check = self._events_check()
            self._verify_events(check, check.by_ledger(snapshot) if snapshot.sound else check.by_manifest())
            self._note_erased()

    def _verify_by_manifest(self) -> None:
        for _ in self.sessions():
            pass
        if not self.shelf.is_file(self.shelf.manifest):  # without it nobody can tell what is extra
            self.found.findings = [each for each in self.found.findings if each.problem is not Problem.EXTRA]

    def _events_check(self) -> EventsCheck:
        # A bad line may be of any session, and without the manifest nothing is known of any.
        whole = all(finding.file != self.shelf.manifest for finding in self.found.findings)
        return EventsCheck(self.shelf, quick=self.found.quick, known=self._seen if whole else None)

    def _verify_events(self, check: EventsCheck, findings: Iterable[Finding]) -> None:
        began = time.monotonic()
        self._note(findings)
        self.found.events, self.found.events_size = check.files, check.size
        self.found.seconds += time.monotonic() - began

    def _verify_by(self, layout: Layout, snapshot: LedgerSnapshot) -> None:
        """Hold the files against the ledger: the last run was killed, or the manifest is not there."""
        self._total += sum(file.size for file in self.shelf.files(layout.parts.relative_to(layout.root).as_posix()))
        for _ in self._sweep(snapshot.sessions()):
            pass
        if snapshot.leads:
            extra = extra_files(self.shelf, self._named)
            self._note(each for each in extra if snapshot.run_ended or not snapshot.may_be_left(Path(each.file).name))

    def _sweep(self, sessions: Iterable[Session]) -> Iterator[Checked]:
        began = time.monotonic()
        ticker = Ticker(self._reporter, self._snapshot)
        for checked in self._checked(self._readable(sessions)):
            self._count(checked)
            ticker.beat()
            yield checked
        ticker.close()
        self.found.seconds = time.monotonic() - began

    def _checked(self, sessions: Iterable[Session]) -> Iterator[Checked]:
        if self._sizes is None:
            return sweep(self.shelf, sessions, self._readers, self._total, vouched=self._vouched)
        return (Checked(entries, check_session(self.shelf, entries, self._sizes)) for entries in sessions)

    def _snapshot(self, seconds: float) -> CheckSnapshot:
        return CheckSnapshot(self._total, self.found.size, len(self.found.findings), seconds)

    def _readable(self, sessions: Iterable[Session]) -> Iterator[Session]:
        for entries in sessions:
            for compression in {entry.compression for entry in entries}:
                require(compression)
            files = {entry.file for entry in entries if entry.file is not None}
            self._named.update(file for file in files if file.startswith(f"{SESSIONS}/"))
            if self._tombstones:
                self._note(self._tombstones.in_manifest(entries[0].record.planned.view.session_id))
            yield entries

    def _note_erased(self) -> None:
        """Note what is there of erased sessions; a file that was found to be extra is told once, by that."""
        erased = list(self._tombstones.findings()) if self._tombstones else []
        named = {finding.file for finding in erased}
        self.found.findings = [
            each for each in self.found.findings if each.problem is not Problem.EXTRA or each.file not in named
        ]
        self._note(erased)

    def _note(self, findings: Iterable[Finding]) -> None:
        self.found.findings.extend(findings)

    def _count(self, checked: Checked) -> None:
        unclaimed = not self.found.run_ended and _in_a_part(checked.entries)
        self._note(each for each in checked.verdict.findings if not (unclaimed and each.problem is Problem.UNCLAIMED))
        # A view is there twice while it lies in a part and in a partial file.
        finished = {entry.record.planned.row: entry.record.finished for entry in checked.entries}
        self.found.views += len(finished)
        self.found.unfinished += len(finished) - sum(finished.values())
        self.found.sessions += 1
        self.found.size += sum(entry.span.length for entry in checked.entries if entry.span)

    def _listed_sessions(self) -> Iterator[Session]:
        """Give the manifest's sessions, each with all its views; faults of the manifest itself are noted."""
        if not self.shelf.is_file(self.shelf.manifest):
            self._note([Finding(Problem.MISSING, self.shelf.manifest, "no such file")])
            return
        for session_id, group in groupby(self._entries(), lambda entry: entry.record.planned.view.session_id):
            if session_id in self._seen:
                self._complain(next(group).record.planned.row, f"session {session_id} comes a second time")
                continue
            entries = list(self._once(group))
            self._seen.add(session_id)
            yield entries

    def _entries(self) -> Iterator[Entry]:
        for line in self._manifest(self.shelf):
            if isinstance(line, BadLine):
                self._complain(line.number, line.reason)
            else:
                yield line

    def _once(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        seen: set[str] = set()
        for entry in entries:
            planned = entry.record.planned
            if planned.view.view_id in seen:
                self._complain(planned.row, f"view {planned.view.view_id} comes a second time")
            else:
                seen.add(planned.view.view_id)
                yield entry

    def _complain(self, line: int, reason: str) -> None:
        self._note([Finding(Problem.DAMAGED, self.shelf.manifest, f"line {line}: {reason}")])


def _in_a_part(entries: Session) -> bool:
    """Tell whether a view of the session waits in a part, so a kill may have left bytes of no view.

    A part grows before its record does. A view that grew has left its session's file, in which its old bytes stay
    until the session is written anew.
    """
    return any(entry.file is not None and not entry.file.startswith("sessions/") for entry in entries)


def extra_files(shelf: Shelf, named: set[str]) -> Iterator[Finding]:
    """Find the session files that no view lies in; of a shard's shelf, among the shard's own."""
    for name in unnamed_files(shelf, SESSIONS, named):
        yield Finding(Problem.EXTRA, name, "no view of the manifest lies in it")
