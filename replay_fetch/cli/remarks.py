"""The warnings about a view's recording, in the words of ``show`` and ``status``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from replay_fetch.model import WARNING_WORDS, ViewRecord
from replay_fetch.progress.units import few, some

_NUMBERS_SHOWN = 8


def remarks(record: ViewRecord) -> Iterator[str]:
    """Yield a line for each warning about a recording: gaps, repeats, no full snapshot, segments that are lacking."""
    warnings, words = record.warnings, WARNING_WORDS
    if warnings.gaps:
        yield f"{words['gaps']}: {_segments(warnings.gaps)} never came"
    if warnings.repeats:
        yield f"{words['repeats']}: {_segments(warnings.repeats)} came again"
    if warnings.lacks_full_snapshot:
        yield f"{words['lacks_full_snapshot']} at its start: a player has nothing to begin with"
    if warnings.segments_expected is not None:
        yield f"{words['segments_expected']}: {some(record.segments, 'segment')} of {warnings.segments_expected}"


def _segments(numbers: Sequence[int]) -> str:
    return f"segment{'s' * (len(numbers) > 1)} {few(numbers, _NUMBERS_SHOWN)}"
