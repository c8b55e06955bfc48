"""A run, prepared: its list is loaded, and its archive is open, on a disk or in a store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from replay_fetch.pipeline.deal import Deal
from replay_fetch.pipeline.job import (
    DownloadJob,
    list_at_hand,
    load_plan,
    require_no_events,
    require_views,
)
from replay_fetch.pipeline.opening import check_usable, open_archive
from replay_fetch.pipeline.run import Run
from replay_fetch.view_list.view_list import ViewList


@contextmanager
def prepared(job: DownloadJob, views: ViewList | None = None) -> Iterator[Run]:
    """Open a run over the job's list, which is loaded, into its archive, which stays open until the context is left.

    ``views`` is the list where it was begun before, or its views were found first. Reads the list, which may block,
    and makes no archive before the list has begun. Raises InputError, SettingsError or ArchiveError, all before
    anything is asked.
    """
    if isinstance(job.out, Path):
        check_usable(job.out, job.settings.archive.compress, job.settings.plan.shard)
    with list_at_hand(job) as at_hand, views or at_hand.listed() as listed:
        listed.begin()
        mark = None if listed.was_found else at_hand.fingerprint()
        if job.settings.plan.shard or not isinstance(job.out, Path):
            require_views(listed, job)
            require_no_events(job)
        if isinstance(job.out, Path):
            with open_archive(job.out, job.settings) as (layout, ledger):
                plan = load_plan(ledger, listed, mark, Deal.on_disk(layout))
                yield Run(layout, ledger, plan, job.settings, job.credentials)
        else:
            from replay_fetch.pipeline.stored import opened_in_store  # noqa: PLC0415 - a download to a disk needs none of it

            with opened_in_store(job.out, job.settings, made_up=job.made_up) as stored:
                plan, scratch = stored.load(listed, mark), stored.scratch
                run = Run(scratch.layout, scratch.ledger, plan, job.settings, job.credentials)
                run.stored = stored
                yield run
