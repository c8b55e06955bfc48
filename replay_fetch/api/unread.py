"""What is called like a paging token, outside of lists: a guess, for where no rule has found one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from replay_fetch.api import json_split
from replay_fetch.api.envelope import Envelope, kind
from replay_fetch.api.tokens import LOOKED_AT, TOKEN_PLACES

DEEPEST = 5
"""Objects further in are not looked into."""
# What keys of tokens are called, the likelier the earlier; searched for within the key.
_WORDS = (
    *("paging", "next", "cursor", "token", "after", "continu", "scroll", "marker", "resume", "bookmark"),
    *("checkpoint", "anchor", "iterator", "offset", "position", "truncat", "more", "page"),
)
# What leads back or counts is no token, though a word of the above is in its name.
_no_token = re.compile(r"prev|before|first|size|limit|count|total|per_?page")
# JSON as an object in base64, as is the token in the vendor's own example, whatever its key is called.
_LIKE_THE_EXAMPLE = b'"eyJ'
_BY_RULES = LOOKED_AT | TOKEN_PLACES
_EMPTY = (b"null", b'""', b"false")


class TokenLike(NamedTuple):
    """Paths for ``--next-path``, the likelier first."""

    filled: list[str]
    """To strings, numbers and true."""
    empty: list[str]
    """To null, false and empty strings where no rule looks: on a page that leads on a token may stand there."""


def token_like(envelope: Envelope, segments_path: str = "") -> TokenLike:
    """What is called like a token in the object around the segments, which are at ``segments_path``."""
    filled: list[tuple[int, int, str]] = []
    empty: list[tuple[int, int, str]] = []
    for path, text in _walk(envelope, "", segments_path):
        rank = _rank(path)
        if rank == len(_WORDS) and not text.startswith(_LIKE_THE_EXAMPLE):
            continue
        if text in _EMPTY:
            if path not in _BY_RULES:
                empty.append((rank, path.count("."), path))
        elif kind(text) in ("string", "number", "boolean"):
            filled.append((rank, path.count("."), path))
    return TokenLike(_paths(filled), _paths(empty))


def token_like_in(text: bytes) -> TokenLike:
    """The same for a whole body, if that is one object; NotJson where it is no JSON."""
    values = json_split.values(text)
    if len(values) != 1 or kind(values[0]) != "object":
        return TokenLike([], [])
    return token_like(Envelope({"": json_split.members(values[0])}))


def is_named_like_a_token(path: str) -> bool:
    """True where the path's last key is called as tokens are."""
    return _rank(path) < len(_WORDS)


def unread(envelope: Envelope, segments_path: str) -> list[str]:
    """Paths to what looks like a token and stands where no rule looks for one."""
    return [path for path in token_like(envelope, segments_path).filled if path not in _BY_RULES]


def _walk(envelope: Envelope, here: str, segments_path: str) -> Iterator[tuple[str, bytes]]:
    """All that a path leads to from the object at ``here``, but for what is at ``segments_path``."""
    for key, text in envelope.members(here).items():
        path = f"{here}.{key}" if here else key
        if not key or "." in key or path == segments_path:
            continue
        yield path, text
        if kind(text) == "object" and path.count(".") + 1 < DEEPEST:
            yield from _walk(envelope, path, segments_path)


def _rank(path: str) -> int:
    key = path.rpartition(".")[2].lower()
    if _no_token.search(key):
        return len(_WORDS)
    return next((rank for rank, word in enumerate(_WORDS) if word in key), len(_WORDS))


def _paths(ranked: list[tuple[int, int, str]]) -> list[str]:
    return [path for _, _, path in sorted(ranked)]
