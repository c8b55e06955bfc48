"""Opaque paging tokens, bound to the chain they were given in; nothing about them is stored."""

from __future__ import annotations

import binascii
import struct
from base64 import b64decode, b64encode
from hashlib import blake2b

from replay_fetch.simulator.pages import Cursor

# Every token holds the characters that a URL has to escape, and one escape that must not be undone:
# a client that escapes twice, not at all, or decodes what it got, is refused.
_PREFIX = "%2B+/"
_CURSOR = struct.Struct(">IIHH")
_MAC = 8


class BadTokenError(Exception):
    """A token that was not given out for this chain."""


class Tokens:
    """Makes tokens of cursors and cursors of tokens."""

    def __init__(self, seed: int) -> None:
        self._key = f"tokens/{seed}".encode()[-64:]

    def give(self, cursor: Cursor, chain: str) -> str:
        """The token of a place in a chain; ``chain`` names everything a request must keep unchanged."""
        packed = _CURSOR.pack(*cursor)
        return _PREFIX + b64encode(packed + self._mac(packed, chain)).decode()

    def take(self, token: str, chain: str) -> Cursor:
        """The place that a token stands for; raises BadTokenError for any token not given in this chain."""
        try:
            octets = b64decode(token.removeprefix(_PREFIX), validate=True)
            packed, mac = octets[: _CURSOR.size], octets[_CURSOR.size :]
            cursor = Cursor(*_CURSOR.unpack(packed))
        except (binascii.Error, struct.error, ValueError):
            raise BadTokenError from None
        if not token.startswith(_PREFIX) or mac != self._mac(packed, chain):
            raise BadTokenError
        return cursor

    def _mac(self, packed: bytes, chain: str) -> bytes:
        return blake2b(packed + chain.encode(), key=self._key, digest_size=_MAC).digest()
