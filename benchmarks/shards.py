"""``shards``: what planning, ending, merging and counting shards costs on a long list; nothing is asked.

Every step is a process of its own: ``python -m benchmarks.shards plan|end|merge|status …``.
"""

from __future__ import annotations

import argparse
import filecmp
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.programs import FailedError, Price, price
from benchmarks.results import Results, Table
from benchmarks.scratch import scratch, write_list

VIEWS = 3
"""Views of a session."""
_CHUNK = 20_000
_NOTE = (
    f"{VIEWS} views a session. *plan* reads the list into a shard's ledger, *end* says of each view that it is empty "
    "and writes manifest and report; both are the sum of all shards, and the largest process. The merged manifest is "
    "compared with the one of a single run."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, metavar="N", default=1_000_000)
    parser.add_argument("--count", type=int, metavar="N", default=8, help="of shards")
    parser.add_argument("--folder", type=Path, help="where to write (default: in memory, /dev/shm)")


def run(options: argparse.Namespace) -> Results:
    if options.quick:
        options.rows = 20_000
    with scratch(options.folder) as folder:
        views = write_list(folder / "views.csv", -(-options.rows // VIEWS), VIEWS)
        counts = dict(zip(_ARCHIVES, (1, options.count), strict=True))
        prices = {name: _run(views, folder / path, counts[name]) for name, path in _ARCHIVES.items()}
        sizes: list[Sequence[str]] = [
            (name, *map(_megabytes, _sizes(folder / path))) for name, path in _ARCHIVES.items()
        ]
        if not filecmp.cmp(folder / "one" / "manifest.ndjson", folder / "many" / "manifest.ndjson", shallow=False):
            raise FailedError("the merged manifest is not the one of a single run")
    results = Results("shards", notes=[_NOTE])
    for title, show in _FIGURES.items():
        table = Table(f"{options.rows:,} rows, {options.count} shards: {title}", ("", *_STEPS))
        for name, steps in prices.items():
            table.rows.append((name, *(show(steps[step]) for step in _STEPS)))
        results.tables.append(table)
    columns = ("", "ledgers", "manifests")
    results.tables.append(Table(f"{options.rows:,} rows, {options.count} shards: MB on the disk", columns, sizes))
    for name, steps in prices.items():
        results.measurements += [{"run": name, "step": step, **asdict(paid)} for step, paid in steps.items()]
    return results


_ARCHIVES = {"one run": "one", "shards": "many"}
_STEPS = ("plan", "end", "merge", "status")
_FIGURES: dict[str, Callable[[Price], str]] = {
    "CPU seconds": lambda paid: f"{paid.cpu:.1f}",
    "peak MB": lambda paid: f"{paid.peak / 1e6:.0f}",
}


def _sizes(out: Path) -> tuple[int, int]:
    """The bytes of an archive's ledgers, and of its manifests, the merged one among them."""
    ledgers = sum(path.stat().st_size for path in (out / ".replay-fetch").rglob("ledger*"))
    return ledgers, sum(path.stat().st_size for path in out.rglob("*.ndjson"))


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f}"


def _run(views: Path, out: Path, count: int) -> dict[str, Price]:
    """Take an archive through all steps; a single run is one shard, which is merged as well."""
    paid = {step: Price(0.0, 0.0, 0) for step in _STEPS}
    for step in _STEPS:
        for index in range(count if step in {"plan", "end"} else 1):
            print(f"{out.name}: {step} {index} …", file=sys.stderr)
            command = [sys.executable, "-m", "benchmarks.shards", step, str(views), str(out), f"{index}/{count}"]
            one, so_far = price(command, time_limit=7200), paid[step]
            paid[step] = Price(so_far.cpu + one.cpu, so_far.wall + one.wall, max(so_far.peak, one.peak))
    return paid


def _step(step: str, views: str, out: Path, shard: str) -> None:
    # Imported here: a program begins as a copy of the runner, whose size counts in every peak.
    from replay_fetch.archive.report import Report, write_report  # noqa: PLC0415
    from replay_fetch.cli import main  # noqa: PLC0415
    from replay_fetch.ledger.ledger import ToDo  # noqa: PLC0415
    from replay_fetch.model import Outcome, ViewRecord  # noqa: PLC0415
    from replay_fetch.pipeline.job import DownloadJob  # noqa: PLC0415
    from replay_fetch.pipeline.opening import bring_manifest_up_to_date, open_archive  # noqa: PLC0415
    from replay_fetch.pipeline.preparing import prepared  # noqa: PLC0415
    from replay_fetch.settings import Credentials, PlanSettings, Settings  # noqa: PLC0415
    from replay_fetch.shard import read_shard  # noqa: PLC0415

    settings = replace(Settings(), plan=PlanSettings(shard=read_shard(shard)))
    if step in {"merge", "status"}:
        sys.exit(main([step, str(out)]))
    if step == "plan":
        with prepared(DownloadJob(views, out, settings, Credentials("benchmark", "benchmark"))):
            return
    with open_archive(out, settings) as (layout, ledger):
        after = None
        while chunk := ledger.to_do(ToDo(1), after, _CHUNK):
            ended = (ViewRecord(view, outcome=Outcome.EMPTY, pages=1, shape="segments") for view in chunk)
            ledger.record(ended)
            after = chunk[-1]
        bring_manifest_up_to_date(layout, ledger, changed=True, in_order=True)
        number = ledger.totals().views
        write_report(layout, Report(views, number, 0, 0, {Outcome.EMPTY: number}))


if __name__ == "__main__":
    _step(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4])
