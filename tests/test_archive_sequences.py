"""Runs over one archive after another, killed at any call: every byte in it belongs to a view."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pieces import arrived, ended

from replay_fetch.archive.commit import Committer
from replay_fetch.archive.desk import Desk
from replay_fetch.commands.verify import Verifying
from replay_fetch.ledger import Ledger, ToDo
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
            with closing(Committer(layout, ledger, keep_raw=False)) as committer:
                if to_do:
                    self._commit(committer, to_do)
                committer.commit_partial_files()
            bring_manifest_up_to_date(layout, ledger, changed=True, in_order=True)

    def _commit(self, committer: Committer, to_do: list[PlannedView]) -> None:
        desk = Desk()
        desk.expect(to_do[0].session, len(to_do))
        for view in to_do:
            served = self.served[view.view.view_id]
            if isinstance(served, Outcome):
                desk.take(ended(view, served), 0.0)
            else:
                desk.take(arrived(view, served), 0.0)
                desk.take(ended(view), 0.0)
            if not self.together:
                committer.commit(desk.batch(float("inf")))
        committer.commit(desk.close())


class Killed(BaseException):
    """Ends a run as a kill would: nobody expects it."""


@contextmanager
def killed_at(instant: int) -> Iterator[None]:
    """End a run at one of the calls that change an archive, counted from 0."""
    passed = itertools.count()

    def wrap(owner: Any, name: str) -> None:  # Any: a module or a class
        real: Callable[..., Any] = getattr(owner, name)

        def wrapped(*arguments: Any, **options: Any) -> Any:
            if next(passed) == instant:
                raise Killed(name)
            return real(*arguments, **options)

        patch.setattr(owner, name, wrapped)

    with pytest.MonkeyPatch.context() as patch:
        for name in ("replace", "unlink", "fsync"):
            wrap(os, name)
        for name in ("record", "named", "set_setting", "forget_partial_files"):
            wrap(Ledger, name)
        yield


def instants(first: list[Run], last: Run, root: Path) -> Iterator[Path]:
    """The archive as it is after a kill at each instant of the last of some runs."""
    for instant in itertools.count():
        out = root / f"killed-{instant}"
        for run in first:
            run(out)
        with killed_at(instant), suppress(Killed):
            last(out)
            return
        yield out


def check(root: Path, expected: Mapping[str, bytes] | None = None) -> dict[str, bytes]:
    """What lies in ``sessions/`` and in the private folders; verify finds nothing wrong with it."""
    findings = Verifying(root, 1, None).run().findings
    assert findings == []
    assert list((root / ".replay-fetch" / "tmp").iterdir()) == []
    files = {path.name: path.read_bytes() for path in sorted((root / "sessions").iterdir())}
    files["manifest"] = (root / "manifest.ndjson").read_bytes()
    assert expected is None or files == expected
    return files


FIRST = Run({"v1": 1, "v2": 2})
WAYS = pytest.mark.parametrize(
    ("compress", "together"),
    [(Compression.NONE, ONE_BATCH), (Compression.NONE, BATCH_A_VIEW), (Compression.GZIP, ONE_BATCH)],
)


@pytest.mark.parametrize(
    "grown",
    [
        {"v1": 3, "v2": 2, "v3": Outcome.FAILED},
        {"v1": 1, "v2": 3, "v3": Outcome.FAILED},
        {"v1": 3, "v2": 4, "v3": Outcome.FAILED},
        {"v1": 1, "v2": 3},
        {"v1": 3, "v2": 3, "v3": 1},
    ],
    ids=str,
)
@WAYS
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


def test_what_a_view_left_of_the_session_behind_it_stands_on(tmp_path: Path) -> None:
    for run in (FIRST, Run({"v1": 3, "v2": 2, "v3": Outcome.FAILED}, refresh=True)):
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
        Run({"v1": 2, "v2": Outcome.FAILED}),
        Run({"v1": Outcome.FAILED, "v2": Outcome.FAILED}),
        Run({"v1": 1}, session="another"),
    ],
    ids=str,
)
def test_lines_that_a_killed_run_did_not_record_do_not_stay(tmp_path: Path, first: list[Run], then: Run) -> None:
    """Its file had its name already, and the views end otherwise the next time, or are not asked for."""
    for killed in instants(first, Run({"v1": 2, "v2": 1}), tmp_path):
        then(killed)
        check(killed)
