"""A list of one row: what every command says of it is in the singular."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from archives import KEYS, WIDE
from processes import served

from replay_fetch.cli import main
from replay_fetch.simulator import PagingSettings, Shape, SimulatorSettings

SESSION, VIEW = "42976590-7f9f-47cb-a2e1-83c0d33d12ef", "aa63287b-2668-4d98-8135-8595e125e26a"
"""A view of one segment."""
_PLURAL = re.compile(r"(?<![\d.,])1 (?!was\b)(?:[a-z]{2,}s|were)\b.*")


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A folder with the list, and a simulator that the commands are led to."""
    monkeypatch.setenv("DD_API_KEY", KEYS.api_key)
    monkeypatch.setenv("DD_APP_KEY", KEYS.app_key)
    (tmp_path / "views.csv").write_text(f"session_id,view_id\n{SESSION},{VIEW}\n")
    with served(SimulatorSettings(limit=WIDE)) as simulator:
        monkeypatch.setenv("REPLAY_FETCH_BASE_URL", simulator.base_url)
        yield tmp_path


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What a command prints; none of it is a plural of one."""
    main(list(map(str, arguments)))
    printed = capsys.readouterr().out
    assert _PLURAL.findall(printed) == []
    return printed


def test_every_command_tells_of_a_single_view_in_the_singular(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    views, out = at / "views.csv", at / "archive"
    assert said(capsys, "download", views, out, "--dry-run").startswith("1 row in ")
    assert said(capsys, "download", views, out).startswith("1 view in ")
    assert "1 was finished by an earlier run" in said(capsys, "download", views, out)
    assert "1 session: 1 whole" in said(capsys, "status", out)
    assert "1 session, 1 view, 1 segment, " in said(capsys, "show", out)
    assert "1 view, 1 segment, " in said(capsys, "show", out, SESSION)
    assert "1 row" in said(capsys, "export", out, "--parquet", at / "tables")
    assert said(capsys, "verify", out).startswith("nothing wrong: 1 view of 1 session, ")
    (out / ".replay-fetch" / "ledger.sqlite").unlink()
    assert "new ledger: 1 view kept, 0 to be asked for again" in said(capsys, "verify", out, "--rebuild")
    assert " of 1 session found" in said(capsys, "discover", "--session", SESSION, "--out", at / "found.csv")


def test_decode_tells_of_a_single_view_in_the_singular(
    at: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = at / "archive"
    with served(SimulatorSettings(limit=WIDE, paging=PagingSettings(shape=Shape.UNKNOWN))) as simulator:
        monkeypatch.setenv("REPLAY_FETCH_BASE_URL", simulator.base_url)
        said(capsys, "download", at / "views.csv", out)
        told = said(capsys, "decode", out, "--segments-path", "payload.chunks")
    assert told.startswith("1 view with raw pages in ")
    assert "\n1 segment understood\n" in told
