"""Files of exported RUM events: a folder of them, as the vendor's export to a bucket lays them out, and their rows.

``dt=20261127/hour=09/archive_090000.0000.<UUID>.json.gz`` holds an event on each line, and the same name with
``.parquet`` an event in each row.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Generator, Mapping
from datetime import date, datetime
from pathlib import Path

from replay_fetch.errors import InputError, SettingsError, extra_needed
from replay_fetch.timestamps import epoch_ms, iso

_ENDINGS = (".json", ".json.gz", ".parquet")
# Names that programs give to what is no data: .part, .crc, _SUCCESS.
_NO_DATA = (".", "_")
# Rows that are turned into text together: some megabytes of events.
_ROWS = 500


def folder_of(source: object) -> Path | None:
    """Return the folder that a source names; None for a file, a stream, standard input, and what is not there."""
    if not isinstance(source, str | os.PathLike) or not (path := Path(source)).is_dir():
        return None
    return path


def is_parquet(name: str) -> bool:
    """Tell whether a file is named as Parquet files are."""
    return name.endswith(".parquet")


def list_files(folder: Path) -> tuple[list[str], list[str]]:
    """List the files of exported events below a folder, and files of other names, by their paths below it.

    They are in the order of their paths, folder by folder: the same files give the same list on every machine.
    Raises InputError where a folder cannot be looked into.
    """

    def unreadable(error: OSError) -> None:
        raise InputError(f"{error.filename} cannot be read: {error.strerror or error}") from None

    names = [
        (Path(where) / name).relative_to(folder).as_posix()
        for where, _, files in os.walk(folder, onerror=unreadable)
        for name in files
        if not name.startswith(_NO_DATA)
    ]
    names.sort(key=lambda name: name.split("/"))
    return [name for name in names if name.endswith(_ENDINGS)], [name for name in names if not name.endswith(_ENDINGS)]


def parquet_lines(path: Path, name: str) -> Generator[str, None, None]:
    """Give each row of a Parquet file as a line of JSON, without absent values; dotted columns become objects.

    Memory holds a group of rows. Raises SettingsError where pyarrow is not installed, InputError for a damaged file.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise SettingsError(extra_needed(f"{name}: a Parquet file", "parquet")) from None
    row = 0
    try:
        with parquet.ParquetFile(path, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=_ROWS):
                for values in batch.to_pylist():
                    row += 1
                    yield json.dumps(_as_object(values), ensure_ascii=False, separators=(",", ":"), default=_as_text)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        first = str(error).partition("\n")[0]
        raise InputError(f"{name} is cut short or damaged behind row {row}: {first}") from None


def _as_object(row: Mapping[str, object]) -> dict[str, object]:
    """Make the object that a row was: absent values left out, ``session.id`` a value inside of ``session``."""
    made: dict[str, object] = {}
    for name, value in row.items():
        found = _present(_unpacked(value))
        if found is None:
            continue
        *above, last = name.split(".")
        inside = made
        for part in above:
            below = inside.setdefault(part, {})
            inside = below if isinstance(below, dict) else inside
        inside[last] = found
    return made


def _unpacked(value: object) -> object:
    """The object in a column that holds JSON as text; any other value as it is."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _present(value: object) -> object:
    """Leave out what a column has no value for: Parquet has a place for each value that any row has."""
    if isinstance(value, dict):
        found = {name: each for name, part in value.items() if (each := _present(part)) is not None}
        return found or None
    if isinstance(value, list):
        return [_present(each) for each in value]
    return value


def _as_text(value: object) -> object:
    """Write what JSON has no form for: times as the API writes them, bytes as text."""
    if isinstance(value, datetime):
        return iso(epoch_ms(value))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    return str(value)
