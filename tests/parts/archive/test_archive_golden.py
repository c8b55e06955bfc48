"""Manifest and report to the byte, as they were before each had a type of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from archives import WIDE, Job, download

from replay_fetch.archive.layout import Layout
from replay_fetch.archive.report import Report, write_report
from replay_fetch.model import Noted, Outcome
from replay_fetch.settings import FetchSettings
from replay_fetch.simulator import (
    Fault,
    HoldingSettings,
    PageChain,
    PagingSettings,
    Simulator,
    SimulatorSettings,
)

GOLDEN = Path(__file__).with_name("golden")
_HOLDING = HoldingSettings(sessions=4, segments_per_view=3)

# Views that end in most of the ways, chains that go in circles, and lists that count more than there is.
SERVED = {
    "whole": SimulatorSettings(seed=3, holding=_HOLDING, limit=WIDE),
    "unfinished": SimulatorSettings(
        seed=4,
        holding=_HOLDING,
        limit=WIDE,
        paging=PagingSettings(page_segments=1, chain=PageChain.REPEATED, chain_share=0.4),
        faults=(Fault.parse("html:sticky,rate=0.15"), Fault.parse("500:sticky,rate=0.1")),
    ),
}
_JOB = Job(fetch=FetchSettings(workers=4, retries=0), wall=lambda: 2_000_000_000.0)


def _listed(path: Path, simulator: Simulator) -> Path:
    """A list that counts nine segments for every other view."""
    rows = (f"{view.session_id},{view.view_id},{'9' * (at % 2)}\n" for at, view in enumerate(simulator.views))
    path.write_text("session_id,view_id,segments_count\n" + "".join(rows), "ascii")
    return path


@pytest.mark.anyio
@pytest.mark.usefixtures("virtual_clock")
@pytest.mark.parametrize("name", SERVED)
async def test_a_manifest_has_the_same_bytes_as_ever(tmp_path: Path, name: str) -> None:
    async with Simulator(SERVED[name]) as simulator:
        listed = _listed(tmp_path / "views.csv", simulator)
        await download(simulator, tmp_path / "out", _JOB, views=listed)
    written = Layout(tmp_path / "out").manifest.read_bytes()
    assert written == (GOLDEN / f"{name}.ndjson").read_bytes()


def test_a_report_has_the_same_bytes_as_ever(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.temporary.mkdir(parents=True)
    report = Report(
        "views “a”.csv",
        rows=12,
        duplicates=1,
        bad_rows=1,
        outcomes={Outcome.FETCHED: 5, Outcome.FAILED: 2},
        unasked=3,
        finished_before=2,
        noted=Noted(3, 1, 1, 1, 2),
        reasons=[{"outcome": Outcome.FAILED, "reason": "500", "views": 2}],
        segments=99,
        bytes=12345,
        requests=17,
        retries=2,
        rate_limited=1,
        pages=14,
        wire_bytes=9999,
        seconds=1.25,
        waited_seconds=0.5,
        started="2026-01-02T03:04:05+00:00",
        stopped="the API refuses the keys",
        limiter="fixed window",
        bad_row_reasons=["line 3: no id"],
        pacing=[{"seconds": 1.0, "rate": 5.0, "limit": None}],
        slowest=[{"session_id": "s", "view_id": "v", "seconds": 1.0}],
        settings={"fetch": {"workers": 3, "memory_limit": None}},
    )
    write_report(layout, report)
    assert layout.report.read_bytes() == (GOLDEN / "report.json").read_bytes()
