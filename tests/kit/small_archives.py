"""An archive of two sessions as fixtures, for commands that change it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from archives import Archive
from damaged_archives import make


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of two sessions, one for all tests of a worker; left as it is."""
    return make(tmp_path_factory.mktemp("made") / "archive")


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(made, tmp_path / "archive"))


@pytest.fixture
def sessions(made: Path) -> list[str]:
    """The ids of the two, in the manifest's order."""
    return list(dict.fromkeys(view.session_id for view in Archive(made).manifest()))
