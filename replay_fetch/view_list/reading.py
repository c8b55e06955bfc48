"""The reading of a list: the lines of its file, or of the files of an exported folder, and how far they are read."""

from __future__ import annotations

import io
import logging
from array import array
from bisect import bisect_left
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from replay_fetch.errors import InputError
from replay_fetch.view_list.exported import folder_of, is_parquet, list_files
from replay_fetch.view_list.source import ListSource, bytes_read, name_of, open_lines

log = logging.getLogger(__name__)


class Reading:
    """The lines of a source, counted over all its files, with the place of each for messages.

    Nothing is opened before the lines are asked for. Of a folder the names of its files are kept, no line.
    """

    def __init__(self, source: ListSource) -> None:
        self._source = source
        self.name = name_of(source)
        self.folder = folder_of(source)
        """The folder of exported files that the source is; None for all other sources."""
        self._files: list[str] = []
        # For each file that was begun, how many lines are before it.
        self._before = array("Q")
        self._stream: io.BufferedReader | None = None
        self._at = self._done = self._total = 0

    @contextmanager
    def lines(self) -> Iterator[Iterator[str]]:
        """Open the lines, one after another; raises InputError, also while they are read."""
        if self.folder is None:
            with open_lines(self._source, self._watch) as lines:
                yield lines
            return
        with closing(self._lines_of_files(self.folder)) as lines:
            yield lines

    def place(self, line: int) -> str:
        """Name the place of a line in words: in a folder its file and the number there."""
        if not self._before:
            return f"{_unit(self.name)} {line}"
        at = bisect_left(self._before, line) - 1
        return f"{self._files[at]}, {_unit(self._files[at])} {line - self._before[at]}"

    @property
    def bytes_read(self) -> tuple[int, int]:
        """How many bytes of the files are read, packed or not, and how many there are; 0 and 0 of a pipe."""
        if self._stream is not None:
            # A file that is closed was read to its end, or the list was cut at --max-views.
            self._at, size = bytes_read(self._stream) or (self._at, 0)
            self._total = self._total if self.folder else size or self._total
        return self._done + self._at, self._total

    def _watch(self, stream: io.BufferedReader) -> None:
        self._stream, self._at = stream, 0

    def _lines_of_files(self, folder: Path) -> Generator[str, None, None]:
        self._files, others = list_files(folder)
        if not self._files:
            raise InputError(f"{self.name} is a folder without a .json, .json.gz or .parquet file; name a list's file")
        if others:
            log.info("%s: files of other names are passed over, %d such as %s", self.name, len(others), others[0])
        sizes = [(folder / name).stat().st_size for name in self._files]
        self._total = sum(sizes)
        lines_read = 0
        for name, size in zip(self._files, sizes, strict=True):
            self._before.append(lines_read)
            with open_lines(folder / name, self._watch) as lines:
                for line in lines:
                    lines_read += 1
                    yield line
            self._done, self._at, self._stream = self._done + size, 0, None


def _unit(name: str) -> str:
    return "row" if is_parquet(name) else "line"
