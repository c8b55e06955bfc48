"""A recording without the words that people typed or read, written anew from all that a player understands.

Nothing is copied as it stands. Each record is taken apart by the rules of the player, and each string is written by
the role of its place: a text becomes ``x``, an attribute is kept where its name and its value are known structure, an
address becomes its origin and the shape of its path. A record or a key without a rule is left out and counted.
"""

from replay_fetch.replay.scrub.recording import ScrubbedView

__all__ = ["ScrubbedView"]
