"""Commands whose every address leads to one store in memory: fixtures, beside the simulator that they ask.

A module of tests that needs another simulator has its settings as ``SIMULATED``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from archives import WIDE, write_list
from obstore.store import MemoryStore
from processes import lead_to, run_here, served
from stored_runs import over

from replay_fetch.simulator import Simulator, SimulatorSettings


@pytest.fixture(scope="module")
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    with served(getattr(request.module, "SIMULATED", SimulatorSettings(limit=WIDE))) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def on_a_disk(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of all views in a folder, compressed with zstd; the list lies beside it, as ``out.csv``."""
    out = tmp_path_factory.mktemp("local") / "out"
    listed = write_list(out.with_suffix(".csv"), simulator.views)
    assert run_here("download", listed, out, "--base-url", simulator.base_url, "--compress", "zstd").code == 0
    return out


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, simulator: Simulator) -> Iterator[MemoryStore]:
    """The store that every address leads to, with keys and simulator in the environment."""
    lead_to(simulator, monkeypatch)
    made = MemoryStore()
    with over(monkeypatch, made):
        yield made


@pytest.fixture
def views(simulator: Simulator, tmp_path: Path) -> Path:
    return write_list(tmp_path / "views.csv", simulator.views)
