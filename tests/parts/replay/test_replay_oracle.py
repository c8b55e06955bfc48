"""The vendor's own converter as an oracle: ``npm pack @datadog/browser-rum@6.33.0``, unpacked, its folder named by
REPLAY_FETCH_ORACLE. What it makes of change records, rebuilt by the older dialect, is the page that we rebuild."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from recorded_views import Recorded, recorded_views, records_of, with_records
from rrweb_page import RrwebPage

from replay_fetch.replay.recording import Recording

ORACLE = os.environ.get("REPLAY_FETCH_ORACLE")
NODE = shutil.which("node")
VIEWS = [view for view in recorded_views() if view.sdk.startswith("7")]


def converted(views: list[Recorded]) -> dict[str, bytes]:
    """Each view as one segment of the older dialect."""
    assert NODE is not None
    assert ORACLE is not None
    told = [{"name": view.name, "records": records_by_all(view)} for view in views]
    done = subprocess.run(  # noqa: S603 - our own script
        [NODE, str(Path(__file__).with_name("oracle.js")), ORACLE],
        input="\n".join(map(json.dumps, told)).encode(),
        capture_output=True,
        timeout=120,
        check=True,
    )
    lines = [json.loads(line) for line in done.stdout.split(b"\n") if line]
    return {line["name"]: with_records(b"{}", line["records"]) for line in lines}


def records_by_all(view: Recorded) -> list[object]:
    return [record for segment in dict.fromkeys(view.segments) for record in records_of(segment)]


def tree(segments: list[bytes]) -> list[object]:
    """Everything but form values, which the oracle does not know, and the case of names in SVG, which it drops."""
    page = RrwebPage().play(Recording(segments).events())
    assert page.root is not None
    return [
        (node.id, node.tag.lower(), node.source.get("textContent"), attributes_of(node.attributes), node.scroll,
         [child.id for child in node.shadow], [child.id for child in node.children], node.sheets, node.rules)
        for node in page.root.walk()
    ]  # fmt: skip


def attributes_of(attributes: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in attributes.items() if name not in {"value", "checked", "selected"}}


@pytest.mark.skipif(
    not ORACLE or not NODE, reason="REPLAY_FETCH_ORACLE names no unpacked @datadog/browser-rum, or no node"
)
def test_pages_of_change_records_are_those_of_the_vendors_converter() -> None:
    older = converted(VIEWS)
    assert [view.name for view in VIEWS if tree([older[view.name]]) != tree(list(view.segments))] == []
