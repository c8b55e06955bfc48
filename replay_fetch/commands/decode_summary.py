"""The last words of ``decode``."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from replay_fetch.api.tokens import NO_OTHER_PLACE
from replay_fetch.pipeline.decode import Redecoding
from replay_fetch.pipeline.decoded import Decoded, Finding
from replay_fetch.printable import printable
from replay_fetch.progress.units import count, some

_MEANING = {
    Finding.FETCHED: "complete",
    Finding.EMPTY: "complete, and nothing in them",
    Finding.GOES_ON: "understood; the rest is to be asked for",
    Finding.INCOMPLETE: "understood, but the chain of pages is cut",
    Finding.UNRECOGNISED: "these paths do not fit their pages",
    Finding.UNCHANGED: "no kept page leads further than the archive is",
}


def decoded_text(found: Decoded, wanted: Redecoding, *, dry_run: bool = False) -> str:
    """What reading again came to, for people."""
    return "\n".join(_lines(found, wanted, dry_run=dry_run))


def decoded_json(found: Decoded) -> str:
    """The same for programs."""
    findings = {str(finding): found.findings[finding] for finding in Finding}
    content = {"views": found.views, "findings": findings, "segments": found.segments, "reason": found.reason or None}
    return orjson.dumps(content | {"interrupted": found.interrupted, "exit_code": found.exit_code}).decode()


def _lines(found: Decoded, wanted: Redecoding, *, dry_run: bool) -> Iterator[str]:
    if not found.views:
        yield f"no view in {wanted.out} waits with raw pages: nothing to decode"
        return
    aside = ", nothing changed (--dry-run)" if dry_run else ""
    yield f"{some(found.views, 'view')} with raw pages in {wanted.out}{aside}"
    for finding in Finding:
        if found.findings[finding]:
            yield f"  {finding:<14}{count(found.findings[finding]):>11}  {_MEANING[finding]}"
    yield f"{some(found.segments, 'segment')} understood"
    if found.segments and not found.leads_on and wanted.next_path != NO_OTHER_PLACE:
        where = f" at {printable(wanted.next_path, 60)}" if wanted.next_path else ""
        yield f"no page names a next one{where}; where that is wrong, name its token with --next-path"
    if found.reason:
        yield f"first reason: {printable(found.reason, 300)}"
    if found.interrupted:
        yield "interrupted; run the same command again to go on"
    elif found.findings[Finding.GOES_ON] or found.findings[Finding.UNCHANGED]:
        flags = "".join(
            f" {flag} {path}"
            for flag, path in (("--segments-path", wanted.segments_path), ("--next-path", wanted.next_path))
            if path
        )
        yield f"to go on:\n  replay-fetch download VIEWS {wanted.out}{flags}"
