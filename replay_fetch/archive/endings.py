"""What the record of a view says of its end."""

from __future__ import annotations

from msgspec.structs import replace

from replay_fetch.archive.messages import ViewEnded
from replay_fetch.model import Outcome, ViewRecord

DAMAGED = "its saved part is damaged; the next run fetches it anew"
GONE = "an earlier run got %d segments before it was cut off, which are kept; asked again, the view is %s"
LACKS = "the API's latest answer lacks %d of the %d segments here; those came earlier, and stay first"
STAYS = "%s: asked again, it is %s with %d segments where there were %d; the archive keeps what it has"


def ended_as(record: ViewRecord, ended: ViewEnded | None) -> ViewRecord:
    """The record with its ending; a chain that cannot be followed does not go on from where it is cut."""
    if ended is None:
        return replace(record, outcome=None, reason="")
    token = None if ended.outcome is Outcome.INCOMPLETE else record.token
    source = record.source or ended.source
    return replace(record, outcome=ended.outcome, reason=ended.reason, source=source, token=token)
