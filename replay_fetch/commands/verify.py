"""``verify``: every file of an archive, read again and held against the manifest."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from replay_fetch.archive import BadLine, Entry, Layout, holder, read_manifest, readable, require
from replay_fetch.archive.sweep import Checked, Session, jobs_for, sweep
from replay_fetch.archive.verifying import Finding, Problem
from replay_fetch.commands.verify_ledger import ledger_findings
from replay_fetch.errors import ArchiveError
from replay_fetch.progress import CheckingMoment, Reporter


@dataclass(slots=True)
class Verification:
    """What verifying an archive came to."""

    root: Path
    findings: list[Finding] = field(default_factory=list)
    views: int = 0
    sessions: int = 0
    size: int = 0
    """Bytes of session files that were read."""
    seconds: float = 0.0
    written_by: str | None = None
    """Who was writing to the archive meanwhile: then what is new may look wrong."""

    @property
    def exit_code(self) -> int:
        """0 where nothing is wrong, else 1."""
        return 1 if self.findings else 0


class Verifying:
    """Verifies one archive; used once. Its memory grows with the sessions, some 300 bytes each."""

    def __init__(self, root: Path, jobs: int | None, shown_by: Reporter | None) -> None:
        """``jobs`` is how many processes check at once; None is what the archive's size is worth."""
        self.layout = readable(root)
        self._total = sum(map(_size, _listed(self.layout.sessions)))
        self._jobs = jobs or jobs_for(self._total)
        self._shown_by = shown_by
        self._seen: set[str] = set()
        self._named: set[str] = set()
        self.found = Verification(root, written_by=holder(self.layout.lock))

    def run(self) -> Verification:
        """Verify everything, the ledger too where there is one.

        Raises ArchiveError where reading is impossible, SettingsError where it needs a library that is
        not installed.
        """
        for _ in self.sessions():
            pass
        if not self.layout.manifest.is_file():  # without it nobody can tell what is extra
            self.found.findings = [each for each in self.found.findings if each.problem is not Problem.EXTRA]
        if self.found.written_by is None:
            self._note(_leftovers(self.layout))
        self._note(ledger_findings(self.layout))
        return self.found

    def sessions(self) -> Iterator[Checked]:
        """Every session in the manifest's order, as it is checked; ``found`` is complete behind the last."""
        began = time.monotonic()
        shown = _Shown(self._shown_by, self._total, began)
        for checked in sweep(self.layout.root, self._listed_sessions(), self._jobs):
            self._count(checked)
            shown.refresh(self.found)
            yield checked
        shown.close(self.found)
        self._note(_extra_files(self.layout, self._named))
        self.found.seconds = time.monotonic() - began

    def _note(self, findings: Iterable[Finding]) -> None:
        self.found.findings.extend(findings)

    def _count(self, checked: Checked) -> None:
        self._note(checked.verdict.findings)
        self.found.views += len(checked.entries)
        self.found.sessions += 1
        self.found.size += sum(entry.span.length for entry in checked.entries if entry.span)

    def _listed_sessions(self) -> Iterator[Session]:
        """The manifest's sessions, each with all its views; what is wrong with the manifest itself is noted."""
        if not self.layout.manifest.is_file():
            missing = "no such file, as before the end of a first run"
            self._note([Finding(Problem.MISSING, self.layout.manifest.name, missing)])
            return
        for session_id, group in groupby(self._entries(), lambda entry: entry.record.planned.view.session_id):
            if session_id in self._seen:
                self._complain(next(group).record.planned.row, f"session {session_id} comes a second time")
                continue
            entries = list(self._once(group))
            for compression in {entry.compression for entry in entries}:
                require(compression)
            self._seen.add(session_id)
            self._named.update(entry.file for entry in entries if entry.file is not None)
            yield entries

    def _entries(self) -> Iterator[Entry]:
        for line in read_manifest(self.layout):
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
        self._note([Finding(Problem.DAMAGED, self.layout.manifest.name, f"line {line}: {reason}")])


class _Shown:
    """The reporter, refreshed by the clock; one that was never needed shows nothing."""

    def __init__(self, shown_by: Reporter | None, total: int, began: float) -> None:
        self._shown_by = shown_by
        self._total = total
        self._began = self._last = began
        self._begun = False

    def refresh(self, found: Verification) -> None:
        now = time.monotonic()
        if self._shown_by is not None and now - self._last >= self._shown_by.period:
            self._last, self._begun = now, True
            self._shown_by.refresh(self._moment(found, now))

    def close(self, found: Verification) -> None:
        if self._shown_by is not None and self._begun:
            self._shown_by.close(self._moment(found, time.monotonic()))

    def _moment(self, found: Verification, now: float) -> CheckingMoment:
        return CheckingMoment(self._total, found.size, len(found.findings), now - self._began)


def _listed(folder: Path) -> Iterator[os.DirEntry[str]]:
    """What is in a folder; nothing where there is no such folder."""
    try:
        with os.scandir(folder) as listed:
            yield from listed
    except FileNotFoundError:
        return
    except OSError as error:
        raise ArchiveError(f"{folder} cannot be read: {error.strerror}") from error


def _size(file: os.DirEntry[str]) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0  # a run has just replaced it


def _extra_files(layout: Layout, named: set[str]) -> Iterator[Finding]:
    folder = layout.sessions.name
    extra = (name for file in _listed(layout.sessions) if (name := f"{folder}/{file.name}") not in named)
    for name in sorted(extra):
        yield Finding(Problem.EXTRA, name, "no view of the manifest lies in it")


def _leftovers(layout: Layout) -> Iterator[Finding]:
    for file in sorted(_listed(layout.temporary), key=lambda file: file.name):
        name = Path(file.path).relative_to(layout.root).as_posix()
        yield Finding(Problem.EXTRA, name, "left behind by a run that was killed")
