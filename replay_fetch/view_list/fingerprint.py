"""A list's fingerprint: equal where reading it again would give the same rows."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from replay_fetch.errors import InputError
from replay_fetch.settings import PlanSettings
from replay_fetch.view_list.source import STDIN, ListSource, name_of

# Counted up whenever the same bytes would be read as other rows.
_RULES = 2


def fingerprint(source: ListSource, settings: PlanSettings) -> str | None:
    """SHA-256 over the file's bytes and the settings that change its reading, in hex.

    None for what can be read only once: standard input, a stream, a pipe. Raises InputError.
    """
    if source == STDIN or not isinstance(source, str | os.PathLike):
        return None
    path = Path(source)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return None
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
    except OSError as error:
        raise InputError(f"{name_of(source)} cannot be read: {error.strerror}") from error
    reading = (_RULES, settings.session_column, settings.view_column, settings.max_views)
    digest.update(repr(reading).encode())
    return digest.hexdigest()
