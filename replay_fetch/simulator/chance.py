"""Chance that does not depend on the order of requests: a hash of the seed and of a name.

Two runs with other concurrency then meet the same faults and the same latencies, so their archives can be compared.
"""

from __future__ import annotations

from hashlib import blake2b

_UNIT = 2**64


def draw(seed: int, *about: object) -> float:
    """Draw a number in [0, 1): the same for the same seed and the same ``about``, at any time and in any order."""
    # A separator that no id holds: ("a", "bc") and ("ab", "c") are different draws.
    text = "\x1f".join(map(str, (seed, *about)))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) / _UNIT
