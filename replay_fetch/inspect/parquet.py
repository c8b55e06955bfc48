"""Write rows into Parquet files, a row group at a time; pyarrow is known to this module alone.

Importing the module raises SettingsError where pyarrow, an optional extra, is not installed. Columns that a row
lacks are null.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from replay_fetch.archive.durable import explained
from replay_fetch.errors import SettingsError, extra_needed
from replay_fetch.inspect.tables import Row
from replay_fetch.named_file import NamedFile

try:
    import pyarrow as pa
    from pyarrow import parquet
except ImportError:
    raise SettingsError(extra_needed("--parquet", "parquet")) from None

# Rows a group: readers take in whole groups, and 50,000 rows of ours are some 10 MB in memory.
_ROWS = 50_000

_TIME = pa.timestamp("ms", tz="UTC")
VIEWS = pa.schema(
    {
        "session_id": pa.string(),
        "view_id": pa.string(),
        "outcome": pa.string(),
        "reason": pa.string(),
        "source": pa.string(),
        "shape": pa.string(),
        "pages": pa.int64(),
        "segments": pa.int64(),
        "records": pa.int64(),
        "bytes": pa.int64(),
        "sha256": pa.string(),
        "start": _TIME,
        "end": _TIME,
        "file": pa.string(),
        "offset": pa.int64(),
        "length": pa.int64(),
        "gaps": pa.list_(pa.int64()),
        "repeats": pa.list_(pa.int64()),
        "lacks_full_snapshot": pa.bool_(),
        "segments_expected": pa.int64(),
    }
)
SEGMENTS = pa.schema(
    {
        "session_id": pa.string(),
        "view_id": pa.string(),
        "position": pa.int64(),
        "index": pa.int64(),
        "start": _TIME,
        "end": _TIME,
        "records": pa.int64(),
        "has_full_snapshot": pa.bool_(),
        "creation_reason": pa.string(),
        "sdk": pa.string(),
        "application_id": pa.string(),
        "bytes": pa.int64(),
    }
)
ACTIONS = pa.schema(
    {
        "session_id": pa.string(),
        "view_id": pa.string(),
        "at": _TIME,
        "until": _TIME,
        "kind": pa.string(),
        "text": pa.string(),
        "label": pa.string(),
        "selector": pa.string(),
        "value": pa.string(),
        "x": pa.float64(),
        "y": pa.float64(),
        "by": pa.string(),
    }
)
EVENTS = pa.schema(
    {
        "session_id": pa.string(),
        "view_id": pa.string(),
        "event_id": pa.string(),
        "at": _TIME,
        "type": pa.string(),
        "text": pa.string(),
        "status": pa.int64(),
        "duration_ms": pa.float64(),
        "url": pa.string(),
        "user_id": pa.string(),
        "user_email": pa.string(),
        "service": pa.string(),
        "json": pa.string(),
    }
)


class Table:
    """A Parquet file being written, to be used as a context.

    The file gets its name when the context ends well. After an error the temporary file is removed, and an
    older table stays as it was. Raises SettingsError for a path that is a stream: readers of Parquet seek.
    """

    def __init__(self, path: Path, schema: Any) -> None:  # Any: pyarrow ships no types
        self.path = path
        self.rows = 0
        self._schema = schema
        file = NamedFile("--parquet", path)
        if file.is_stream:
            raise SettingsError(f"--parquet: {path} is no regular file, and Parquet is not written to a stream")
        self._target, self._temporary = file.target, file.temporary
        self._held: list[Row] = []

    def __enter__(self) -> Self:
        with explained(f"writing {self.path}"):
            self._temporary.touch(mode=0o600)  # as private as the archive it comes from
            self._writer = parquet.ParquetWriter(self._temporary, self._schema, compression="zstd")
        return self

    def add(self, row: Row) -> None:
        """Add a row to the table. Some 50,000 rows are held in memory, about 10 MB, and then written as a row group."""
        self._held.append(row)
        self.rows += 1
        if len(self._held) >= _ROWS:
            self._write()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._write()
                with explained(f"writing {self.path}"):
                    self._writer.close()
                    self._temporary.replace(self._target)
        finally:
            self._writer.close()
            self._temporary.unlink(missing_ok=True)

    def _write(self) -> None:
        if self._held:
            with explained(f"writing {self.path}"):
                self._writer.write_table(pa.Table.from_pylist(self._held, schema=self._schema))
            self._held = []
