"""The endings of views: how a view's last message becomes part of its record, and when a verdict is not final yet."""

from __future__ import annotations

from msgspec.structs import replace

from replay_fetch.archive.write.messages import ViewEnded
from replay_fetch.model import Outcome, PlannedView, ViewRecord

DAMAGED = "its saved part is damaged; the next run fetches it anew"
GONE = "an earlier run got %d segments before it was cut off, which are kept; asked again, the view is %s"
LACKS = "the API's latest answer lacks %d of the %d segments here; those came earlier, and stay first"
STAYS = "%s: asked again, it is %s with %d segments where there were %d; the archive keeps what it has"
YOUNG = "the list counts more segments than came, and the recording is younger than a day: more may come"
# Seconds in which what was recorded may still be on its way into the store that is asked.
_A_DAY = 86_400


def unless_young(planned: PlannedView, ended: ViewEnded | None, segments: int, end_ms: int | None) -> ViewEnded | None:
    """Turn a finished ending into an unfinished one while a young view lacks segments that the list counts.

    A view is as old as its latest segment, or as the list's date. Where neither is known, or lies in the future, the
    view counts as young for a day from the first such answer.
    """
    if ended is None or not ended.at or not ended.outcome.finished or not planned.lacking(segments):
        return ended
    told = planned.dated if end_ms is None else end_ms // 1000
    # Times of recordings are of the visitors' clocks: one that is years ahead would keep its view young for years.
    born = _open_since(planned, ended) if told is None or told > ended.at else told
    return replace(ended, outcome=Outcome.INCOMPLETE, reason=YOUNG) if ended.at - born < _A_DAY else ended


def open_since(planned: PlannedView, ended: ViewEnded | None) -> int | None:
    """Return when, in seconds since 1970, an ending began to wait for confirmation; None where the ending is final.

    A later run that is told the same keeps the first time: the age of the doubt decides, not of the last question.
    """
    waits = ended is not None and (ended.outcome is Outcome.UNCONFIRMED or ended.reason == YOUNG)
    return _open_since(planned, ended) if ended is not None and ended.at and waits else None


def _open_since(planned: PlannedView, ended: ViewEnded) -> int:
    since = planned.earlier.recording.open_since if planned.earlier else None
    return ended.at if since is None else since


def ended_as(record: ViewRecord, ended: ViewEnded | None) -> ViewRecord:
    """Return the record with its ending, or without an ending while the view grows; a cut chain loses its token."""
    if ended is None:
        return replace(record, outcome=None, reason="")
    # A chain that was cut would be cut again at the same place: without a token the next run begins at the first page.
    token = None if ended.outcome is Outcome.INCOMPLETE else record.token
    source = record.source or ended.source
    return replace(record, outcome=ended.outcome, reason=ended.reason, source=source, token=token)
