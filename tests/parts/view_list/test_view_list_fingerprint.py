"""When a list counts as the one that is already loaded."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from replay_fetch.errors import InputError
from replay_fetch.settings import PlanSettings
from replay_fetch.view_list.source import fingerprint


def test_the_same_bytes_under_another_name_are_the_same_list(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(b"session_id,view_id\n")
    assert fingerprint(tmp_path / "a", PlanSettings()) == fingerprint(str(tmp_path / "b"), PlanSettings())


def test_other_bytes_or_another_reading_make_another_list(tmp_path: Path) -> None:
    path = tmp_path / "views.csv"
    path.write_bytes(b"session_id,view_id\n")
    readings = [
        PlanSettings(),
        PlanSettings(session_column="x"),
        PlanSettings(view_column="x"),
        PlanSettings(max_views=1),
    ]
    prints = [fingerprint(path, reading) for reading in readings]
    path.write_bytes(b"session_id,view_id\na,b\n")
    prints.append(fingerprint(path, PlanSettings()))
    assert None not in prints
    assert len(set(prints)) == len(prints)


def test_a_list_that_can_be_read_only_once_has_no_fingerprint(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for source in ("-", io.BytesIO(b"x"), tmp_path / "pipe"):
        assert fingerprint(source, PlanSettings()) is None


def test_a_list_that_is_not_there_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        fingerprint(tmp_path / "nothing", PlanSettings())
