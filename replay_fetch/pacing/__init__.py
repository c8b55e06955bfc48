"""The rate controller: finds the API's limit, takes all of the limit, and leaves neighbours their share."""

from replay_fetch.pacing.pacer import Pacer, Turn
from replay_fetch.pacing.snapshot import Health, Snapshot

__all__ = ["Health", "Pacer", "Snapshot", "Turn"]
