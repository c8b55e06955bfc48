"""RUM events beside a recording: errors, requests and long tasks as rows of the player's list."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from player_pages import index_of, page_of
from recorded_pages import samples

from replay_fetch.cli import main

SHOP = "963b6daa"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return samples(tmp_path / "archive", SHOP)


SESSION = "963b6daa-89f6-4703-86ba-6cab4cd295c2"


def rum(kind: str, at_ms: int, view_id: str, **more: object) -> dict[str, object]:
    return {"type": kind, "date": at_ms, "session": {"id": SESSION}, "view": {"id": view_id}, **more}


def searched(event: dict[str, object]) -> dict[str, object]:
    """The event as the search answers it."""
    return {"id": "x", "type": "rum", "attributes": {"timestamp": "2026-11-23T03:55:53Z", "attributes": event}}


def test_errors_requests_and_long_tasks_become_rows_at_their_time(archive: Path, tmp_path: Path) -> None:
    view = index_of(page_of(archive, SHOP))["views"][0]
    events: list[object] = [
        rum(
            "error",
            view["start"] + 500,
            view["id"],
            error={"message": "TypeError: x\n is </script> not", "source": "source"},
        ),
        searched(
            rum(
                "resource",
                view["start"] + 300,
                view["id"],
                resource={
                    "url": "https://x/a",
                    "method": "POST",
                    "status_code": 503,
                    "duration": 84_000_000,
                    "type": "xhr",
                },
            )
        ),
        {"data": [searched(rum("long_task", view["start"] + 400, view["id"], long_task={"duration": 212_000_000}))]},
        rum("resource", view["start"] + 600, view["id"], resource={"url": "https://x/b", "status_code": 200}),
        rum("view", view["start"], view["id"]),
        {**rum("error", view["start"], view["id"]), "session": {"id": "another"}},
        rum("error", view["start"], "a-view-that-is-not-shown"),
        {"type": "error", "date": "yesterday", "session": {"id": SESSION}},
    ]
    file = tmp_path / "rum.ndjson"
    file.write_text("\n".join(map(json.dumps, events)) + "\n\n")
    rows = index_of(page_of(archive, SHOP, "--events", str(file)))["actions"]
    found = [row for row in rows if row[2] in {"error", "request", "long task"}]
    assert [(row[0], row[1] - view["start"], *row[2:]) for row in found] == [
        (0, 300, "request", "503 POST https://x/a", {"detail": "503, 84 ms, xhr", "failed": True}),
        (0, 400, "long task", "212 ms", {}),
        (0, 500, "error", "TypeError: x is </script> not", {"detail": "source"}),
        (0, 600, "request", "GET https://x/b", {"detail": "200"}),
    ]
    assert [row[:2] for row in rows] == sorted(row[:2] for row in rows)


@pytest.mark.parametrize("line", ["{", "[1]", '"text"', "\x00"])
def test_a_line_that_is_no_event_is_named(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    file = tmp_path / "rum.ndjson"
    file.write_text(f"{{}}\n{line}\n")
    assert main(["play", str(archive), SHOP, "--events", str(file), "--no-open"]) == 2
    assert f"{file}, line 2: no JSON object" in capsys.readouterr().err.replace("\n", " ")
