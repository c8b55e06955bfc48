"""A recording without the words that people typed or read, written anew from the parts that a player understands.

Nothing is copied as it stands. Each record is taken apart by the rules of the player, and each string is written by the
role of its place: a text becomes ``x``, an attribute stays where name and value are known structure, an address becomes
origin and shape of the path. A record or a key without a rule is left out and counted.
"""

from replay_fetch.replay.scrub.recording import ScrubbedView

__all__ = ["ScrubbedView"]
