"""The check of a manifest against the ledger: each line must be the one that follows from the view's record."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from replay_fetch.archive.manifest import BadLine, Entry, ManifestLine, read_line, read_manifest
from replay_fetch.archive.shelf import Shelf
from replay_fetch.model import ViewRecord


class ManifestCheck:
    """Reads a manifest beside the ledger's records of all views, in one pass; used once."""

    def __init__(self, lines: Iterator[tuple[ViewRecord, ManifestLine]], *, list_came_in_since: bool) -> None:
        """Prepare to hold the manifest against the lines that follow from the ledger, each with its record, in order.

        After a list came in, the manifest knows neither of its new views nor of its counts of segments.
        """
        self.first_other = 0
        """The number of the first line that does not follow from the ledger, counted from 1; 0 where all do."""
        self._lines = lines
        self._list_came_in_since = list_came_in_since
        self._number = 0

    def entries(self, shelf: Shelf) -> Iterator[Entry | BadLine]:
        """Read the manifest as `read_manifest` does; ``first_other`` is known behind the last line."""
        for line in read_manifest(shelf, self._entry):
            if isinstance(line, BadLine) and line.number > self._number:  # the last line breaks off
                self._note(line.number)
            yield line
        if self._next(None) is not None:
            self._note(self._number + 1)

    def _entry(self, number: int, text: bytes) -> Entry | BadLine:
        self._number = number
        expected = self._next(text)
        if expected is not None:
            _, line = expected
            # Bytes first: they are equal for nearly every line, and then the line need not be parsed.
            if text + b"\n" == line.encode():
                return read_line(number, text, expected)
            if self._is_same(text, line):
                return read_line(number, text)
        self._note(number)
        return read_line(number, text)

    def _note(self, number: int) -> None:
        self.first_other = self.first_other or number

    def _next(self, text: bytes | None) -> tuple[ViewRecord, ManifestLine] | None:
        """Return the record and the line that belong in the place of a line, or behind the last one for None.

        A view of a list that came in since the manifest was written has none, if nothing was ever asked of it.
        """
        for record, line in self._lines:
            known = record.outcome or record.size or not self._list_came_in_since
            if known or (text is not None and _ids(text) == _ids(line.encode())):
                return record, line
        return None

    def _is_same(self, text: bytes, made: ManifestLine) -> bool:
        """Tell whether two lines give all known keys the same values; a newer version may write more keys."""
        try:
            line = ManifestLine.decode(text)
        except (ValueError, RecursionError):
            return False
        if self._list_came_in_since:
            line = replace(line, segments_expected=made.segments_expected)
        return line == made


def _ids(line: bytes) -> list[bytes]:
    # The ids stand first in a line, and hold no comma.
    return line.split(b",", 2)[:2]
