"""The archive: pages become parts, parts become session files, and the manifest says where each view lies."""

from replay_fetch.archive.compress import require
from replay_fetch.archive.events_manifest import read_events_manifest, write_events_manifest
from replay_fetch.archive.folder import check_ledger_is_there, existing, opened, readable
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lock import holder
from replay_fetch.archive.manifest import BadLine, Entry, read_manifest, write_manifest
from replay_fetch.archive.raw import RawPages
from replay_fetch.archive.read.events import stored_events
from replay_fetch.archive.read.views import by_session, entries, session_entries, view_segments
from replay_fetch.archive.recovery import clear, recover
from replay_fetch.archive.report import Report, read_report, write_report
from replay_fetch.archive.write.events_commit import EventsCommitter, SessionEvents, recover_events
from replay_fetch.archive.write.messages import ChainRestarted, Message, PageArrived, ViewEnded
from replay_fetch.archive.write.writer import Writer

__all__ = [
    "BadLine",
    "ChainRestarted",
    "Entry",
    "EventsCommitter",
    "Layout",
    "Message",
    "PageArrived",
    "RawPages",
    "Report",
    "SessionEvents",
    "ViewEnded",
    "Writer",
    "by_session",
    "check_ledger_is_there",
    "clear",
    "entries",
    "existing",
    "holder",
    "opened",
    "read_events_manifest",
    "read_manifest",
    "read_report",
    "readable",
    "recover",
    "recover_events",
    "require",
    "session_entries",
    "stored_events",
    "view_segments",
    "write_events_manifest",
    "write_manifest",
    "write_report",
]
