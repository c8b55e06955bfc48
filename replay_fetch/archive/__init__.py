"""The archive: drafts become parts, parts become session files, and the manifest says what is where."""

from replay_fetch.archive.compress import require
from replay_fetch.archive.folder import clear_leftovers, existing, opened
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.manifest import write_manifest
from replay_fetch.archive.messages import ChainRestarted, Message, PageArrived, ViewEnded
from replay_fetch.archive.report import Report, write_report
from replay_fetch.archive.writer import Writer

__all__ = [
    "ChainRestarted",
    "Layout",
    "Message",
    "PageArrived",
    "Report",
    "ViewEnded",
    "Writer",
    "clear_leftovers",
    "existing",
    "opened",
    "require",
    "write_manifest",
    "write_report",
]
