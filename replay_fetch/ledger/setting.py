"""The names of the values that a ledger keeps with its archive."""

from __future__ import annotations

from enum import StrEnum


class Setting(StrEnum):
    """What is kept."""

    COMPRESSION = "compression"
    """Of all session files."""
    STATE = "state"
    """A `State`, or nothing in a new archive."""
    CHAINS = "chains"
    """Of what a paging token may depend, as JSON; where it changes, unfinished chains begin anew."""
    UNDERSTOOD = "understood"
    """Views whose raw pages go behind the latest commit, as JSON; nothing where there are none."""
    ASIDE = "aside"
    """What a rebuild has still to set aside, as JSON, before anything else is done to the files."""
    REBUILT_ASIDE = "rebuilt aside"
    """The name of the folder to which the latest rebuild set aside what it did not know of."""
    DEMO = "demo"
    """There where ``replay-fetch demo`` made the archive: nobody's recordings are in it."""


class State(StrEnum):
    """Whether files and manifest are what the ledger says."""

    RUNNING = "running"
    """They may be behind it: a run is going on, or was killed."""
    CLEAN = "clean"
    REBUILT = "rebuilt"
    """They may be behind it: it is new, and was made from the manifest and what is good."""
    LOADED = "loaded"
    """The files are; of a list that came in since, the manifest knows nothing."""
