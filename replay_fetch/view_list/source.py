"""The source of a list: a path, standard input or a stream, packed or not, opened as lines of text."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import os
import stat
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from replay_fetch.errors import InputError
from replay_fetch.settings import PlanSettings
from replay_fetch.view_list.exported import folder_of, list_files, parquet_lines

ListSource = str | os.PathLike[str] | BinaryIO

STDIN = "-"


class Words(io.BytesIO):
    """Ids and links as the command line names them: a list with one on each line."""

    def __init__(self, words: Iterable[str]) -> None:
        super().__init__("\n".join(words).encode("utf-8", "surrogateescape"))


_GZIP = b"\x1f\x8b"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # how spreadsheets save "Unicode text"
_PARQUET = b"PAR1"
_NOT_LISTS = {
    b"PK\x03\x04": "a spreadsheet or zip file; save it as CSV",
    _PARQUET: "a Parquet file, which is read by its name alone; name the file in place of a pipe",
    b"\x28\xb5\x2f\xfd": "zstd-compressed; unpack it, or pack it as .gz",
}

# The vendor's explorers put whole JSON documents into cells. csv's own limit, 131,072, drops such rows. A line is held
# to the same bound: past it the file is no list, and would be read into memory whole.
LONGEST_CELL = 2**24

_limit = Lock()
_readers = 0
_before = 0


@contextmanager
def wide_cells() -> Iterator[None]:
    """Let csv take cells of `LONGEST_CELL` characters while a list is read.

    csv has a single limit for the whole process. The last list that is closed gives the program's own limit back,
    unless the program has set another limit meanwhile.
    """
    global _readers, _before  # noqa: PLW0603 - csv's limit is as global as these
    with _limit:
        if not _readers:
            _before = csv.field_size_limit()
            csv.field_size_limit(max(_before, LONGEST_CELL))
        _readers += 1
    try:
        yield
    finally:
        with _limit:
            _readers -= 1
            if not _readers and csv.field_size_limit() == LONGEST_CELL:
                csv.field_size_limit(_before)


def name_of(source: ListSource) -> str:
    """The name of the list in messages; safe to print."""
    if source == STDIN:
        return "standard input"
    if not isinstance(source, str | os.PathLike):
        return "the command line" if isinstance(source, Words) else "the stream"
    path = os.fspath(source)
    return path if path.isprintable() else repr(path)


def bytes_read(stream: io.BufferedReader) -> tuple[int, int] | None:
    """Return how many bytes of a file are read, and how many there are; None for a pipe, and once it is closed."""
    try:
        return stream.tell(), os.fstat(stream.fileno()).st_size
    except (OSError, ValueError):
        return None


@contextmanager
def open_lines(
    source: ListSource, begun: Callable[[io.BufferedReader], object] | None = None
) -> Iterator[Iterator[str]]:
    """Open the list's physical lines, line ends included, decoded; bytes that are no text survive as surrogates.

    Closes every file opened here; a stream that was handed in stays open. Each row of a Parquet file is a line of
    JSON. ``begun`` gets the bytes as they come, to look how far they are read. Raises InputError, also while the lines
    are read.
    """
    name = name_of(source)
    try:
        with ExitStack() as stack:
            binary = _binary(source, stack)
            if isinstance(source, str | os.PathLike) and binary.peek(4).startswith(_PARQUET):
                yield stack.enter_context(closing(parquet_lines(Path(source), name)))
                return
            if begun is not None:
                begun(binary)
            text = _decoded(_unpacked(binary, name, stack))
            stack.callback(text.detach)
            yield _bounded(text, name)
    except FileNotFoundError:
        raise InputError(f"{name}: there is no such file") from None
    except IsADirectoryError:
        raise InputError(f"{name} is a folder; name the file in it") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{name} is cut short or damaged: {error}") from error
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or error}") from error


def _binary(source: ListSource, stack: ExitStack) -> io.BufferedReader:
    if source == STDIN:
        if sys.stdin is None:
            raise InputError("standard input is closed; name the CSV file instead of -")
        source = sys.stdin.buffer
    if isinstance(source, str | os.PathLike):
        return stack.enter_context(Path(source).open("rb"))
    if isinstance(source, io.BufferedReader):
        return source
    # It reads with readinto, which all binary streams have and typing.BinaryIO does not mention.
    buffered: io.BufferedReader = io.BufferedReader(source)  # type: ignore[arg-type]
    stack.callback(buffered.detach)
    return buffered


def _unpacked(stream: io.BufferedReader, name: str, stack: ExitStack) -> io.BufferedReader:
    """The stream, read through gunzip where the first bytes say gzip, whatever the name ends in."""
    start = stream.peek(4)
    for magic, what in _NOT_LISTS.items():
        if start.startswith(magic):
            raise InputError(f"{name} is {what}")
    if not start.startswith(_GZIP):
        return stream
    return io.BufferedReader(stack.enter_context(gzip.GzipFile(fileobj=stream)), 2**18)


def _decoded(stream: io.BufferedReader) -> io.TextIOWrapper:
    if stream.peek(2).startswith(_UTF_16):
        return io.TextIOWrapper(stream, encoding="utf-16", errors="replace", newline="")
    return io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="")


def _bounded(text: io.TextIOWrapper, name: str) -> Iterator[str]:
    number = 0
    try:
        for number, line in enumerate(iter(partial(text.readline, LONGEST_CELL), ""), start=1):
            if len(line) == LONGEST_CELL:
                raise InputError(
                    f"{name}, line {number}: longer than {LONGEST_CELL:,} characters; this is no list of views"
                )
            yield line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{name} is cut short or damaged behind line {number}: {error}") from error


# Counted up whenever the same bytes would be read as other rows.
_RULES = 5


def fingerprint(source: ListSource, settings: PlanSettings) -> str | None:
    """Fingerprint a list: SHA-256, in hex, over the file's bytes and the settings that change reading.

    Equal fingerprints promise equal rows, so a resumed run need not read the list again. Of a folder of exported
    files it is over their names, too. None for a source that can be read only once: standard input, a stream, a pipe.
    Raises InputError.
    """
    if source == STDIN or not isinstance(source, str | os.PathLike):
        return None
    path, folder = Path(source), folder_of(source)
    try:
        if folder is not None:
            digest = hashlib.sha256()
            for name in list_files(folder)[0]:
                digest.update(f"{name}\n{_sha256_of(folder / name).hexdigest()}\n".encode("utf-8", "surrogateescape"))
        elif stat.S_ISREG(path.stat().st_mode):
            digest = _sha256_of(path)
        else:
            return None
    except OSError as error:
        raise InputError(f"{name_of(source)} cannot be read: {error.strerror}") from error
    # Where the columns are named otherwise, or fewer views wanted, the same bytes give other rows.
    reading = (_RULES, settings.session_column, settings.view_column, settings.max_views, settings.view_only)
    digest.update(repr(reading).encode())
    return digest.hexdigest()


def _sha256_of(path: Path) -> hashlib._Hash:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256")
