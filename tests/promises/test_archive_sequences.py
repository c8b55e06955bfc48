"""Runs over one archive after another, killed at any call: every byte in it belongs to a view."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from kills import Killed, killed_at
from msgspec.structs import replace
from pieces import arrived, ended, planned

from replay_fetch.archive.read.readers import Processes
from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.archive.write.buffer import WriteBuffer
from replay_fetch.archive.write.commit import Committer
from replay_fetch.archive.write.session_file import DamagedFile
from replay_fetch.inspect.rebuild import rebuild
from replay_fetch.inspect.verify import Verifying
from replay_fetch.ledger.ledger import ToDo
from replay_fetch.model import Outcome, PlannedView, View
from replay_fetch.pipeline.opening import begin_run, bring_manifest_up_to_date, open_as_it_is
from replay_fetch.settings import Compression

Served = Mapping[str, int | Outcome]
"""The list's views of one session, each with how many segments it has, or how it ends without one."""

ONE_BATCH, BATCH_A_VIEW = True, False


@dataclass(frozen=True)
class Run:
    """One run over a list."""

    served: Served
    session: str = "s"
    refresh: bool = False
    together: bool = ONE_BATCH
    compress: Compression = Compression.NONE

    def __call__(self, root: Path) -> None:
        """From opening the archive to the manifest."""
        views = [View(self.session, name) for name in self.served]
        with open_as_it_is(root, self.compress) as (layout, ledger):
            loaded = ledger.load((line, view, None) for line, view in enumerate(views, start=2))
            to_do = ledger.to_do(ToDo(loaded.number, 0 if self.refresh else None), None, 100)
            begin_run(ledger)
            try:
                with closing(Committer(layout, ledger, keep_raw=False)) as committer:
                    if to_do:
                        self._commit(committer, to_do)
                    committer.require_undamaged()
            except DamagedFile:
                bring_manifest_up_to_date(layout, ledger, changed=True, in_order=True)
                raise
            bring_manifest_up_to_date(layout, ledger, changed=True, in_order=True)

    def _commit(self, committer: Committer, to_do: list[PlannedView]) -> None:
        buffer = WriteBuffer()
        buffer.expect(to_do[0].session, len(to_do))
        for view in to_do:
            served = self.served[view.view.view_id]
            if isinstance(served, Outcome):
                buffer.take(ended(view, served), 0.0)
            else:
                page = arrived(planned(int(view.view.view_id[1:])), served)  # whatever its row in this ledger
                buffer.take(replace(page, planned=view), 0.0)
                buffer.take(ended(view), 0.0)
            if not self.together:
                committer.commit(buffer.batch(float("inf")))
        committer.commit(buffer.close())


def instants(first: list[Run], last: Run, root: Path) -> Iterator[Path]:
    """The archive as it is after a kill at each instant of the last of some runs."""
    begun = root / "begun"
    begun.mkdir()
    for run in first:
        run(begun)
    for instant in itertools.count():
        out = root / f"killed-{instant}"
        shutil.copytree(begun, out)
        with killed_at(instant), suppress(Killed):
            last(out)
            return
        yield out


def check(root: Path, expected: Mapping[str, bytes] | None = None) -> dict[str, bytes]:
    """What lies in ``sessions/`` and in the private folders; verify finds nothing wrong with it."""
    findings = Verifying(DiskShelf(root), Processes(1), None).run().findings
    assert findings == []
    assert list((root / ".replay-fetch" / "tmp").iterdir()) == []
    files = {path.name: path.read_bytes() for path in sorted((root / "sessions").iterdir())}
    files["manifest"] = (root / "manifest.ndjson").read_bytes()
    assert expected is None or files == expected
    return files


FIRST = Run({"v1": 1, "v2": 2})
FAILED = Outcome.FAILED


@pytest.mark.parametrize(
    ("grown", "compress", "together"),
    [
        ({"v1": 3, "v2": 2, "v3": FAILED}, Compression.NONE, ONE_BATCH),
        ({"v1": 1, "v2": 3, "v3": FAILED}, Compression.NONE, BATCH_A_VIEW),
        ({"v1": 3, "v2": 4, "v3": FAILED}, Compression.GZIP, BATCH_A_VIEW),
        ({"v1": 1, "v2": 3}, Compression.GZIP, ONE_BATCH),
        ({"v1": 3, "v2": 3, "v3": 1}, Compression.NONE, BATCH_A_VIEW),
    ],
    ids=str,
)
def test_views_that_grow_leave_no_byte_to_nobody(
    tmp_path: Path, grown: Served, compress: Compression, *, together: bool
) -> None:
    """Whether or not another view of the session failed, wherever the run is killed, and in the run after it."""
    first = Run(FIRST.served, compress=compress)
    last = Run(grown, refresh=True, together=together, compress=compress)
    out = tmp_path / "out"
    for run in (first, last):
        run(out)
    expected = check(out)
    for killed in instants([first], last, tmp_path):
        last(killed)
        check(killed, expected)
    healed = Run({**grown, "v3": 2}, compress=compress)
    healed(out)
    assert check(out).keys() == {"s.ndjson" + compress.suffix, "manifest"}


def test_other_views_stay_in_a_session_file_that_one_view_has_left(tmp_path: Path) -> None:
    for run in (FIRST, Run({"v1": 3, "v2": 2, "v3": FAILED}, refresh=True)):
        run(tmp_path)
    sessions = tmp_path / "sessions"
    assert b'"v2"' in (sessions / "s.ndjson").read_bytes()
    assert b'"v1"' not in (sessions / "s.ndjson").read_bytes()
    assert (sessions / "s.partial.ndjson").read_bytes().count(b'"v1"') == 3


@pytest.mark.parametrize("first", [[], [Run({"v1": 2})]], ids=["new", "added to"])
@pytest.mark.parametrize(
    "then",
    [
        Run({"v1": 2, "v2": Outcome.MISSING}),
        Run({"v1": 2, "v2": FAILED}),
        Run({"v1": FAILED, "v2": FAILED}),
        Run({"v1": 1}, session="another"),
    ],
    ids=str,
)
def test_lines_that_a_killed_run_did_not_record_do_not_stay(tmp_path: Path, first: list[Run], then: Run) -> None:
    """Its file had its name already, and the views end otherwise the next time, or are not asked for."""
    for killed in instants(first, Run({"v1": 2, "v2": 1}), tmp_path):
        then(killed)
        check(killed)


def gone(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def altered(path: Path) -> None:
    body = path.read_bytes()
    path.write_bytes(body[:100] + bytes([body[100] ^ 1]) + body[101:])


@pytest.mark.parametrize("damage", [gone, cut, altered])
@pytest.mark.parametrize("compress", [Compression.NONE, Compression.GZIP])
def test_damage_to_a_session_is_not_copied_and_what_is_new_is_kept(
    tmp_path: Path, damage: Callable[[Path], None], compress: Compression
) -> None:
    """The run says what to do; after a rebuild the same list makes the session whole."""
    first, last = (Run(served, compress=compress) for served in ({"v1": 2, "v2": 2}, {"v1": 2, "v2": 2, "v3": 1}))
    out, undamaged = tmp_path / "out", tmp_path / "undamaged"
    for root in (out, undamaged):
        first(root)
    last(undamaged)
    damage(out / "sessions" / f"s.ndjson{compress.suffix}")
    before = {path.name: path.read_bytes() for path in (out / "sessions").iterdir()}
    with pytest.raises(DamagedFile, match=r"s\.ndjson.* is damaged \(.*verify --rebuild .*, then the same command"):
        last(out)
    after = {path.name: path.read_bytes() for path in (out / "sessions").iterdir()}
    assert after.pop(f"s.partial.ndjson{compress.suffix}")
    assert (after, list((out / ".replay-fetch" / "tmp").iterdir())) == (before, [])
    assert rebuild(out, Processes(1), None).kept >= 1
    last(out)
    check(out, check(undamaged))
