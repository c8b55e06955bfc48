"""The archive: pages become parts, parts become session files, and the manifest says where each view lies."""

from replay_fetch.archive.compress import require
from replay_fetch.archive.folder import check_ledger_is_there, existing, opened
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lock import holder
from replay_fetch.archive.manifest import BadLine, Entry, read_manifest, write_manifest
from replay_fetch.archive.raw import RawPages
from replay_fetch.archive.read.views import by_session, entries, session_entries, view_segments
from replay_fetch.archive.recovery import clear, recover
from replay_fetch.archive.report import Report, read_report, write_report
from replay_fetch.archive.shelf import DiskShelf, Shelf, readable, require_manifest
from replay_fetch.archive.write.messages import ChainRestarted, Message, PageArrived, ViewEnded
from replay_fetch.archive.write.writer import Writer

__all__ = [
    "BadLine",
    "ChainRestarted",
    "DiskShelf",
    "Entry",
    "Layout",
    "Message",
    "PageArrived",
    "RawPages",
    "Report",
    "Shelf",
    "ViewEnded",
    "Writer",
    "by_session",
    "check_ledger_is_there",
    "clear",
    "entries",
    "existing",
    "holder",
    "opened",
    "read_manifest",
    "read_report",
    "readable",
    "recover",
    "require",
    "require_manifest",
    "session_entries",
    "view_segments",
    "write_manifest",
    "write_report",
]
