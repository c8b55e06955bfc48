"""Download a list by the workers of an engine: one task a shard, then the merge of all."""

from __future__ import annotations

import argparse
import logging
import os
import time
import uuid
from functools import partial

from replay_fetch.cli.archive_option import shelf_at
from replay_fetch.cli.engine_shards import ShardEnded, run_shard, stop_shards
from replay_fetch.cli.merge import FILES_A_SHARD
from replay_fetch.cli.output import conclude, say, shown, warn
from replay_fetch.cli.parser import USAGE
from replay_fetch.cli.process import allow_open_files
from replay_fetch.cli.run_log import begun, log_end
from replay_fetch.cli.summary import as_typed, report_json, report_text
from replay_fetch.engine import Engine, cluster
from replay_fetch.environment import credentials
from replay_fetch.errors import SettingsError
from replay_fetch.progress.units import few, some
from replay_fetch.settings import Settings
from replay_fetch.shard import MOST
from replay_fetch.tasks import Shard, merge, shards
from replay_fetch.view_list.source import STDIN, ListSource

# Shards that one reason stopped; the number of the others is said.
_NAMED = 5
# Seconds beside the grace for requests: for a stopped shard's last commit and manifest, and the lease in a store.
_LAST_COMMIT = 20.0
log = logging.getLogger(__name__)


def download_on_engine(options: argparse.Namespace, settings: Settings) -> int:
    """Download all shards, merge them, and print the merged report; returns the exit code.

    `check` has taken the options. Shards that failed are named on stderr, and nothing is merged then: the same
    command goes on with them. Raises SettingsError before anything is asked.
    """
    (views,) = options.views
    count = _known_count(options)
    # Workers of this machine inherit the environment, and their warnings are ours to print.
    secrets = credentials(os.environ).secrets if options.scheduler is None else ()
    with shown(settings.show, secrets) as _, cluster(options.scheduler, at_most=count) as engine:
        # All that can be refused is refused before a shard begins.
        tasks = shards(views, str(options.out), count or engine.at_once(0), settings=settings)
        log.info("%s on %s", some(len(tasks), "shard"), some(engine.workers, "worker"))
        with begun("download", {"views": views, "out": str(options.out)}, settings):
            run = uuid.uuid4().hex
            try:
                failed = _run_all(engine, run, tasks)
            except KeyboardInterrupt:
                _stop_all(engine, run, settings.fetch.grace)
                raise
            allow_open_files(MOST * FILES_A_SHARD)  # all ledgers are read side by side
            report = None if failed else merge(str(options.out))
        code = max(ended.exit_code for ended in failed) if failed else report.exit_code if report else 0
        text = report_text(report, options.out) if report else ""
        log_end("download", text.splitlines(), None, code)
    if report is None:
        tell(failed, len(tasks))
    else:
        conclude(report_json(report) if options.json else text, None)
    return code


def _run_all(engine: Engine, run: str, tasks: list[Shard]) -> list[ShardEnded]:
    """Run all shards, and log each as it ends; returns those that failed."""
    failed = []
    for number, ended in enumerate(engine.results(partial(run_shard, run), tasks), start=1):
        if ended.report is None:
            failed.append(ended)
            log.warning("shard %s was stopped (%d of %d): %s", ended.shard, number, len(tasks), ended.failure)
        else:
            outcomes = ", ".join(f"{count} {outcome}" for outcome, count in ended.report.outcomes.items())
            log.info("shard %s has ended (%d of %d): %s", ended.shard, number, len(tasks), outcomes or "no views")
    return failed


def _stop_all(engine: Engine, run: str, grace: float) -> None:
    """Have all shards finish what is in flight, and wait for them; raises KeyboardInterrupt at the next signal."""
    log.warning("interrupted: the shards finish what is in flight, at most %.0f s; once more stops at once", grace)
    until = time.monotonic() + grace + _LAST_COMMIT
    try:
        while going_on := sum(engine.everywhere(stop_shards, run)):
            if time.monotonic() >= until:
                warn(f"{some(going_on, 'shard')} cannot be stopped, and may go on on the workers")
                break
            time.sleep(0.1)
    finally:
        say("interrupted, and nothing is merged; run the same command again to go on")


def tell(failed: list[ShardEnded], of: int) -> None:
    """Print each reason once, with the shards that it stopped; what is wrong for all is wrong for a thousand."""
    by_reason: dict[str, list[str]] = {}
    for ended in sorted(failed, key=lambda ended: int(ended.shard.partition("/")[0])):
        by_reason.setdefault(ended.failure, []).append(ended.shard)
    for reason, names in by_reason.items():
        warn(f"shard{'s' * bool(names[1:])} {few(names, _NAMED)}: {reason}")
    corrected = "correct that where the workers are, and " if all(ended.exit_code == USAGE for ended in failed) else ""
    say(
        f"{len(failed)} of {of} shards were stopped, and nothing is merged; {corrected}run the same command again to "
        "go on"
    )


def _known_count(options: argparse.Namespace) -> int | None:
    """Return how many shards were asked for, or else the archive has; None where neither says."""
    return options.shards or len(shelf_at(str(options.out)).shards()) or None


def check(options: argparse.Namespace, source: ListSource, settings: Settings) -> None:
    """Raise SettingsError for a list that workers cannot read, and for options that shards do not know."""
    if not isinstance(source, str) or source == STDIN or settings.plan.whole_sessions:
        raise SettingsError(
            "--engine needs a list of views in a file, which every worker can read; `discover` writes one"
        )
    if settings.archive.events:
        raise SettingsError(
            "--events stores into an archive of a single run alone, so it cannot be used with --engine, which makes "
            "shards"
        )
    if options.dry_run and (count := _known_count(options)) and shelf_at(str(options.out)).shards():
        raise SettingsError(
            f"{options.out} is an archive of {some(count, 'shard')}, each with a plan of its own: "
            f"`{as_typed('status', str(options.out))}` tells what is left to do, and --dry-run with --shard I/N in "
            "place of --engine the plan of one"
        )
    if settings.plan.shard is not None:
        raise SettingsError(
            "--engine runs all shards, and --shard one: choose one of them; --shards N sets their number"
        )
    if options.shards is not None and not 1 <= options.shards <= MOST:
        raise SettingsError(f"--shards must be from 1 to {MOST}")
    if options.env_file is not None:
        raise SettingsError(
            "with --engine each worker takes the keys from its own environment, so --env-file cannot be used; "
            "export DD_API_KEY and DD_APP_KEY where the workers start"
        )
