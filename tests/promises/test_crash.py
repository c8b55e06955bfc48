"""Runs ended at named points and started again: a sample; ``python -m tests.crash`` is the long form."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from crash.harness import Stage, crashes, staged
from crash.scenarios import SCENARIOS


@pytest.fixture(scope="module", params=SCENARIOS, ids=lambda scenario: scenario.name)
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(request.param, tmp_path_factory.mktemp("crash") / "stage") as stage:
        yield stage


def test_a_killed_run_ends_in_the_same_archive(stage: Stage) -> None:
    """Each scenario is crashed at some of its points, others for each, and once at a random time."""
    rng = random.Random(stage.scenario.name)  # noqa: S311 - chance, not secrets
    chosen = [next(points) for points in [crashes(stage, rng)] for _ in stage.points]
    sample = rng.sample(chosen, 3)
    kills = sum(stage.trial(crash) for crash in sample)
    kills += stage.trial(rng.uniform(0.05, stage.seconds), rng.choice(chosen))
    assert kills >= 2


def test_names_and_commits_follow_bytes_that_are_on_the_disk(stage: Stage) -> None:
    """For every file: write, fsync, and the folder of each new name; only then the ledger's commit."""
    unsynced: set[str] = set()
    folders: set[str] = set()
    seen: Counter[str] = Counter()
    for call in stage.calls:
        match call.when, call.name:
            case "before", "write":
                unsynced.add(call.path)
                if call.point == "write session":
                    folders.add(str(Path(call.path).parent))
            case "before", "rename":
                assert call.source not in unsynced, f"{call.path} was named before it was fsynced"
                folders.add(str(Path(call.path).parent))
            case "before", "mkdir":
                folders.add(str(Path(call.path).parent))
            case "after", "fsync":
                unsynced.discard(call.path)
                folders.discard(call.path)
            case "before", "commit":
                assert not unsynced | folders, f"committed before these were fsynced: {unsynced | folders}"
        seen[call.name] += 1
    assert min(seen[name] for name in ("write", "rename", "fsync", "commit")) >= 3


def test_session_files_are_published_behind_their_record_only(stage: Stage) -> None:
    """A session file gets its final name only behind the commit that follows its last byte."""
    unrecorded: set[str] = set()
    published = 0
    for call in stage.calls:
        match call.when, call.point:
            case "before", "write session":
                unrecorded.add(call.path)
            case "after", "commit ledger":
                unrecorded.clear()
            case "before", "rename session" | "rename partial file":
                assert call.source not in unrecorded, f"{call.path} was published before the ledger's commit"
                published += 1
    assert published


def test_files_are_removed_only_when_their_successors_are_recorded_and_published(stage: Stage) -> None:
    """A part or a partial file goes when the ledger names another place for its lines, and they are there."""
    staged: set[str] = set()
    unrecorded, unsynced = False, set[str]()
    for call in stage.calls:
        match call.when, call.point:
            case "before", "write session":
                staged.add(call.path)
                unrecorded = True
            case "after", "commit ledger":
                unrecorded = False
            case "after", "rename session" | "rename partial file":
                staged.discard(call.source)
                unsynced.add(str(Path(call.path).parent))
            case "after", "fsync sessions folder":
                unsynced.clear()
            case "before", "unlink part" | "unlink partial file":
                assert not unrecorded, f"{call.path} was removed before the ledger's commit"
                assert not staged | unsynced, (
                    f"{call.path} was removed before these were published: {staged | unsynced}"
                )
