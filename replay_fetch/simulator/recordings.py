"""The recordings that the simulator serves: real segments of real views, in the order of the sample list."""

from __future__ import annotations

import csv
import functools
import io
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple

from replay_fetch.errors import InputError
from replay_fetch.model import View

_SAMPLE, _HARDER = "recordings", "recordings-hard"


class RecordedView(NamedTuple):
    """A recorded view; ``segments`` are the exact bytes that the SDK sent, in the order of sending."""

    view: View
    segments: tuple[bytes, ...]


def load_recordings() -> tuple[RecordedView, ...]:
    """Load the recorded views of the sample list, the views of a session together.

    The result is cached. Raises InputError where the recordings are not installed.
    """
    return _loaded(_SAMPLE)


def load_harder_recordings() -> tuple[RecordedView, ...]:
    """Load the views of pages that were made to be hard to play; no list and no search names their ids."""
    return _loaded(_HARDER)


@functools.cache
def _loaded(name: str) -> tuple[RecordedView, ...]:
    folder = recordings_folder(name)
    pairs = csv.reader(io.StringIO(folder.joinpath("pairs.csv").read_text("utf-8"), newline=""))
    next(pairs)
    segments: dict[str, list[bytes]] = {}
    # Names are session_view_index[_dup].json: in order of name a segment comes before its duplicate.
    for file in sorted(folder.joinpath("segments").iterdir(), key=lambda file: file.name):
        session_id, view_id, *_ = file.name.split("_")
        # The trailing newline belongs to the file, not to the segment.
        segments.setdefault(f"{session_id}/{view_id}", []).append(file.read_bytes().removesuffix(b"\n"))
    views = [View(session_id, view_id) for session_id, view_id in pairs]
    return tuple(RecordedView(view, tuple(segments.get(str(view), ()))) for view in views)


def recordings_folder(name: str = _SAMPLE) -> Traversable:
    """Find the folder of some recordings: inside an installed package, or beside the package in a checkout.

    Raises InputError where neither is there.
    """
    checkout = Path(__file__).parents[2] / "sample_inputs"
    for folder in (files("replay_fetch.simulator") / name, checkout / name):
        if folder.joinpath("pairs.csv").is_file():
            return folder
    raise InputError(
        "the simulator's recordings are neither in the package nor in sample_inputs/ beside it; "
        "install replay-fetch from a wheel or run it from a checkout",
    )
