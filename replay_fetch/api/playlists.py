"""Playlists: the sessions somebody has put together by hand."""

from __future__ import annotations

from replay_fetch.api.endpoint import check_id
from replay_fetch.api.json_answer import dig, json_object
from replay_fetch.errors import BadBody
from replay_fetch.model import Answer

PAGE_SIZE = 100
"""Sessions that one request asks for."""


def playlist_url(origin: str, playlist: str, page: int) -> str:
    """Where a page of a playlist's sessions is; the first page is 0. Raises ValueError for an id that is none."""
    pages = f"page%5Bnumber%5D={page}&page%5Bsize%5D={PAGE_SIZE}"
    return f"{origin}/api/v2/rum/replay/playlists/{check_id(playlist)}/sessions?{pages}"


def playlist_sessions(answer: Answer) -> list[str]:
    """The session ids in a 2xx answer; BadBody where it holds no list of sessions, ServerError as `json_object`."""
    listed = json_object(answer).get("data")
    if not isinstance(listed, list):
        raise BadBody("the answer for a playlist has no list under data", answer)
    ids = [dig(session, "id") for session in listed]
    try:
        return [check_id(each if isinstance(each, str) else "") for each in ids]
    except ValueError as reason:
        raise BadBody(f"the playlist names a session that cannot be one: {reason}", answer) from None
