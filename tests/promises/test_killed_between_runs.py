"""What a run that has nothing to ask for makes of what a killed one left."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from archives import WIDE, Archive, Job, download
from damaged_archives import verified

from replay_fetch.archive.layout import Layout
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.ledger.schema import Setting, State
from replay_fetch.model import Noted, View
from replay_fetch.settings import FetchSettings
from replay_fetch.simulator import Fault, Simulator, SimulatorSettings

pytestmark = pytest.mark.anyio

_FAILING = SimulatorSettings(seed=1, limit=WIDE, faults=(Fault.parse("500:sticky,rate=0.3"),))
_HASTY = Job(fetch=FetchSettings(workers=8, retries=0))


async def test_partial_files_are_there_again_though_nothing_was_to_do(tmp_path: Path) -> None:
    """The killed run's are removed, for they may be newer than what the ledger says of them."""
    out, finished = tmp_path / "archive", tmp_path / "finished.csv"
    async with Simulator(_FAILING) as simulator:
        await download(simulator, out, _HASTY)
        before, manifest = Archive(out).sessions(), Archive(out).manifest()
        assert any(".partial." in name for name in before)
        lines = [f"{view.session_id},{view.view_id}" for view, line in manifest.items() if line["outcome"] == "fetched"]
        finished.write_text("\n".join(["session_id,view_id", *lines[:3], ""]))
        await download(simulator, out, _HASTY, views=finished)
        with closing(Ledger.open(Layout(out).ledger)) as ledger:
            ledger.set_setting(Setting.STATE, State.RUNNING)
        asked = simulator.counts.requests
        await download(simulator, out, _HASTY, views=finished)
        assert simulator.counts.requests == asked
    assert Archive(out).sessions() == before
    assert Archive(out).manifest() == manifest
    assert verified(out).exit_code == 0


def _counted(path: Path, view: View, segments: int | None) -> Path:
    """A list of one view that says how many segments it has, or does not say."""
    count = "" if segments is None else segments
    path.write_text(f"session_id,view_id,segments_count\n{view.session_id},{view.view_id},{count}\n")
    return path


@pytest.mark.parametrize("counts", [[None, 99], [99, 77], [1, 99]], ids=str)
async def test_what_the_latest_list_counts_is_held_against_a_view_that_was_finished_before(
    tmp_path: Path, counts: list[int | None]
) -> None:
    async with Simulator(SimulatorSettings(limit=WIDE)) as simulator:
        view = simulator.views[0]
        lists = [_counted(tmp_path / f"{number}.csv", view, count) for number, count in enumerate(counts)]
        alone, after = tmp_path / "alone", tmp_path / "after"
        for path in lists:
            ran = await download(simulator, after, _HASTY, views=path)
        expected = await download(simulator, alone, _HASTY, views=lists[-1])
    assert ran.report.noted == expected.report.noted == Noted(1, segments_expected=1)
    assert Archive(after).manifest()[view]["segments_expected"] == counts[-1]
    assert (after / "manifest.ndjson").read_bytes() == (alone / "manifest.ndjson").read_bytes()


async def test_a_run_killed_behind_its_list_and_before_its_manifest_is_made_good_by_the_next(tmp_path: Path) -> None:
    """There was nothing to ask for, so only the list tells that the manifest is behind."""
    out = tmp_path / "archive"
    async with Simulator(SimulatorSettings(limit=WIDE)) as simulator:
        view = simulator.views[0]
        await download(simulator, out, _HASTY, views=_counted(tmp_path / "a.csv", view, None))
        later = _counted(tmp_path / "b.csv", view, 99)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("replay_fetch.pipeline.run.bring_manifest_up_to_date", lambda *_, **__: None)
            await download(simulator, out, _HASTY, views=later)
        assert Archive(out).manifest()[view]["segments_expected"] is None
        assert verified(out).findings == []
        await download(simulator, out, _HASTY, views=later)
    assert Archive(out).manifest()[view]["segments_expected"] == 99
    assert verified(out).findings == []


async def test_a_damaged_session_ends_the_run_with_3_when_all_else_is_done(tmp_path: Path) -> None:
    out = tmp_path / "archive"
    async with Simulator(SimulatorSettings(limit=WIDE)) as simulator:
        of_one = [view for view in simulator.views if view.session_id == simulator.views[0].session_id]
        assert len(of_one) > 1
        assert (await download(simulator, out, _HASTY, views=of_one[:1])).exit_code == 0
        path = Layout(out).session_file(of_one[0].session_id)
        path.write_bytes(path.read_bytes()[:-20])
        ran = await download(simulator, out, _HASTY)
    assert ran.exit_code == 3
    assert f"{path.name} is damaged" in str(ran.failure)
    assert "verify --rebuild" in str(ran.failure)
    assert set(Archive(out).outcomes().values()) == {"fetched", "empty"}


async def test_leftovers_of_a_run_with_nothing_to_do_are_cleared_by_the_next(tmp_path: Path) -> None:
    out = tmp_path / "archive"
    async with Simulator(SimulatorSettings(limit=WIDE)) as simulator:
        await download(simulator, out, _HASTY)
        layout = Layout(out)
        (layout.temporary / "manifest").write_bytes(b"half")
        layout.part(1, 1).write_bytes(b"of a refresh that was stopped")
        await download(simulator, out, _HASTY)
    assert [*layout.temporary.iterdir(), *layout.parts.iterdir()] == []
