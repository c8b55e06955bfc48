"""``probe``: one request, what it says, and which flags to set."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import anyio
import pytest
from archives import KEYS, WIDE

from replay_fetch.cli.probe import add_options, probe_json, probe_text, run
from replay_fetch.errors import AuthError, SettingsError, TransportError
from replay_fetch.model import Response, Source, View
from replay_fetch.pipeline.probe import Probe, Probing, _understood, probe
from replay_fetch.settings import ApiSettings, Credentials, FetchSettings, SourceChoice
from replay_fetch.simulator import (
    Fault,
    HoldingSettings,
    LimitSettings,
    PagingSettings,
    Shape,
    Simulator,
    SimulatorSettings,
)

pytestmark = pytest.mark.anyio

_USUAL = ApiSettings()
_ODD_KEYS = Credentials('od"d-api-\\key', "unusual-app-key-that-is-not-hexadecimal")


async def probed(settings: SimulatorSettings, api: ApiSettings = _USUAL) -> tuple[Probe, Simulator]:
    """What probing the first view of a simulator finds; the simulator is stopped by then."""
    async with Simulator(settings) as simulator:
        there = replace(api, base_url=simulator.base_url)
        return await probe(Probing(next(iter(simulator.views)), there, FetchSettings(), KEYS)), simulator


def understood(status: int, body: bytes, headers: Mapping[str, str] | None = None, keys: Credentials = KEYS) -> Probe:
    probing = Probing(View("s", "v"), ApiSettings(), FetchSettings(), keys)
    return _understood(probing, Response(status, headers or {}, body))


def told(found: Probe) -> Any:  # Any: the command's own values
    return json.loads(probe_json(found))


@pytest.mark.parametrize("shape", [shape for shape in Shape if shape not in (Shape.UNKNOWN, Shape.UNREAD)])
async def test_every_shape_that_download_reads_needs_no_flags(shape: Shape) -> None:
    found, simulator = await probed(SimulatorSettings(limit=WIDE, paging=PagingSettings(shape=shape)))
    assert found.exit_code == 0
    assert simulator.counts.requests == 1
    assert not found.segments_paths
    assert told(found)["recognised"]["segments"] > 0
    assert "--" not in probe_text(found)


async def test_the_flags_it_names_for_an_unknown_shape_are_right() -> None:
    paging = PagingSettings(shape=Shape.UNKNOWN, page_bytes=1)
    found, _ = await probed(SimulatorSettings(limit=WIDE, paging=paging))
    assert found.exit_code == 1
    text = probe_text(found)
    assert "try           --segments-path payload.chunks --next-path continuation" in text.splitlines()
    assert "    payload: object with 1 keys" in text
    flags = ApiSettings(segments_path=found.segments_paths[0], next_path=found.next_paths[0])
    again, _ = await probed(SimulatorSettings(limit=WIDE, paging=paging), flags)
    assert again.exit_code == 0
    assert again.page is not None
    assert again.page.token
    assert "these are right" in probe_text(again)


async def test_a_key_that_is_null_on_this_page_alone_is_mentioned() -> None:
    found = understood(200, b'{"payload":{"chunks":[{"records":[],"start":1}]},"continuation":null}')
    assert "try           --segments-path payload.chunks" in probe_text(found).splitlines()
    assert "maybe         --next-path continuation: null or empty on this page" in probe_text(found)
    assert told(found)["empty_paths"] == ["continuation"]


async def test_a_path_for_the_segments_alone_is_not_said_to_be_right() -> None:
    """Where the page has what looks like a token, too."""
    paging = PagingSettings(shape=Shape.UNKNOWN, page_bytes=1)
    found, _ = await probed(SimulatorSettings(limit=WIDE, paging=paging), ApiSettings(segments_path="payload.chunks"))
    assert found.exit_code == 1
    assert "try           --segments-path payload.chunks --next-path continuation" in probe_text(found).splitlines()


async def test_the_rate_limit_is_shown_as_it_is_understood() -> None:
    found, _ = await probed(SimulatorSettings(limit=LimitSettings(limit=100, period=10.0)))
    assert "rate limit    100 requests in 10 s, 99 left, reset in " in probe_text(found)
    assert told(found)["rate_limit"]["remaining"] == 99


@pytest.mark.parametrize(
    ("choice", "asked"),
    [
        (SourceChoice.AUTO, Source.EVENT_PLATFORM),
        (SourceChoice.EVENT_PLATFORM, Source.EVENT_PLATFORM),
        (SourceChoice.BLOB, Source.BLOB),
    ],
)
async def test_probe_asks_a_single_store_and_names_it(choice: SourceChoice, asked: Source) -> None:
    settings = SimulatorSettings(limit=WIDE, holding=HoldingSettings(blob_share=1.0))
    found, simulator = await probed(settings, ApiSettings(source=choice))
    assert {source for _, source, _ in simulator.counts.pages} == {asked}
    assert f"asked         {asked} at http://127.0.0.1" in probe_text(found)
    assert found.exit_code == (0 if asked is Source.BLOB else 1)
    assert ("--source blob" in probe_text(found)) is (choice is SourceChoice.AUTO)


async def test_a_view_that_is_not_there_is_said_to_be_missing() -> None:
    found, _ = await probed(SimulatorSettings(limit=WIDE, faults=(Fault.parse("404"),)))
    assert found.exit_code == 1
    assert "the API does not have this view (404)" in probe_text(found)


@pytest.mark.parametrize("status", [401, 403])
async def test_refused_keys_are_the_same_error_as_in_a_download(status: int) -> None:
    with pytest.raises(AuthError, match="rum_session_replay_read"):
        understood(status, b'{"errors":["Forbidden"]}')


@pytest.mark.parametrize("status", [400, 429, 500, 302])
async def test_a_probe_shows_a_refusal_that_is_not_about_keys(status: int) -> None:
    found = understood(status, b'{"errors":["Not today"]}')
    assert found.exit_code == 1
    assert str(status) in found.problem
    assert probe_text(found).splitlines()[1].startswith(f"status        {status} ")


async def test_a_probe_without_any_answer_is_an_error() -> None:
    with pytest.raises(TransportError, match=r"no answer was had from http:.*: connection reset"):
        await probed(SimulatorSettings(limit=WIDE, faults=(Fault.parse("reset-before"),)))


@pytest.mark.parametrize("view", [View("", "v"), View("s", "../v"), View("s" * 129, "v")])
async def test_ids_that_cannot_be_are_not_sent(view: View) -> None:
    with pytest.raises(SettingsError, match="the id"):
        await probe(Probing(view, ApiSettings(), FetchSettings(), KEYS))


@pytest.mark.parametrize(
    ("body", "excerpt"),
    [
        (b"<html><script>x</script>Please log in", "Please log in"),
        (b'{"a":' + b"z" * 1000 + b"}", '{"a":' + "z" * 194 + "…"),
        (b"\x1b[31m\xff\x00", "\\x1b[31m\ufffd\\x00"),
        (b'{"a":[1', '{"a":[1'),
    ],
    ids=["html", "long", "binary", "cut"],
)
async def test_an_unrecognised_answer_is_quoted_briefly_and_harmlessly(body: bytes, excerpt: str) -> None:
    found = understood(200, body)
    assert found.exit_code == 1
    assert found.excerpt == excerpt
    assert max(map(len, probe_text(found).splitlines())) <= 80
    assert probe_text(found).replace("\n", "").isprintable()


@pytest.mark.parametrize("status", [200, 400, 404])
@pytest.mark.parametrize("padding", range(150, 200, 7))
async def test_keys_that_the_answer_echoes_are_not_shown(status: int, padding: int) -> None:
    """Not even the part of one that is left where an excerpt ends."""
    echo = json.dumps({"x" * padding: [_ODD_KEYS.api_key, _ODD_KEYS.app_key]}).encode()
    headers = {"content-type": _ODD_KEYS.app_key, "x-ratelimit-limit": "7", "x-ratelimit-name": _ODD_KEYS.app_key}
    found = understood(status, echo, headers, keys=_ODD_KEYS)
    for text in (probe_text(found), probe_json(found)):
        shown = "".join(text.split())
        for key in (_ODD_KEYS.api_key, _ODD_KEYS.app_key):
            assert key not in shown
            assert key[:8] not in shown


async def test_the_command_asks_once_and_prints_what_it_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    add_options(parser)
    monkeypatch.setenv("DD_API_KEY", KEYS.api_key)
    monkeypatch.setenv("DD_APP_KEY", KEYS.app_key)
    async with Simulator(SimulatorSettings(limit=WIDE)) as simulator:
        view = next(iter(simulator.views))
        arguments = [view.session_id, view.view_id, "--base-url", simulator.base_url, "--json"]
        assert await anyio.to_thread.run_sync(run, parser.parse_args(arguments)) == 0
        printed = json.loads(capsys.readouterr().out)
        assert printed["recognised"]["shape"].startswith("segments")
        assert simulator.counts.requests == 1
        link = f"https://app.datadoghq.eu/rum/replay/sessions/{view.session_id}?seed={view.view_id}"
        assert await anyio.to_thread.run_sync(run, parser.parse_args([link, *arguments[2:]])) == 0
    linked = json.loads(capsys.readouterr().out)
    assert (linked["session_id"], linked["view_id"]) == (view.session_id, view.view_id)
    assert linked["segments_paths"] == printed["segments_paths"]
    assert simulator.counts.requests == 2


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (799, {"content-type": "text/plain", "content-encoding": "gzip"}, "status        799 (no usual status), 0.0 s"),
        (799, {"content-type": "text/plain", "content-encoding": "gzip"}, "body          text/plain, gzip, 2 B"),
        (
            429,
            {"x-ratelimit-limit": "7", "x-ratelimit-period": "10", "x-ratelimit-reset": "3"},
            "7 requests in 10 s, re",
        ),
        (429, {"x-ratelimit-remaining": "0", "x-ratelimit-name": "rum"}, "rate limit    0 left, named rum"),
        (429, {"retry-after": "4"}, "rate limit    retry after 4 s"),
        (429, {}, "rate limit    no header names one"),
    ],
)
async def test_a_probe_tells_what_status_and_headers_say(status: int, headers: dict[str, str], said: str) -> None:
    assert said in probe_text(understood(status, b"{}", headers))


async def test_more_that_is_promised_without_a_token_is_told_with_the_flag_for_one() -> None:
    words = " ".join(probe_text(understood(200, b'{"segments":[{"records":[]}],"has_more":true}')).split())
    assert "recognised segments, segments: 1 (14 B), more is promised, without a token" in words
    assert "flags if more pages should follow: --next-path has_more" in words


@pytest.mark.parametrize(
    ("beside", "recognised", "problem"),
    [
        (
            b'"meta":{"isLast":false}',
            "segments: 1 (14 B), more is promised, without a token",
            "page 1 says by meta.isLast that more follows but gives no paging token",
        ),
        (
            b'"total":9',
            "segments: 1 (14 B), 9 segments counted by total, no token",
            "the API counts 9 segments (total) and the pages hold 1: ask again later, or say --next-path none if",
        ),
        (
            b'"page":{"totalPages":2}',
            "segments: 1 (14 B), 2 pages counted by page.totalPages, no token",
            "the API counts 2 pages (page.totalPages) and the chain ends on page 1",
        ),
    ],
)
async def test_an_answer_that_is_not_the_whole_list_is_told_as_a_download_would_tell_it(
    beside: bytes, recognised: str, problem: str
) -> None:
    text = probe_text(understood(200, b'{"segments":[{"records":[]}],%b}' % beside))
    words = " ".join(text.split())
    assert f"recognised segments, {recognised} problem {problem}" in words
    assert "none needed" not in words
    assert max(map(len, text.splitlines())) <= 80


async def test_counts_of_a_list_that_goes_on_are_no_problem() -> None:
    found = understood(200, b'{"segments":[{"records":[]}],"complete":false,"total":9,"paging":"T"}')
    assert (found.problem, found.exit_code) == ("", 0)
    assert "9 segments counted by total, more pages follow" in " ".join(probe_text(found).split())
    assert told(found)["recognised"]["segments_counted"] == 9
    assert told(found)["recognised"]["pages_counted"] is None


async def test_of_several_places_in_an_unknown_answer_the_likeliest_are_tried_first() -> None:
    page = [{"records": [{"type": 4}]}]
    lines = probe_text(understood(200, json.dumps({"a": page, "b": page, "next_token": "x", "nextPage": "y"}).encode()))
    assert lines.splitlines()[-3:] == [
        "try           --segments-path a --next-path nextPage",
        "or            --segments-path b",
        "or            --next-path next_token",
    ]
