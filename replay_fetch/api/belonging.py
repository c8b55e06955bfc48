"""The ids that segments carry, against the view that was asked for: the segments of another view are no answer.

Every SDK writes ``session.id`` and ``view.id`` into each segment. A cache or a proxy that mixes answers up sends
whole pages of somebody else's recording, in which nothing else is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from replay_fetch.api import json_split
from replay_fetch.model import View
from replay_fetch.printable import printable


class _Named(Struct, frozen=True, gc=False):
    """The members of a segment that carry ids; of any type, for a segment may be of an unknown kind."""

    session: object = None
    view: object = None


_named = json_split.Quick(msgspec.json.Decoder(_Named).decode)


def stranger(raws: Sequence[bytes], view: View) -> str | None:
    """Say which segment names another session or view than ``view``, and which; None where no segment does.

    ``raws`` are the JSON texts of segments. A segment that names no id, or none in a known form, belongs to any view.
    Case and dashes make no other id: programs write UUIDs in several ways.
    """
    # Nearly every segment is seen by a comparison: the browser's SDK writes the ids last, mobile SDKs in front of the
    # records.
    ids = b'"session":{"id":"%b"},"view":{"id":"%b"}' % (view.session_id.encode(), view.view_id.encode())
    # A slice is compared in half the time of `endswith`, and a page may hold a hundred short segments.
    ending = ids + b"}"
    tail = slice(-len(ending), None)
    for raw in raws:
        if raw[tail] == ending or raw.find(ids, 0, max(raw.find(b"["), 0)) >= 0:
            continue
        if other := other_id(raw, view):
            return f"segment {raws.index(raw)} is of {other}"
    return None


def other_id(raw: bytes, view: View) -> str:
    """Name the other session or view that a segment is of, beside the right id; empty where it is of ``view``."""
    named = _named_in(raw)
    if named is None:
        return ""
    for what, member, asked in (("session", named.session, view.session_id), ("view", named.view, view.view_id)):
        id_ = member.get("id") if isinstance(member, dict) else None
        if isinstance(id_, str) and id_ and _plain(id_) != _plain(asked):
            return f"{what} {printable(id_, 60)} instead of {asked}"
    return ""


def _named_in(raw: bytes) -> _Named | None:
    """Read the ids of a segment; None where the text is no object."""
    try:
        # As the browser's SDK begins and goes on behind the records: then the records need not be read once more. The
        # rest reads as an object only where the bracket closes a member of the segment itself, see `segment`.
        behind = raw.rfind(b"]")
        if raw.startswith(b'{"records":[') and raw.startswith(b'],"start":', behind):
            return _named(b'{"":[' + raw[behind:])
    except json_split.REFUSED:
        pass
    try:
        return _named(raw)
    except json_split.REFUSED:
        return None


def _plain(id_: str) -> str:
    return id_.lower().replace("-", "")
