"""Folders of recordings as the sample inputs have them: their sessions, SDKs and truth, and the page of a session."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from replay_fetch.archive.durable import write_atomically
from replay_fetch.model import Outcome, PlannedView, View, ViewRecord
from replay_fetch.player.library import load_rrweb
from replay_fetch.player.page import PlayerPage
from replay_fetch.player.views import PlayedView
from replay_fetch.replay.recording import Recording

Shown = Mapping[str, Any]  # Any: what a probe says of a page


def write_page(target: Path, session_id: str, views: Mapping[str, Iterable[bytes]]) -> PlayerPage:
    """The page of a session out of its views' segments, without an archive."""
    recorded = [
        PlayedView(
            ViewRecord(PlannedView(0, 0, View(session_id, view_id)), outcome=Outcome.FETCHED, segments=1),
            "browser",
            Recording(segments),
            lambda _: "no picture",
        )
        for view_id, segments in views.items()
    ]
    page = PlayerPage(session_id, recorded, load_rrweb(None))
    write_atomically(target, page.write(), target.with_suffix(".unfinished"))
    return page


def read_views(folder: Path) -> dict[str, dict[str, list[bytes]]]:
    """The segments of a folder by session and view, in the order of their indexes; one sent twice stands twice."""
    sessions: dict[str, dict[str, list[bytes]]] = defaultdict(lambda: defaultdict(list))
    for file in sorted((folder / "segments").iterdir()):
        session_id, view_id, *_ = file.name.split("_")
        sessions[session_id][view_id].append(file.read_bytes().removesuffix(b"\n"))
    return sessions


def read_sdks(folder: Path) -> dict[str, str]:
    """The SDK's version by session."""
    with (folder / "index.csv").open(encoding="utf-8", newline="") as rows:
        return {row["session_id"]: row["sdk"] for row in csv.DictReader(rows)}


def read_truth(folder: Path) -> dict[str, list[Shown]]:
    """What the pages showed, by session, in order of time."""
    points: dict[str, list[Shown]] = defaultdict(list)
    for line in (folder / "truth.ndjson").read_text("utf-8").splitlines():
        point = json.loads(line)
        points[point["session_id"]].append(point)
    return {session: sorted(found, key=lambda point: point["t"]) for session, found in points.items()}
