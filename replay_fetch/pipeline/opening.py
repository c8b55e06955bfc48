"""Opening an archive for a run, and leaving the archive so the next run finds all in order."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import orjson

from replay_fetch.archive.aside import Aside, set_aside
from replay_fetch.archive.compress import require
from replay_fetch.archive.erasure import remove_erased
from replay_fetch.archive.events_manifest import write_events_manifest
from replay_fetch.archive.folder import check_ledger_is_there, opened
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.manifest import write_manifest
from replay_fetch.archive.recovery import clear, recover
from replay_fetch.archive.shards import check_shard, drop_merged, read_facts
from replay_fetch.archive.write.carrier import Carrier
from replay_fetch.archive.write.commit import Committer
from replay_fetch.archive.write.events_commit import recover_events
from replay_fetch.errors import ArchiveError, SettingsError
from replay_fetch.ledger.database import check_file
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.ledger.schema import Setting, State
from replay_fetch.model import Outcome
from replay_fetch.settings import ApiSettings, Compression, Settings, SourceChoice
from replay_fetch.shard import ShardId

if TYPE_CHECKING:
    from replay_fetch.store.location import Location

log = logging.getLogger(__name__)


@contextmanager
def open_archive(out: Path, settings: Settings) -> Iterator[tuple[Layout, Ledger]]:
    """Open the archive at ``out`` and the ledger inside, locked for a single run and cleared of leftovers.

    Raises ArchiveError for a folder which cannot be used, SettingsError for an archive made with another
    compression than asked for.
    """
    with open_as_it_is(out, settings.archive.compress, settings.plan.shard) as (layout, ledger):
        if ledger.setting(Setting.COMPRESSION) is None:  # the first download decides, be it by saying nothing
            ledger.set_setting(Setting.COMPRESSION, layout.compression)
        begin_chains_anew(ledger, settings.api)
        yield layout, ledger


@contextmanager
def open_as_it_is(
    out: Path, compress: Compression | None = None, shard: ShardId | None = None
) -> Iterator[tuple[Layout, Ledger]]:
    """Open an archive, or its shard, as `open_archive` does, but leave unfinished chains as they are."""
    check_usable(out, compress, shard)
    if shard is not None and compress is None and (facts := read_facts(out)) is not None:
        compress = facts.compression  # the first shard has decided it for all
    with opened(out, shard) as folder, closing(Ledger.open(folder.ledger)) as ledger:
        layout = dataclasses.replace(folder, compression=compression_of(ledger, compress))
        # The order counts: a rebuild's leftovers first, then a killed run's, then whatever neither of them needs.
        _set_aside(layout, ledger)
        if ledger.setting(Setting.STATE) in {State.RUNNING, State.REBUILT}:
            recover(layout, ledger)
            recover_events(layout, ledger)
        clear(layout, ledger)
        finish_erasure(layout, ledger)
        yield layout, ledger


def finish_erasure(layout: Layout, ledger: Ledger) -> None:
    """Carry an erasure that has begun to its end; does nothing where none has.

    The manifest comes first, so readers never look for a file that is gone.
    """
    about = ledger.setting(Setting.ERASURE)
    if about:
        bring_manifest_up_to_date(layout, ledger, changed=True, in_order=True)
        clear(layout, ledger)  # the parts of views that the ledger has forgotten
        remove_erased(layout, ledger, about.encode())
    if about is not None and not ledger.compact():
        log.warning(
            "the ledger is being read by another program, and may hold traces of erased ids until the next run or "
            "erasure ends"
        )


def _set_aside(layout: Layout, ledger: Ledger) -> None:
    """Finish first a rebuild which was killed: every later step would remove files the rebuild still needs."""
    noted = ledger.setting(Setting.ASIDE)
    if noted is not None:
        aside = msgspec.json.decode(noted, type=Aside)
        set_aside(layout, aside)
        ledger.set_setting(Setting.REBUILT_ASIDE, aside.folder)
        ledger.drop_setting(Setting.ASIDE)


def check_usable(out: Path, compress: Compression | None = None, shard: ShardId | None = None) -> None:
    """Check all that can be known without making or locking anything; raises as opening does."""
    there = Layout(out, shard=shard)
    check_shard(out, shard, compress)
    check_ledger_is_there(there)
    check_file(there.ledger)
    if compress is not None:
        require(compress)


def begin_chains_anew(ledger: Ledger, api: ApiSettings, but: Outcome | None = None) -> None:
    """Let unfinished chains begin anew where the settings would ask for them in another way than before.

    Chains of views that ended in ``but`` go on all the same.
    """
    chains = changed_chains(ledger, api)
    if chains is not None:
        # A token belongs to the query it was given for: with another, it would lead to other pages or to none.
        ledger.forget_tokens(but)
        ledger.set_setting(Setting.CHAINS, chains)


def changed_chains(ledger: Ledger, api: ApiSettings) -> str | None:
    """Tell by which settings chains are asked for from now on, as JSON; None where these are the same as before."""
    # Another origin is often a mistake, but a proxy or a new site may be one too: told, not refused. A base URL of
    # plain http is a simulator's, whose port changes from run to run.
    known = api_of_chains(ledger)
    if known is not None and known.origin != api.origin and not known.base_url.startswith("http:"):
        log.warning("this archive was filled from %s; now %s is asked", known.origin, api.origin)
    chains = orjson.dumps(_of_chains(api)).decode()
    return chains if ledger.setting(Setting.CHAINS) != chains else None


def settings_to_keep(out: Location, ledger: Ledger, api: ApiSettings, *, made_up: bool) -> dict[str, str]:
    """Name the settings that a store's log lacks; raises ArchiveError where a demo meets real recordings."""
    chains = changed_chains(ledger, api)
    settings: dict[str, str] = {Setting.CHAINS: chains} if chains else {}
    if made_up and ledger.setting(Setting.DEMO) is None:
        if ledger.totals().views:
            raise ArchiveError(f"{out} is an archive that demo did not make; name a new folder for the sample ones")
        settings[Setting.DEMO] = "yes"
    return settings


def api_of_chains(ledger: Ledger) -> ApiSettings | None:
    """The settings by which the archive's unfinished chains were asked for; None where no run ever asked."""
    chains = ledger.setting(Setting.CHAINS)
    if chains is None:
        return None
    known = orjson.loads(chains)
    return ApiSettings(base_url=known.pop("origin"), source=SourceChoice(known.pop("source")), **known)


def begin_run(ledger: Ledger) -> None:
    """Note in the ledger the beginning of a run: files and manifest may be behind from now on."""
    ledger.set_setting(Setting.STATE, State.RUNNING)


def bring_manifest_up_to_date(
    layout: Layout, ledger: Ledger, *, changed: bool, in_order: bool, carrier: Carrier | None = None
) -> None:
    """Write the lacking partial files, and the manifest, unless both agree with the ledger.

    ``changed`` is set for views in the ledger with which no run began. Where not all is ``in_order`` (a write
    failed), the next run looks for leftovers as after a kill.
    """
    if changed or ledger.setting(Setting.STATE) != State.CLEAN or not layout.manifest.exists():
        drop_merged(layout)
        # Without order in the archive, partial files would be made of views whose bytes may not be there.
        if in_order:
            with closing(Committer(layout, ledger, keep_raw=False, carrier=carrier)) as committer:
                committer.commit_partial_files()
        write_manifest(layout, ledger.views())
        write_events_manifest(layout, ledger.events())
        if in_order:
            ledger.set_setting(Setting.STATE, State.CLEAN)


def _of_chains(api: ApiSettings) -> dict[str, object]:
    names = ("source", "ts_ms", "max_list_size", "segments_path", "next_path")
    return {"origin": api.origin} | {name: getattr(api, name) for name in names}


def compression_of(ledger: Ledger, asked: Compression | None) -> Compression:
    """Return the archive's compression, noted where ``asked`` decides it; raises SettingsError for another one."""
    # Decided once for an archive: its files, the ledger's places in them and the commits all rest on it.
    made_with = ledger.setting(Setting.COMPRESSION)
    if made_with is None:
        made_with = asked or Compression.NONE
        require(made_with)
        if asked is not None:
            ledger.set_setting(Setting.COMPRESSION, made_with)
    elif asked is not None and asked != made_with:
        raise SettingsError(f"the archive was made with --compress {made_with}; leave that out, or use another OUT")
    require(Compression(made_with))
    return Compression(made_with)
