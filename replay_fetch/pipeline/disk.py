"""The room on the archive's disk, foreseen: before a run from the views that are stored, and while it goes on."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from replay_fetch.ledger.totals import Need
from replay_fetch.progress.snapshot import ProgressSnapshot, RunSnapshot
from replay_fetch.progress.units import duration, size

log = logging.getLogger(__name__)

# Views after which their mean size is worth a warning: recordings are as different as visits are.
_ENOUGH_VIEWS = 20


def disk_free(folder: Path) -> int | None:
    """Return the bytes that a folder's disk has left for this user; of the folder above where it is not there yet.

    None where the system does not tell.
    """
    while True:
        try:
            about = os.statvfs(folder)
        except FileNotFoundError:
            if folder == folder.parent:
                return None
            folder = folder.parent
        except OSError:
            return None
        else:
            # Not f_bfree: a share of the disk is kept for root, and a run that counts on it ends early.
            return about.f_bavail * about.f_frsize


def warn_of_lacking_room(need: Need, folder: Path) -> None:
    """Log a warning before a run where the disk has less left than the list seems to need."""
    wanted, free = need.bytes, disk_free(folder)
    if wanted is not None and free is not None and wanted > free:
        log.warning("about %s are to come, and the disk has %s left: %s", size(wanted), size(free), _ADVICE)


_ADVICE = "it will be full before the list is done; make room, then or now: the same command goes on"


class DiskWatch:
    """Warns once in a run that the disk will be full before the list is done; a reporter that shows nothing else."""

    period = 10.0

    def __init__(self) -> None:
        self._warned = False

    def refresh(self, snapshot: ProgressSnapshot) -> None:
        """Look at the forecast; early in a run, a few views say too little."""
        if self._warned or not isinstance(snapshot, RunSnapshot) or snapshot.stats.ended_now < _ENOUGH_VIEWS:
            return
        seconds, free = snapshot.disk_full_in, snapshot.disk_free
        if seconds is not None and free is not None:
            self._warned = True
            log.warning("the disk has %s left, for about %s at this speed: %s", size(free), duration(seconds), _ADVICE)

    def close(self, snapshot: ProgressSnapshot) -> None:
        """End without a word: what was to be said was said while it mattered."""
