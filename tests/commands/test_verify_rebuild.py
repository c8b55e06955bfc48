"""``verify --rebuild``: a new ledger, with which the next run ends where an unhurt one would have."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from archives import WIDE, Archive, Job, download
from damaged_archives import manifest, problems, session_files, write_manifest

from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lock import locked
from replay_fetch.archive.read.readers import Processes
from replay_fetch.cli import main
from replay_fetch.errors import ArchiveError
from replay_fetch.inspect.rebuild import rebuild
from replay_fetch.ledger.database import DamagedLedger
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.model import View
from replay_fetch.settings import ArchiveSettings, Compression, FetchSettings
from replay_fetch.simulator import Fault, Simulator, SimulatorSettings

pytestmark = pytest.mark.anyio

_SIMULATED = SimulatorSettings(limit=WIDE)


def job(compression: Compression) -> Job:
    return Job(archive=ArchiveSettings(compression))


def with_garbage(ledger: Path) -> None:
    ledger.write_bytes(b"garbage" * 1000)


def overwritten_inside(ledger: Path) -> None:
    octets = ledger.read_bytes()
    ledger.write_bytes(octets[:100] + b"\xff" * (len(octets) - 100))


def of_another_program(ledger: Path) -> None:
    octets = ledger.read_bytes()
    ledger.write_bytes(octets[:68] + b"mine" + octets[72:])


def gone(ledger: Path) -> None:
    ledger.unlink()


@pytest.mark.parametrize("hurt", [with_garbage, overwritten_inside, of_another_program, gone])
async def test_a_damaged_ledger_is_refused_with_the_way_out_which_works(
    tmp_path: Path, hurt: Callable[[Path], None]
) -> None:
    out = tmp_path / "archive"
    async with Simulator(_SIMULATED) as simulator:
        await download(simulator, out, job(Compression.GZIP))
        before, asked = Archive(out).everything(), simulator.counts.requests
        hurt(Layout(out).ledger)
        with pytest.raises(ArchiveError, match=f"replay-fetch verify --rebuild {out}"):
            await download(simulator, out, job(Compression.GZIP))
        rebuilt = rebuild(out, Processes(1), None)
        assert rebuilt.exit_code == 0
        assert (rebuilt.kept, rebuilt.dropped) == (len(simulator.views), 0)
        ran = await download(simulator, out, Job())  # the compression is known again
        assert ran.exit_code == 0
        assert simulator.counts.requests == asked
    same = {name for name in before if name.startswith(("sessions/", "manifest"))}
    assert {name: Archive(out).everything()[name] for name in same} == {name: before[name] for name in same}
    assert problems(out) == []


@pytest.mark.parametrize("compression", Compression)
async def test_damaged_views_alone_are_fetched_again_after_a_rebuild(tmp_path: Path, compression: Compression) -> None:
    out = tmp_path / "archive"
    async with Simulator(_SIMULATED) as simulator:
        await download(simulator, out, job(compression))
        before = Archive(out).sessions()
        first, second, *_ = session_files(out)
        first.write_bytes(first.read_bytes()[:-1] + b"?")
        second.unlink()
        lost = 1 + sum(line["file"] == f"sessions/{second.name}" for line in manifest(out))
        rebuilt = rebuild(out, Processes(1), None)
        assert (rebuilt.exit_code, rebuilt.dropped) == (1, lost)
        assert problems(out) == []
        simulator.counts.views.clear()
        assert (await download(simulator, out, Job())).exit_code == 0
        assert len(simulator.counts.views) == lost
    assert Archive(out).sessions() == before
    assert problems(out) == []


async def test_views_that_lie_in_a_partial_file_are_kept(tmp_path: Path) -> None:
    """Their bytes get a part again, out of which the finished file is made."""
    out, whole = tmp_path / "archive", tmp_path / "whole"
    fault = Fault.parse("500:sticky,rate=0.2")
    hasty = Job(fetch=FetchSettings(workers=8, retries=0), archive=ArchiveSettings(Compression.ZSTD))
    async with Simulator(_SIMULATED) as simulator:
        await download(simulator, whole, hasty)
    async with Simulator(SimulatorSettings(limit=WIDE, faults=(fault,))) as failing:
        assert (await download(failing, out, hasty)).report.unfinished
    partial = [line for line in manifest(out) if ".partial." in (line["file"] or "")]
    assert partial
    with_garbage(Layout(out).ledger)
    rebuilt = rebuild(out, Processes(1), None)
    assert (rebuilt.exit_code, rebuilt.dropped) == (0, 0)
    assert problems(out) == []
    async with Simulator(_SIMULATED) as simulator:
        assert (await download(simulator, out, hasty)).exit_code == 0
        assert simulator.counts.views.keys().isdisjoint(View(line["session_id"], line["view_id"]) for line in partial)
    assert Archive(out).sessions() == Archive(whole).sessions()
    assert (out / "manifest.ndjson").read_bytes() == (whole / "manifest.ndjson").read_bytes()


@pytest.mark.parametrize("compression", Compression)
async def test_bytes_that_do_not_belong_in_a_file_are_taken_out_by_a_rebuild(
    tmp_path: Path, compression: Compression
) -> None:
    """Without asking for the views in it again; what was there is kept aside."""
    out = tmp_path / "archive"
    async with Simulator(_SIMULATED) as simulator:
        await download(simulator, out, job(compression))
        before = Archive(out).everything()
        first = session_files(out)[0]
        first.write_bytes(first.read_bytes() + b"more")
        assert rebuild(out, Processes(1), None).dropped == 0
        asked = simulator.counts.requests
        assert (await download(simulator, out, Job())).exit_code == 0
        assert simulator.counts.requests == asked
    same = {name for name in before if name.startswith(("sessions/", "manifest"))}
    assert {name: Archive(out).everything()[name] for name in same} == {name: before[name] for name in same}
    assert (out / ".replay-fetch" / "damaged-1" / first.name).read_bytes().endswith(b"more")


async def test_without_ledger_and_manifest_everything_is_asked_for_again_and_nothing_lost(tmp_path: Path) -> None:
    """Of files alone nobody can tell whether their views are complete; they are kept for who needs them."""
    out = tmp_path / "archive"
    async with Simulator(_SIMULATED) as simulator:
        await download(simulator, out, Job())
        before = Archive(out).sessions()
        with_garbage(Layout(out).ledger)
        Layout(out).manifest.unlink()
        rebuilt = rebuild(out, Processes(1), None)
        assert (rebuilt.exit_code, rebuilt.kept) == (1, 0)
        assert {name: (out / ".replay-fetch" / "damaged-1" / name).read_bytes() for name in before} == before
        assert (await download(simulator, out, Job())).exit_code == 0
    assert Archive(out).sessions() == before
    assert problems(out) == []


async def test_a_view_whose_line_of_the_manifest_is_damaged_is_fetched_again(tmp_path: Path) -> None:
    out = tmp_path / "archive"
    async with Simulator(_SIMULATED) as simulator:
        await download(simulator, out, Job())
        first, *rest = manifest(out)
        write_manifest(out, [first | {"sha256": "?"}, *rest])
        with_garbage(Layout(out).ledger)
        assert rebuild(out, Processes(1), None).kept == len(rest)
        assert problems(out) == []
        simulator.counts.views.clear()
        assert (await download(simulator, out, Job())).exit_code == 0
        assert set(simulator.counts.views) == {View(first["session_id"], first["view_id"])}
    assert problems(out) == []
    assert len(manifest(out)) == len(rest) + 1


async def test_an_archive_copied_without_its_ledger_gets_one(tmp_path: Path) -> None:
    out = tmp_path / "archive"
    async with Simulator(_SIMULATED) as simulator:
        await download(simulator, out, Job())
        shutil.rmtree(out / ".replay-fetch")
        assert rebuild(out, Processes(1), None).aside is None
        asked = simulator.counts.requests
        assert (await download(simulator, out, Job())).exit_code == 0
        assert simulator.counts.requests == asked


async def test_an_archive_in_use_or_of_another_format_is_not_rebuilt(tmp_path: Path) -> None:
    out = tmp_path / "archive"
    async with Simulator(_SIMULATED) as simulator:
        await download(simulator, out, Job())
    ledger = Layout(out).ledger
    with locked(Layout(out).lock), pytest.raises(ArchiveError, match="another run"):
        rebuild(out, Processes(1), None)
    octets = ledger.read_bytes()
    ledger.write_bytes(octets[:60] + (99).to_bytes(4, "big") + octets[64:])
    changed = ledger.read_bytes()
    with pytest.raises(ArchiveError, match="has format 99"):
        rebuild(out, Processes(1), None)
    assert ledger.read_bytes() == changed


async def test_every_damaged_ledger_is_kept_aside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "archive"
    async with Simulator(_SIMULATED) as simulator:
        await download(simulator, out, Job())
    for number in (1, 2):
        with_garbage(Layout(out).ledger)
        with pytest.raises(DamagedLedger):
            Ledger.open(Layout(out).ledger)
        assert main(["verify", "--rebuild", str(out)]) == 0
        assert f"damaged-{number}: the old ledger" in capsys.readouterr().out.replace("\n  ", " ")
        assert (out / ".replay-fetch" / f"damaged-{number}" / "ledger.sqlite").read_bytes().startswith(b"garbage")
    assert main(["verify", "--rebuild", "--json", str(out)]) == 0
    assert json.loads(capsys.readouterr().out)["good"] is True
