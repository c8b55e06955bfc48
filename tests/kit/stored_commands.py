"""Commands whose every address leads to one store in memory: fixtures, beside the simulator that they ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from archives import WIDE, write_list
from obstore.store import MemoryStore
from processes import lead_to, served
from stored_runs import over

from replay_fetch.simulator import Simulator, SimulatorSettings


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with served(SimulatorSettings(limit=WIDE)) as simulator:
        yield simulator


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
