"""Segments that the API wraps in a resource object, JSON:API's ``{"type", "id", "attributes"}``."""

from __future__ import annotations

from operator import methodcaller

from replay_fetch.api import json_split
from replay_fetch.model import Segment

# As the SDKs write a segment; then the whole of it need not be looked through for a wrapper's keys.
_RECORDS_FIRST = b'{"records":'
_ATTRIBUTES = b'"attributes"'
is_bare = methodcaller("startswith", _RECORDS_FIRST)
"""True of an element that is a segment, and in no wrapper, as its first key says."""


def segment(element: bytes) -> Segment:
    """The segment in one element of a page, taken out of its wrapper where it has one.

    A wrapper is an object whose ``attributes`` are an object, with a ``type`` or ``id`` beside
    them and no ``records``. Its other members become ``Segment.item``, each one verbatim.
    """
    if is_bare(element) or _ATTRIBUTES not in element or element[:1] != b"{":
        return Segment(element)
    pairs = json_split.pairs(element)
    names = {json_split.key_text(key): value for key, value in pairs}
    inner = names.get("attributes", b"")
    if inner[:1] != b"{" or "records" in names or not ("type" in names or "id" in names):
        return Segment(element)
    rest = [key + b":" + value for key, value in pairs if json_split.key_text(key) != "attributes"]
    return Segment(inner, b"{" + b",".join(rest) + b"}")
