"""Carry out an erasure for ``erase`` and ``prune``, and print what went, or with ``--dry-run`` what would go."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime

import orjson

from replay_fetch.cli.options import add_fields, add_output, show_settings
from replay_fetch.cli.output import say, shown, warn
from replay_fetch.pipeline.erasing import Erased, ErasureJob, erase, rehearse_erasure
from replay_fetch.pipeline.place import place
from replay_fetch.progress.units import size, some
from replay_fetch.settings import ArchiveSettings, Settings

_WIDTH = 80
# Sessions that a rehearsal names for people; --json names the first thousand.
_SHOWN = 20


def now() -> datetime:
    """Return the present time, by which recordings are old and reports are named; tests put another in its place."""
    return datetime.now(UTC)


def add_erasure_options(parser: argparse.ArgumentParser) -> None:
    """Add the archive, ``--dry-run`` and the options of output, as `erase` and `prune` have them."""
    parser.add_argument("out", metavar="OUT", type=place, help="archive: a folder, or s3://, gs:// or az://")
    add_fields(parser, ArchiveSettings, "scratch", "wait_for_lock")
    parser.add_argument("--dry-run", action="store_true", help="name what would go, remove nothing")
    add_output(parser, json="what went, or would go,")


def stored_settings(options: argparse.Namespace) -> Settings:
    """Make the settings that an archive in a store is opened by."""
    return Settings(archive=ArchiveSettings(scratch=options.scratch, wait_for_lock=options.wait_for_lock))


def carry_out(job: ErasureJob, options: argparse.Namespace) -> int:
    """Erase the sessions or rehearse it, print the result, and return the exit code; Ctrl-C says how to finish."""
    try:
        with shown(show_settings(options)):
            erased = rehearse_erasure(job) if options.dry_run else erase(job)
    except KeyboardInterrupt:
        if not options.dry_run:
            warn("interrupted: what had begun is finished by the same command, or by any other run on the archive")
        raise
    say(_json(erased, options.dry_run) if options.json else "\n".join(_lines(erased, options.dry_run)))
    return erased.exit_code


def _lines(erased: Erased, dry_run: bool) -> Iterator[str]:  # noqa: FBT001 - as the option is
    went = "would go from" if dry_run else "erased from"
    yield (
        f"{went} {erased.root}: {some(erased.sessions, 'session')}, {some(erased.views, 'view')}, "
        f"{some(erased.files, 'file')} of {size(erased.stored)}"
    )
    if dry_run:
        yield from _named(erased)
    if erased.not_there:
        yield f"{some(erased.not_there, 'session is', 'sessions are')} not in it; no later download brings them in"
    if erased.undated:
        yield f"{some(erased.undated, 'session', 'sessions')} of unknown time: kept"
    if erased.report is not None:
        yield f"report: {erased.report}"
    if erased.set_aside:
        folders = sorted({str(path.parent) for path in erased.set_aside})
        yield from textwrap.wrap(
            f"files that verify --rebuild set aside in {', '.join(folders)} may hold any session: look through them, "
            "then remove the folder",
            _WIDTH,
            break_long_words=False,
            break_on_hyphens=False,
        )


def _named(erased: Erased) -> Iterator[str]:
    there = [session for session in erased.named if session.was_there]
    for session in there[:_SHOWN]:
        holds = f"{some(session.views, 'view')}, {some(session.files, 'file')}, {size(session.stored)}"
        yield f"  {session.session_id}  {holds}"
    if erased.sessions > _SHOWN:
        yield f"  and {erased.sessions - _SHOWN} more: see --json"


def _json(erased: Erased, dry_run: bool) -> str:  # noqa: FBT001 - as above
    content = {
        "archive": str(erased.root),
        "dry_run": dry_run,
        "sessions": erased.sessions,
        "not_there": erased.not_there,
        "views": erased.views,
        "segments": erased.segments,
        "bytes": erased.size,
        "files": erased.files,
        "stored_bytes": erased.stored,
        "sessions_without_time": erased.undated,
        "sessions_without_events": erased.untold,
        "report": erased.report,
        "set_aside": [str(path) for path in erased.set_aside],
    }
    if dry_run:  # an answer that is kept by a script must not keep what was erased
        content["named"] = [{"session_id": each.session_id, **each.figures()} for each in erased.named]
    return orjson.dumps(content).decode()
