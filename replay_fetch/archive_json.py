"""The facts of an archive about which all its runs agree: ``archive.json``, on a disk and in a store alike."""

from __future__ import annotations

import msgspec

from replay_fetch.errors import InputError, SettingsError
from replay_fetch.settings import Compression
from replay_fetch.shard import MOST

FORMAT = 1
"""Of the whole archive; a reader refuses another one."""
NAME = "archive.json"
"""The file's name among an archive's own files. Without shards an archive on a disk has none: its ledger knows all."""


class ArchiveFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about which all runs into an archive agree; the file is created once and never changed."""

    compression: Compression
    shards: int = 0
    """The number of parts into which the sessions are dealt; 0 for an undivided archive."""
    list: str = ""
    """The SHA-256, in hex, of all usable rows of the list that the shards share; empty without shards."""
    format: int = FORMAT

    def encode(self) -> bytes:
        """Return the content of the file."""
        return msgspec.json.encode(self) + b"\n"


def decoded(content: bytes) -> ArchiveFacts | None:
    """Read the content of the file; None where it is damaged, or of a format that this version does not read."""
    try:
        facts = msgspec.json.decode(content, type=ArchiveFacts)
    except ValueError:  # msgspec's own is one, and so is text that is not UTF-8
        return None
    return facts if facts.format == FORMAT and 0 <= facts.shards <= MOST else None


def require_same(place: object, ours: ArchiveFacts, theirs: ArchiveFacts) -> None:
    """Raise where a run means another archive than the one at a place: SettingsError, or InputError for another list.

    A list that is not known yet, on either side, is not compared.
    """
    require_same_shards(place, ours.shards, theirs.shards)
    if ours.compression != theirs.compression:
        raise SettingsError(
            f"{place} was begun with --compress {theirs.compression}, not {ours.compression}; use that, or another OUT"
        )
    if ours.list and theirs.list and ours.list != theirs.list:
        raise InputError(
            f"{place} was begun with another list than this one; all shards of an archive read the same rows in the "
            "same order: use that list, or another OUT"
        )


def require_same_shards(place: object, ours: int, theirs: int) -> None:
    """Raise SettingsError where a run would mix with other shards than the archive's, or with a run of none."""
    if ours == theirs:
        return
    if not ours:
        raise SettingsError(
            f"{place} is an archive of {theirs} shards, and `download --shard I/{theirs}` alone writes to it; "
            "`replay-fetch help shards` tells how to make it one of a single run"
        )
    if not theirs:
        raise SettingsError(
            f"{place} is an archive without shards; leave --shard out, and --engine, or use another OUT"
        )
    raise SettingsError(
        f"{place} is an archive of {theirs} shards, not of {ours}: say --shard I/{theirs}, or --shards {theirs} with "
        "--engine, or use another OUT"
    )
