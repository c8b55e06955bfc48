"""The place of an archive, as a user names it: kept apart, so the help of a command loads nothing for it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from replay_fetch.store.location import Location


def place(out: str | os.PathLike[str]) -> Path | Location:
    """Read where an archive lies: a folder, or an address in a store; raises SettingsError for another address."""
    if isinstance(out, os.PathLike) or "://" not in out:
        return Path(out)
    from replay_fetch.store.location import parse  # noqa: PLC0415 - most downloads know nothing of stores

    return parse(out)
