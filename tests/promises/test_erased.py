"""Erased for good: nothing of an erased session is left, whenever the erasure is killed, and no list brings it back."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest
from archives import WIDE, Archive, Job, download, write_list
from damaged_archives import verified
from kills import Killed, killed_at
from stored_events import SETTINGS, of_one_day, store

from replay_fetch.archive.layout import Layout
from replay_fetch.model import View
from replay_fetch.pipeline.erasing import ErasureJob, erase
from replay_fetch.pipeline.opening import open_as_it_is
from replay_fetch.settings import ArchiveSettings, Compression, FetchSettings, PlanSettings
from replay_fetch.simulator import Fault, Simulator, SimulatorSettings

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
# Some views fail, so that others of their sessions wait in parts and partial files; some are of no known shape.
_FAILING = SimulatorSettings(
    seed=4, limit=WIDE, faults=(Fault.parse("500:sticky,rate=0.15"), Fault.parse("html:sticky,rate=0.15"))
)
_JOB = Job(fetch=FetchSettings(workers=8, retries=0), archive=ArchiveSettings(Compression.GZIP))


async def _made(out: Path) -> None:
    async with Simulator(_FAILING) as simulator:
        await download(simulator, out, _JOB)
    with of_one_day():
        async with Simulator(SETTINGS) as simulator:
            await store(simulator, out)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with whole and partial sessions, raw pages and RUM events; left as it is."""
    out = tmp_path_factory.mktemp("made") / "archive"
    anyio.run(_made, out)
    return out


@pytest.fixture(scope="module")
def doomed(made: Path) -> list[str]:
    """A whole session, and one with a partial file, a part and a raw page."""
    names = [path.name.partition(".") for path in sorted((made / "sessions").iterdir())]
    whole = next(session_id for session_id, _, rest in names if not rest.startswith("partial"))
    raw = {path.name for path in (made / "raw").iterdir()}
    partial = next(session_id for session_id, _, rest in names if rest.startswith("partial") and session_id in raw)
    return [whole, partial]


def _erase(out: Path, sessions: Sequence[str]) -> None:
    erase(ErasureJob(out, AT, "session", sessions))


def _mentions(out: Path, sessions: Sequence[str]) -> list[str]:
    """Every file in whose name or bytes one of the ids stands, the database's own files among them."""
    ids = [session_id.encode() for session_id in sessions]
    files = [path for path in out.rglob("*") if path.is_file()]
    return [str(path) for path in files if any(each in bytes(path) + path.read_bytes() for each in ids)]


def _content(out: Path) -> dict[str, bytes]:
    """All files but those that differ from run to run: the ledger, the lock, and the report of the last run."""
    ours = {".replay-fetch/ledger.sqlite", ".replay-fetch/lock"}
    return {name: body for name, body in Archive(out).everything().items() if name not in ours}


def test_an_erased_session_is_named_nowhere_and_no_other_byte_changes(
    made: Path, doomed: list[str], tmp_path: Path
) -> None:
    out = Path(shutil.copytree(made, tmp_path / "archive"))
    slowest = [row["session_id"] for row in Archive(out).report()["slowest"]]
    assert set(doomed) & set(slowest)
    before = _content(out)
    _erase(out, doomed)
    after = _content(out)
    assert _mentions(out, doomed) == []
    assert [row["session_id"] for row in Archive(out).report()["slowest"]] == [
        session_id for session_id in slowest if session_id not in doomed
    ]
    others = {name: body for name, body in before.items() if not any(session_id in name for session_id in doomed)}
    named = {"manifest.ndjson", "manifest-events.ndjson", "report.json", "erasures/2026-11-28T12-00-00Z.json"}
    named |= {name for name in after if name.startswith("reports/")}
    gone_parts = {name for name in others if name.startswith(".replay-fetch/parts/") and name not in after}
    assert {name: body for name, body in after.items() if name not in named} == {
        name: body for name, body in others.items() if name not in named | gone_parts
    }
    lines = before["manifest.ndjson"].splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["session_id"] not in doomed]
    assert after["manifest.ndjson"] == b"".join(kept)
    assert verified(out).findings == []


def test_an_erasure_killed_at_any_instant_is_finished_or_never_was(
    made: Path, doomed: list[str], tmp_path: Path
) -> None:
    """Finished by the same command again, and by any other that opens the archive."""
    expected = Path(shutil.copytree(made, tmp_path / "expected"))
    untouched = _content(made)
    _erase(expected, doomed)
    erased = _content(expected)
    begun = unfinished = 0
    for instant in itertools.count():
        out = Path(shutil.copytree(made, tmp_path / "archive"))
        with suppress(Killed), killed_at(instant):
            _erase(out, doomed)
            break
        told = {finding.problem for finding in verified(out).findings}
        with open_as_it_is(out):
            pass
        content = _content(out)
        if content == erased:
            begun += 1
            unfinished += told == {"erased"}
            assert _mentions(out, doomed) == [], instant
        else:
            assert {name: body for name, body in content.items() if ".partial." not in name} == {
                name: body for name, body in untouched.items() if ".partial." not in name
            }, instant
            _erase(out, doomed)
            assert _content(out) == erased, instant
        assert verified(out).findings == [], instant
        shutil.rmtree(out)
    assert begun > 10
    assert unfinished > 3
    assert instant > begun


@pytest.mark.anyio
async def test_no_list_brings_an_erased_session_back(tmp_path: Path) -> None:
    out, again, loud = tmp_path / "archive", tmp_path / "again.csv", tmp_path / "loud.csv"
    async with Simulator(SimulatorSettings(limit=WIDE)) as simulator:
        views = simulator.views
        first = await download(simulator, out, views=write_list(tmp_path / "views.csv", views))
        session_id = views[0].session_id
        gone = sum(view.session_id == session_id for view in views)
        asked = simulator.counts.requests
        _erase(out, [session_id])
        refreshed = Job(plan=PlanSettings(refresh_window=10.0**9))
        write_list(again, list(reversed(views)))
        write_list(loud, [View(view.session_id.upper(), view.view_id) for view in views[:gone]])
        same = await download(simulator, out, views=tmp_path / "views.csv")
        twice = await download(simulator, out, views=tmp_path / "views.csv")
        other = await download(simulator, out, views=again)
        upper = await download(simulator, out, views=loud)
        assert simulator.counts.requests == asked
        fresh = await download(simulator, out, refreshed, views=again)
    for ran in (same, twice, other, fresh):
        report = ran.report
        assert (ran.exit_code, report.erased, report.bad_rows) == (0, gone, 0)
        assert report.rows == first.report.rows == report.views + report.duplicates + report.bad_rows + report.erased
        assert sum(report.outcomes.values()) == report.views == len(views) - gone
    assert (upper.report.erased, upper.report.views, upper.exit_code) == (gone, 0, 0)
    assert session_id not in {view.session_id for view in Archive(out).manifest()}
    assert not Layout(out).session_file(session_id).exists()
    assert verified(out).findings == []


@pytest.mark.anyio
async def test_an_id_is_erased_in_advance(tmp_path: Path) -> None:
    out = tmp_path / "archive"
    async with Simulator(SimulatorSettings(limit=WIDE)) as simulator:
        first, later = simulator.views[0], simulator.views[-1]
        await download(simulator, out, views=[first])
        _erase(out, [later.session_id])
        asked = simulator.counts.requests
        ran = await download(simulator, out, views=[first, later])
        assert simulator.counts.requests == asked
    assert (ran.report.erased, ran.exit_code) == (1, 0)
    assert list(Archive(out).manifest()) == [first]
