"""A recording without what people typed or read: written anew from what a player understands of it.

Nothing is copied as it stands. Each record is taken apart by the rules that play it, and each string in it is written
again by the role of its place: a text becomes ``x``, an attribute is kept where its name and its value are known to be
structure, an address becomes its origin and the shape of its path. What has no rule is left out and counted.
"""

from replay_fetch.replay.scrub.recording import ScrubbedView

__all__ = ["ScrubbedView"]
