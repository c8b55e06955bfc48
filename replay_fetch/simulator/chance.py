"""Chance that does not depend on the order of requests: a hash of the seed and what is drawn for."""

from __future__ import annotations

from hashlib import blake2b

_UNIT = 2**64


def draw(seed: int, *about: object) -> float:
    """A number in [0, 1) that is the same for the same seed and the same things, whenever it is drawn."""
    text = "\x1f".join(map(str, (seed, *about)))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) / _UNIT
