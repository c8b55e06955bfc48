"""The words of ``verify``: what is wrong by file, what to do about it, and a closing line."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from replay_fetch.archive.read.verify import Finding, Problem
from replay_fetch.inspect.verification import Verification
from replay_fetch.printable import as_argument, printable
from replay_fetch.progress.units import count, duration, few, size, some

if TYPE_CHECKING:
    from replay_fetch.inspect.rebuild import Rebuilt

_WIDTH = 80
_INDENT = 12
_SHARDS_NAMED = 20


def findings_text(found: Verification) -> str:
    """Format all findings for people, at most 80 columns wide unless a name is longer.

    File by file as they were found, then the advice for each kind of damage, then a line with the figures, and one of
    the views that are not finished: no damage, but no whole archive either.
    """
    return "\n".join([*_findings(found), *_advice(found), *_not_begun(found), _closing(found), *_unfinished(found)])


def _not_begun(found: Verification) -> Iterator[str]:
    """Name the shards that are not there to be verified: no damage is known, but the archive is not whole."""
    if found.not_begun:
        yield from _wrapped(
            "shards that have not begun, or were lost, so nothing of their sessions is here: "
            + few(found.not_begun, _SHARDS_NAMED)
            + "; run the same download for these"
        )


def _unfinished(found: Verification) -> Iterator[str]:
    if found.unfinished:
        yield (
            f"not finished: {some(found.unfinished, 'view')}, see "
            f"`replay-fetch status {as_argument(found.shelf.place())}`"
        )


def rebuilt_text(rebuilt: Rebuilt) -> str:
    """Format the result of a rebuild: what was found, how many views were kept, and where the rest was set aside.

    An archive that was intact keeps its ledger, and the text says so.
    """
    if rebuilt.stays:
        return "\n".join([_closing(rebuilt.found), "the ledger is intact too, and stays"])
    views = f"new ledger: {some(rebuilt.kept, 'view')} kept, {count(rebuilt.dropped)} to be asked for again"
    what = "the old ledger, or the log that a copy out of a store has, and damaged files"
    aside = _wrapped(f"set aside in {rebuilt.aside}: {what}") if rebuilt.aside else []
    goes_on = ["run the same download again to go on"] if rebuilt.dropped else []
    return "\n".join([*_findings(rebuilt.found), _closing(rebuilt.found), views, *aside, *goes_on])


def findings_json(found: Verification) -> str:
    """Format all findings as one JSON object for programs; sizes are bytes, times are seconds.

    The names are part of the interface; ``quick`` says that no byte was read.
    """
    content = {
        "archive": found.shelf.place(),
        "good": found.exit_code == 0,
        "sessions": found.sessions,
        "views": found.views,
        "unfinished": found.unfinished,
        "bytes": found.size,
        "events": {"sessions": found.events, "bytes": found.events_size},
        "quick": found.quick,
        "seconds": round(found.seconds, 3),
        "run_ended": found.run_ended,
        "shards_not_begun": found.not_begun,
        "findings": [_fields(finding) for finding in found.findings],
    }
    return orjson.dumps(content).decode()


def _fields(finding: Finding) -> dict[str, str | None]:
    session_id, view_id = finding.view or (None, None)
    return {
        "problem": finding.problem,
        "file": finding.file,
        "session_id": session_id,
        "view_id": view_id,
        "detail": finding.detail,
    }


def _findings(found: Verification) -> Iterator[str]:
    for file, findings in groupby(found.findings, lambda finding: finding.file):
        yield printable(file, 400)
        for finding in findings:
            view = f"view {finding.view.view_id}: " if finding.view else ""
            yield from _wrapped(
                printable(f"{view}{finding.detail}", 600),
                first=f"  {finding.problem:<{_INDENT - 2}}",
                rest=" " * _INDENT,
            )


def _advice(found: Verification) -> Iterator[str]:
    """Say for each kind of damage, once, which command mends it; nothing for an archive without findings.

    A run that was killed comes first: finishing it mends most of what is found, and nothing is lost by it.
    """
    layout = found.shelf.layout
    if layout is None:
        yield from _advice_for_a_store(found)
        return
    apart = {Problem.EXTRA, Problem.ERASED}
    wrong = {finding.file for finding in found.findings if finding.problem not in apart}
    ledger = layout.ledger.relative_to(layout.root).as_posix()
    sharded, out = bool(found.shelf.shards()), as_argument(layout.root)
    if not found.run_ended and ledger not in wrong:
        again = "; it mends what it can of the above, then verify again" if wrong else ""
        yield from _wrapped(
            "the last run did not come to its end, so the ledger was believed instead of the manifest; the same "
            f"download again goes on where it stopped and finishes the archive{again}"
        )
    elif wrong and sharded:
        yield from _wrapped(
            "to mend a manifest: run its shard again, or merge again; to mend a session's file: see \"A damaged "
            'archive of shards" in `replay-fetch help shards`'
        )
    elif wrong == {layout.manifest.name} and layout.ledger.is_file():
        without = " without manifest.ndjson" if layout.manifest.exists() else ""
        yield from _wrapped(
            f"to mend it: run the same download again{without}; it goes on where the last one ended, and writes "
            "the manifest out of the ledger"
        )
    elif wrong == {layout.events_manifest.name} and layout.ledger.is_file():
        without = " without that file" if layout.events_manifest.exists() else ""
        yield from _wrapped(
            f"to mend it: run `replay-fetch events {out}`{without}; it writes the manifest out of the ledger"
        )
    elif wrong:
        yield from _wrapped(
            f"to mend it: `replay-fetch verify --rebuild {out}` keeps all that is good and sets the rest "
            "aside; then the same download again fetches what is lacking" + _of_events(wrong, layout.root)
        )
    if any(finding.problem is Problem.EXTRA for finding in found.findings):
        yield from _wrapped(
            "extra files: the same download again clears up behind a run that was killed; what it leaves is not ours"
        )
    yield from _about_erased(found)


def _about_erased(found: Verification) -> Iterator[str]:
    """Say how sessions that were erased and are back are removed; nothing where there are none.

    A killed erasure is finished by any command that writes.
    """
    if any(finding.problem is Problem.ERASED for finding in found.findings):
        yield from _wrapped(
            "erased sessions: `replay-fetch erase OUT --session ID` removes what is there of one; an erasure that was "
            "killed is finished by it, too"
        )


def _of_events(wrong: set[str], root: Path) -> str:
    """Name the second command, which fetches events; empty where no file of events is damaged."""
    return (
        f", and `replay-fetch events {as_argument(root)}` the events"
        if any(file.startswith("events/") for file in wrong)
        else ""
    )


def _advice_for_a_store(found: Verification) -> Iterator[str]:
    if any(finding.problem is not Problem.ERASED for finding in found.findings):
        yield from _wrapped(
            "to mend it: put back a former version of these objects, where the bucket keeps versions; or copy the "
            "archive to a disk, and run `replay-fetch verify --rebuild` there"
        )
    yield from _about_erased(found)


def _closing(found: Verification) -> str:
    nothing = "nothing wrong in the other shards" if found.not_begun else "nothing wrong"
    wrong = f"{count(len(found.findings))} wrong" if found.findings else nothing
    how = "by name and size alone" if found.quick else f"{size(found.size)} read"
    views = f"{some(found.views, 'view')} of {some(found.sessions, 'session')}"
    if not found.events:
        return f"{wrong}: {views}, {how} in {duration(found.seconds)}"
    if found.quick:
        views += f" and the events of {some(found.events, 'session')}"
        return "\n".join(_wrapped(f"{wrong}: {views}, {how} in {duration(found.seconds)}"))
    events = f"and the events of {some(found.events, 'session')}, {size(found.events_size)},"
    return "\n".join(_wrapped(f"{wrong}: {views}, {size(found.size)}, {events} read in {duration(found.seconds)}"))


def _wrapped(text: str, *, first: str = "", rest: str = "  ") -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
