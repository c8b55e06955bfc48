"""Random sequences of commands, killed and repeated: a sample.

``python -m tests.crash --sequences N`` is the long form.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from crash.sequences import sequence, steps
from crash.world import World

SEEDS = (3, 11)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_sequence_of_killed_and_repeated_commands_ends_as_if_none_was_killed(seed: int, tmp_path: Path) -> None:
    """A failure names the seed, and the command that repeats it."""
    assert sequence(seed, tmp_path / "sequence", 5)


def test_a_world_says_the_same_all_day_and_something_else_on_another() -> None:
    """Else a killed command that is repeated would be told something else than the undisturbed one."""
    one, other = World(1), World(1)
    targets = [f"/sessions/{view.session_id}/views/{view.view_id}/segments?source=blob" for view in one.views]
    assert [one.answer(target) for target in targets] == [other.answer(target) for target in targets]
    told = set()
    for day in range(20):
        one.day = day
        told.add(tuple(one.answer(target) for target in targets))
    assert len(told) > 10


def test_a_seed_gives_the_same_sequence_every_time() -> None:
    first, second = (list(steps(random.Random(5), 9)) for _ in range(2))  # noqa: S311 - chance, not secrets
    assert first == second
