"""The same as ``locate`` in one pass, for pages laid out like one seen before.

``locate`` goes through a page once for each level that it splits. Once the path of the list is
known, msgspec splits that list and takes down the few other members that the rules look at, all
in one pass. Where the next page's token can stand in one place only, it is read as well. Whatever
does not fit exactly is left to ``locate``, so that both always agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NotRequired, TypedDict

import msgspec
from msgspec import Raw

from replay_fetch.api import split
from replay_fetch.api.envelope import Envelope, Members, keys_beside
from replay_fetch.api.quick_next import QuickNext, quick_next
from replay_fetch.api.shapes import ERRORS, Located, outranking
from replay_fetch.api.tokens import LOOKED_AT, TOKEN_PLACES


def can_be_quick(path: str, next_path: str) -> bool:
    """True where no other rule looks at the list at ``path``, or into it."""
    keys = path.split(".")
    ways = {".".join(keys[: depth + 1]) for depth in range(len(keys))}
    return path == "" or ("" not in keys and ways.isdisjoint({*LOOKED_AT, ERRORS, next_path}))


class QuickLocate:
    """Splits pages whose list of segments is at ``path``, a place that is called ``name``.

    ``overridden`` says that the user gave the path, so that no rule outranks it.
    """

    def __init__(self, path: str, name: str, next_path: str, *, overridden: bool) -> None:
        self._path = path
        self._name = name
        self._keys = path.split(".") if path else []
        self._outranking = () if overridden else outranking(path)
        looked_at = {*LOOKED_AT, ERRORS, *filter(None, [next_path])}
        self._levels: list[tuple[str, str, frozenset[str]]] = []
        """The way to the list: the path of each object, the key that leads on, and those that may outrank it."""
        self._split = split.Quick(msgspec.json.Decoder(self._type(0, looked_at)).decode)
        self._next: QuickNext | None = None
        """Reads the token where the latest page that had one had it; None where only the rules can."""
        self._beside_list = len(self._keys) == 1 and not next_path
        self.learn("paging")  # as good as any other place until a page has a token

    def learn(self, place: str) -> None:
        """Expect the next page's token at ``place``, where ``find_next`` found one."""
        if self._beside_list and place in TOKEN_PLACES and place.partition(".")[0] != self._path:
            self._next = quick_next(place)

    def locate(self, text: bytes) -> Located | None:
        """What ``locate`` would say of ``text``; None where only ``locate`` can tell."""
        try:
            inner = self._split(text)
        except split.REFUSED:
            return None
        if self._next is not None:
            following = self._next.read(inner)
            if following is not None:
                return Located(list(map(bytes, inner[self._path])), None, self._name, self._path, following)
        known: dict[str, Members] = {}
        for path, way, rivals in self._levels:
            level, inner = inner, inner.pop(way)
            if not rivals.isdisjoint(level):
                return None
            known[path] = {key: bytes(raw) for key, raw in level.items()}
        envelope = Envelope(known, way=self._keys[0]) if known else None
        return Located(list(map(bytes, inner)), envelope, self._name, self._path)

    def _type(self, depth: int, looked_at: Iterable[str]) -> object:
        """The type of the object at ``depth`` on the way to the list, or of the list itself."""
        if depth == len(self._keys):
            return list[Raw]
        here = "".join(f"{key}." for key in self._keys[:depth])
        way = self._keys[depth]
        rivals = keys_beside(way, here, self._outranking)
        self._levels.append((here.removesuffix("."), way, rivals))
        optional = dict.fromkeys(keys_beside(way, here, looked_at) | rivals, NotRequired[Raw])
        # Neither keys nor types are known before a page was seen, which mypy asks of a TypedDict.
        return TypedDict("Level", {way: self._type(depth + 1, looked_at), **optional})  # type: ignore[operator]
