"""The same as ``find_next`` in one call, for pages whose token stands where one was seen before.

msgspec takes it from that one place, and refuses where anything stands beside it that a rule looks
at. Whatever does not fit exactly is left to ``find_next``, so that both always agree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import attrgetter

import msgspec
from msgspec import UNSET, Raw

from replay_fetch.api import split
from replay_fetch.api.envelope import keys_beside
from replay_fetch.api.tokens import LOOKED_AT, Next

_NO_TOKEN = Next()
_LIST_ALONE = 1
_LIST_AND_TOKEN = 2


class _Absent:
    """A type that nothing in JSON has: an object that has a member of it is refused."""


def _type(keys: Sequence[str]) -> object:
    """The type of what stands at the first of the keys that lead to a token."""
    found: object = str | None
    default: object = None
    for depth in range(len(keys) - 1, 0, -1):
        rivals = keys_beside(keys[depth], f"{'.'.join(keys[:depth])}.", LOOKED_AT)
        absent = [(rival, _Absent, UNSET) for rival in rivals]
        level = msgspec.defstruct("Level", [(keys[depth], found, default), *absent], frozen=True, gc=False)
        found, default = level, level()
    return found


class QuickNext:
    """Reads the token at ``place``, one of TOKEN_PLACES, where nothing else can hold one."""

    def __init__(self, place: str) -> None:
        keys = place.split(".")
        self._place = place
        self._key = keys[0]
        self._decode = msgspec.json.Decoder(_type(keys)).decode
        self._token_of: Callable[[object], str | None] = attrgetter(".".join(keys[1:])) if keys[1:] else _itself

    def read(self, members: dict[str, Raw]) -> Next | None:
        """What ``find_next`` would say of a page, from all of its members that are looked at.

        The list of segments is one of them. None where only ``find_next`` can tell.
        """
        text = members.get(self._key)
        if text is None:
            return _NO_TOKEN if len(members) == _LIST_ALONE else None
        if len(members) != _LIST_AND_TOKEN:
            return None
        try:
            token = self._token_of(self._decode(text))
        except split.REFUSED:
            return None
        return Next(token, place=self._place) if token else _NO_TOKEN


def _itself(token: object) -> str | None:
    return token if isinstance(token, str) else None


quick_next = lru_cache(maxsize=None)(QuickNext)
