"""The recorded views of the samples, and how their records are changed by tests."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

SAMPLES = Path(__file__).parents[2] / "sample_inputs"
FOLDERS = ("recordings", "recordings-hard")


class Recorded(NamedTuple):
    """A view that the SDK recorded, by the SDK's version."""

    sdk: str
    view_id: str
    segments: tuple[bytes, ...]

    def __repr__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return f"{self.sdk}-{self.view_id[:8]}"


@cache
def recorded_views() -> tuple[Recorded, ...]:
    return tuple(view for folder in FOLDERS for view in _views(SAMPLES / folder))


def _views(folder: Path) -> Iterator[Recorded]:
    found: dict[tuple[str, str], list[tuple[int, str]]] = {}
    with (folder / "index.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault((row["sdk"], row["view_id"]), []).append((int(row["index_in_view"]), row["file"]))
    for (sdk, view_id), files in found.items():
        segments = (folder / "segments" / name for _, name in sorted(files))
        yield Recorded(sdk, view_id, tuple(path.read_bytes().removesuffix(b"\n") for path in segments))


def records_of(segment: bytes) -> list[Any]:  # Any: records as JSON
    records: list[Any] = json.loads(segment)["records"]
    return records


def with_records(segment: bytes, records: list[Any]) -> bytes:  # Any: as above
    """The same segment around other records."""
    return json.dumps(json.loads(segment) | {"records": records}).encode()
