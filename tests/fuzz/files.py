"""Targets that read files: the list, an archive's own, keys and settings."""

from __future__ import annotations

import io
import tempfile
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import groupby, islice
from math import inf
from pathlib import Path

from fuzz.laws import VIEW, check_inside, check_printable, check_says_no_value
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.manifest import BadLine, Entry, read_manifest
from replay_fetch.archive.raw import RawPages
from replay_fetch.archive.read.verify import check_session
from replay_fetch.archive.read.views import view_segments
from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.archive.write.messages import Message
from replay_fetch.cli.main import command_parser
from replay_fetch.cli.options import settings_from
from replay_fetch.cli.parser import Parser
from replay_fetch.cli.settings_file import settle
from replay_fetch.environment import credentials, key_origins, site
from replay_fetch.errors import ArchiveError, InputError, SettingsError
from replay_fetch.fetch.paginator import Paginator
from replay_fetch.memory import Hold
from replay_fetch.model import Page, PlannedView, Response, Source, View
from replay_fetch.pipeline.raw_transport import NotKept, RawTransport
from replay_fetch.pipeline.view_walk import walk_view
from replay_fetch.settings import ApiSettings
from replay_fetch.view_list.rows import BadRow, PlannedRow, SessionRow
from replay_fetch.view_list.view_list import ViewList

_MOST_ROWS = 20_000
_READ_BY = [ApiSettings(max_page_bytes=2**22, segments_path=path) for path in ("", "payload.chunks")]


class _Inline(RawTransport):
    """Reads without a thread, so that a walk never waits and needs no event loop."""

    async def page(
        self,
        view: View,
        source: Source,
        token: str | None,
        hold: Hold | None = None,  # noqa: ARG002 - as the one it stands for
        *,
        suspect: bool = False,  # noqa: ARG002 - as the one it stands for
    ) -> tuple[Page, Response]:
        return self.read(view, source, token)


async def _forgotten(message: Message) -> None:
    """Nothing is written."""


def view_list(content: bytes) -> None:
    """A list is refused with a reason, or every row has ids that fit the layout, or a reason of its own."""
    line = 0
    try:
        for row in islice(ViewList(io.BytesIO(content)).rows(), _MOST_ROWS):
            assert row.line >= line  # the objects of an answer share its line
            line = row.line
            if isinstance(row, BadRow):
                check_printable(row.reason)
            elif isinstance(row, PlannedRow):
                check_inside(row.view)
                assert row.segments_count is None or 0 <= row.segments_count < 10**9
            elif isinstance(row, SessionRow):
                check_inside(View(row.session_id, row.view_id or row.session_id))
    except InputError as error:
        check_printable(str(error))


def manifest(content: bytes) -> None:
    """Lines of a manifest are entries whose files lie in the archive and can be looked at, or bad ones."""
    with tempfile.TemporaryDirectory(prefix="replay-fetch-fuzz-") as folder:
        layout = Layout(Path(folder))
        shelf = DiskShelf(layout.root)
        layout.manifest.write_bytes(content)
        layout.sessions.mkdir()
        good = []
        for found in islice(read_manifest(shelf), _MOST_ROWS):
            if isinstance(found, BadLine):
                check_printable(found.reason)
            else:
                good.append(found)
                check_inside(found.record.planned.view)
                assert found.file is None or (layout.root / found.file).resolve().parent == layout.sessions.resolve()
        for found in good[:3]:
            if found.file:
                (layout.root / found.file).write_bytes(b"{}\n")
        for found in good[:3]:
            with suppress(ArchiveError):
                deque(view_segments(shelf, found), maxlen=0)
        for _, together in groupby(good, _session_of):
            with suppress(ArchiveError):
                check_session(shelf, list(together))


def _session_of(entry: Entry) -> str:
    return entry.record.planned.view.session_id


def raw_pages(content: bytes) -> None:
    """Raw pages, whatever became of them, are passed over, refused as an archive's fault, or read again."""
    about, _, body = content.partition(b"\n\n")
    with tempfile.TemporaryDirectory(prefix="replay-fetch-fuzz-") as folder:
        layout = Layout(Path(folder))
        pages = layout.raw_folder(VIEW)
        pages.mkdir(parents=True)
        for number in ("0001", "0002"):
            (pages / f"{number}.json").write_bytes(about)
            (pages / f"{number}.body").write_bytes(body)
        try:
            raw = RawPages(pages)
            raw.find("blob", None)
            for api in _READ_BY:
                source = _Inline(layout, api, wary=bool(api.segments_path))
                with suppress(NotKept, StopIteration):
                    walk_view(PlannedView(1, 1, VIEW), Paginator(source, VIEW, api.source, 50), _forgotten).send(None)
            kept = raw.find(Source.EVENT_PLATFORM, None)
            if kept is not None:
                raw.answer(kept)
        except ArchiveError:
            return


def env_file(content: bytes) -> None:
    """A file of keys gives keys that can be sent, or is refused without a word of what stands in it."""
    with tempfile.NamedTemporaryFile(prefix="replay-fetch-fuzz-", suffix=".env") as file:
        file.write(content)
        file.flush()
        readers: tuple[Callable[[Mapping[str, str], Path], object], ...] = (credentials, key_origins, site)
        for read in readers:
            try:
                read({}, Path(file.name))
            except SettingsError as error:
                check_printable(str(error))
                check_says_no_value(str(error))


def settings_file(content: bytes) -> None:
    """A settings file, or an environment, makes settings or is refused; nothing else."""
    with tempfile.NamedTemporaryFile(prefix="replay-fetch-fuzz-", suffix=".toml") as file:
        file.write(content)
        file.flush()
        parser = command_parser("download")
        lines = (line.partition("=") for line in content.decode("utf-8", "surrogateescape").split("\n"))
        # No NUL gets into an environment; no file of the machine's own is to be opened.
        environ = {name.strip(): value.strip().replace("\0", "").replace("/", "") for name, _, value in lines}
        for words, variables in (["--config", file.name], {}), ([], environ):
            with suppress(SettingsError):
                options = parser.parse_args(["views.csv", "out", *_settled(parser, words, variables)])
                made = settings_from(options)
                for number in (made.plan.refresh_window, made.fetch.max_rate, made.fetch.give_up_after):
                    assert number is None or 0 < number < inf


def _settled(parser: Parser, words: list[str], environ: Mapping[str, str]) -> list[str]:
    settle(parser, words, environ, lambda: iter([parser]))
    return words
