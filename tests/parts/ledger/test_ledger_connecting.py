"""Connections to the ledger's file: closed, they hold on to nothing, whatever is still being read."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from replay_fetch.ledger.connecting import connected, connected_read_only


def test_a_closed_connection_leaves_no_files_beside_its_own_though_a_cursor_lives_on(tmp_path: Path) -> None:
    """The cursor would remove the write-ahead log of a ledger that took this one's place meanwhile."""
    path = tmp_path / "ledger.sqlite"
    with closing(connected(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE view (id)")
        db.execute("INSERT INTO view VALUES (1), (2)")
    for connect in (connected, connected_read_only):
        db = connect(path)
        cursor = db.execute("SELECT id FROM view")
        assert cursor.fetchone() == (1,)
        db.close()
        assert [file.name for file in tmp_path.iterdir()] == ["ledger.sqlite"]
        del cursor
