"""Archives in the state that a benchmark wants: ``python -m benchmarks.ledgers plan|finish LIST OUT``.

``plan`` loads the list and asks nothing; ``finish`` says of every view that it has ended, empty.
"""

from __future__ import annotations

import sys
from pathlib import Path

from msgspec.structs import replace

from replay_fetch.model import Outcome
from replay_fetch.pipeline.job import DownloadJob
from replay_fetch.pipeline.opening import open_archive
from replay_fetch.pipeline.preparing import prepared
from replay_fetch.settings import Credentials, Settings


def plan(views: str, out: Path) -> None:
    with prepared(DownloadJob(views, out, Settings(), Credentials("benchmark", "benchmark"))):
        pass


def finish(out: Path) -> None:
    with open_archive(out, Settings()) as (_, ledger):
        ended = [replace(view, outcome=Outcome.EMPTY, pages=1, shape="segments") for view in ledger.views()]
        ledger.record(ended)


if __name__ == "__main__":
    what, views, out = sys.argv[1:4]
    if what == "plan":
        plan(views, Path(out))
    else:
        finish(Path(out))
