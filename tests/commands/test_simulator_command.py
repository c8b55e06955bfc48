"""``replay-fetch simulate``: its flags and how it runs."""

from __future__ import annotations

import argparse
import json
import os
import signal
from dataclasses import fields
from pathlib import Path

import pytest

from replay_fetch.cli.simulate import simulate
from replay_fetch.cli.simulate_options import add_options, settings_from
from replay_fetch.errors import SettingsError
from replay_fetch.simulator import (
    Absence,
    Algorithm,
    AuthMode,
    AuthSettings,
    Body429,
    ErrorBody,
    Fault,
    HeaderPolicy,
    HoldingSettings,
    LastPage,
    LatencySettings,
    LimitHeaderSettings,
    LimitSettings,
    PageChain,
    PagingSettings,
    Population,
    Reset,
    RetryAfter,
    SearchChain,
    SearchSettings,
    Shape,
    SimulatorSettings,
)

_EVERY_FLAG = """
    --port 1 --host ::1 --seed 2 --auth bearer --refusal 401 --no-count-views --sessions 3 --segments-per-view 4
    --blob-share 0.5 --overlap --absent-as 204 --empty-as empty-body --shape cursor --page-bytes 6 --page-segments 7
    --pages 8 --last-page extra --chain has-more --chain-share 0.9 --empty-pages 10 --expire-page 11 --expire-status 404
    --expire-chains 12 --token-place meta.x --limit 13 --period 14 --algorithm sliding --neighbour 15
    --limit-change 16:17 --limit-change 18:19 --headers some --reset epoch --remaining-on-429 20 --retry-after date
    --body-429 html
    --events-span 24 --events-age 28 --page-events 25 --search-pages 26 --search-timeout 27
    --search-patience 48 --search-chain link
    --fault 503 --fault html:rate=0.1 --error-body objects --latency 21 --latency-tail 22 --stall 23
"""
_EVERY_SETTING = SimulatorSettings(
    host="::1",
    port=1,
    seed=2,
    auth=AuthSettings(AuthMode.BEARER, refusal=401),
    holding=HoldingSettings(3, 4, 0.5, overlap=True, absent_as=Absence.NO_CONTENT, empty_as=Absence.EMPTY_BODY),
    paging=PagingSettings(Shape.CURSOR, 6, 7, 8, LastPage.EXTRA, PageChain.HAS_MORE, 0.9, 10, 11, 404, 12, "meta.x"),
    search=SearchSettings(24, 28, 25, 26, 27, 48, SearchChain.LINK),
    limit=LimitSettings(13, 14, Algorithm.SLIDING, 15, ((16, 17), (18, 19))),
    limit_headers=LimitHeaderSettings(HeaderPolicy.SOME, Reset.EPOCH, 20, RetryAfter.DATE, Body429.HTML),
    latency=LatencySettings(21, 22),
    faults=(Fault("503"), Fault.parse("html:rate=0.1")),
    error_body=ErrorBody.OBJECTS,
    stall=23,
    count_views=False,
)


def _parsed(line: str, environ: dict[str, str] | None = None) -> SimulatorSettings:
    parser = argparse.ArgumentParser()
    add_options(parser)
    return settings_from(parser.parse_args(line.split()), environ or {})


def test_without_flags_the_settings_are_the_usual_ones_on_a_known_port() -> None:
    assert _parsed("--port 0") == SimulatorSettings()
    assert _parsed("").port != 0


def test_every_setting_has_a_flag() -> None:
    assert _parsed(_EVERY_FLAG) == _EVERY_SETTING
    usual = SimulatorSettings()
    same = [field.name for field in fields(usual) if getattr(usual, field.name) == getattr(_EVERY_SETTING, field.name)]
    assert same == []


def test_keys_come_from_the_environment_only() -> None:
    environ = {"SIMULATOR_API_KEY": "a", "SIMULATOR_APP_KEY": "b", "SIMULATOR_BEARER_TOKEN": "c"}
    assert _parsed("", environ).auth == AuthSettings(AuthMode.ANY, "a", "b", "c")


@pytest.mark.parametrize(
    ("line", "named"),
    [("--shape round", "not one of list, segments"), ("--limit-change soon", "--limit-change"), ("--auth", "--auth")],
)
def test_a_flag_that_cannot_be_read_is_named(line: str, named: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _parsed(line)
    assert named in capsys.readouterr().err


@pytest.mark.parametrize(
    "line",
    [
        "--host example.com",
        "--port -1",
        "--port 70000",
        "--refusal 500",
        "--sessions -1",
        "--blob-share 2",
        "--page-bytes 0",
        "--pages -1",
        "--expire-page 1",
        "--expire-status 500",
        "--empty-pages 1001",
        "--chain-share 2",
        "--limit -1",
        "--period 0",
        "--neighbour -1",
        "--limit-change 1:0 --limit 1",
        "--stall 0",
        "--latency -1",
        "--limit-change 2:1 --limit-change 1:1 --limit 1",
        "--limit-change 1:1",
        "--segments-per-view -1",
        "--fault x",
    ],
)
def test_a_value_that_cannot_be_used_is_named(line: str) -> None:
    with pytest.raises(SettingsError, match=line.split(maxsplit=1)[0]):
        _parsed(line)


@pytest.mark.anyio
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
async def test_the_simulator_tells_how_to_download_from_it_and_serves_until_stopped(
    stop: signal.Signals, tmp_path: Path
) -> None:
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if "stops" in line:
            os.kill(os.getpid(), stop)

    settings = SimulatorSettings(limit=LimitSettings(5), holding=HoldingSettings(sessions=10), seed=4)
    views = tmp_path / "views.csv"
    assert await simulate(settings, say, write_views=views) == 0
    assert "32 views, shape segments, 5 requests per 10 s" in said[0]
    assert any("export DD_API_KEY=simulator-api-key DD_APP_KEY=simulator-app-key" in line for line in said)
    assert any(f"replay-fetch download {views} archive --base-url http://127.0.0.1:" in line for line in said)
    assert '"requests": 0' in said[-1]
    assert views.read_text().splitlines()[1:] == [",".join(view) for view in Population(10, 4)]


@pytest.mark.anyio
async def test_the_simulator_with_json_prints_one_object_and_its_counts() -> None:
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if len(said) == 1:
            os.kill(os.getpid(), signal.SIGINT)

    assert await simulate(SimulatorSettings(limit=LimitSettings(5)), say, as_json=True) == 0
    served, counted = map(json.loads, said)
    assert (served["shape"], served["limit"], served["period"]) == ("segments", 5, 10)
    assert served["base_url"].startswith("http://127.0.0.1:")
    assert counted["requests"] == 0


@pytest.mark.anyio
async def test_a_list_that_cannot_be_written_is_a_settings_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be written"):
        await simulate(SimulatorSettings(), print, write_views=tmp_path / "nowhere" / "views.csv")
