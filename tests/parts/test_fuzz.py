"""Every reader of what strangers wrote keeps its law: on the stored corpus, and on changes of it."""

from __future__ import annotations

import pytest
from fuzz.corpus import FOLDER, KINDS, NASTY, Change, changed, entries
from fuzz.targets import TARGETS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

STORED = sorted(path for path in FOLDER.rglob("*") if path.is_file() and path.name != ".gitattributes")


@pytest.mark.parametrize("name", TARGETS)
def test_stored_inputs_keep_the_law(name: str) -> None:
    stored = entries(name)
    assert stored
    for content in stored:
        TARGETS[name](content)


def test_the_corpus_belongs_to_targets_and_stays_small() -> None:
    assert {path.relative_to(FOLDER).parts[0] for path in STORED} == set(TARGETS)
    assert sum(path.stat().st_size for path in STORED) < 300_000


def changes(stored: list[bytes]) -> st.SearchStrategy[list[Change]]:
    """A few changes, with nasty bytes or with a piece of another entry."""
    splices = st.tuples(st.sampled_from(stored), st.integers(0, 200), st.integers(1, 200)).map(
        lambda drawn: drawn[0][drawn[1] : drawn[1] + drawn[2]]
    )
    change = st.builds(
        Change, st.sampled_from(KINDS), st.integers(0, 2**16 - 1), st.integers(0, 60), st.sampled_from(NASTY) | splices
    )
    return st.lists(change, min_size=1, max_size=4)


@pytest.mark.parametrize("name", TARGETS)
def test_changed_inputs_keep_the_law(name: str) -> None:
    stored = entries(name)

    @settings(max_examples=60, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(stored), changes(stored))
    def law(content: bytes, edits: list[Change]) -> None:
        for edit in edits:
            content = changed(content, edit)
        TARGETS[name](content)

    law()
