"""The benchmarks' runner: what it offers, what it writes, and that nothing of it stays behind."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.request
from importlib import import_module
from pathlib import Path

import pytest
from processes import HANGS, environment

from benchmarks import mix, server
from benchmarks.__main__ import _BENCHMARKS
from benchmarks.pages import cut, write
from benchmarks.results import Results, Table, spread
from benchmarks.scratch import write_list
from benchmarks.tls import certified
from replay_fetch.api.json_split import elements, members
from replay_fetch.api.page import PageDecoder
from replay_fetch.model import Response, View
from replay_fetch.settings import ApiSettings
from replay_fetch.simulator.choices import Shape

ROOT = Path(__file__).parents[3]
PIPELINE = ("pipeline", "--quick", "--sizes", "2000", "--only", "bare aiohttp")


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks", *map(str, arguments)]
    return subprocess.Popen(  # noqa: S603 - ours
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_benchmark_writes_its_table_and_every_measurement_behind_it(tmp_path: Path) -> None:
    written = ("--out", tmp_path / "results", "--json", tmp_path / "pipeline.json")
    with start(*PIPELINE, "--folder", tmp_path / "disk", *written) as program:
        said, complained = program.communicate(timeout=HANGS)
    assert program.returncode == 0, complained
    assert (tmp_path / "results" / "pipeline.md").read_text() == f"# pipeline\n\n{said}"
    measured = json.loads((tmp_path / "pipeline.json").read_bytes())["measurements"]
    trial, lag = measured
    assert trial["whole"]["pages"] > trial["started"]["pages"]
    assert lag["lag"]["worst"] >= lag["lag"]["p99"] > 0
    assert list((tmp_path / "disk").iterdir()) == []


def test_the_parts_of_a_page_have_each_their_price() -> None:
    with start("parts", "--quick", "--sizes", "2000", "--rounds", "1", "--json", "/dev/stderr") as program:
        said, measured = program.communicate(timeout=HANGS)
    assert program.returncode == 0, measured
    seconds = {each["part"]: each["seconds"][0] for each in json.loads(measured)["measurements"]}
    assert all(each > 0 for each in seconds.values())
    assert all(f"| {part} |" in said for part in seconds)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_benchmark_that_is_ended_takes_its_folder_along(tmp_path: Path, number: signal.Signals) -> None:
    """And its server, which goes before the folder does."""
    with start(*PIPELINE, "--folder", tmp_path) as program:
        assert program.stderr is not None
        assert program.stderr.readline() == "2000/plain …\n"  # all is up
        assert list(tmp_path.iterdir())
        program.send_signal(number)
        program.communicate(timeout=HANGS)
    assert program.returncode == 130
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", _BENCHMARKS)
def test_every_benchmark_is_there_and_in_the_readme(name: str) -> None:
    module = import_module(f"benchmarks.{name.replace('-', '_')}")
    assert hasattr(module, "main") or (hasattr(module, "add_options") and hasattr(module, "run"))
    assert re.search(rf"^\| `{name}[ `]", (ROOT / "benchmarks" / "README.md").read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("over_tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("program", ["nginx", "ours"])
def test_nginx_and_our_own_page_server_answer_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, *, over_tls: bool
) -> None:
    if program == "ours":
        monkeypatch.setattr(server, "nginx_program", lambda: None)
    elif not server.nginx_program():
        pytest.skip("nginx is not installed")
    with (
        certified(wanted=over_tls) as certificate,
        server.serving(tmp_path / "pages", [2_000], ["plain", "gzip"], certificate) as (_, urls),
    ):
        trusting = certificate.trusting() if certificate else None
        for what, base_url in urls.items():
            for page in range(1, server.PAGES + 1):
                url = f"{base_url}/any/path" if page == 1 else f"{base_url}/any/path?source=a&paging=p{page}"
                with urllib.request.urlopen(url, timeout=HANGS, context=trusting) as answer:  # noqa: S310 - of loopback
                    assert answer.read() == (tmp_path / "pages" / what / f"{page}.json").read_bytes()
                    assert answer.headers["Content-Encoding"] == ("gzip" if what.endswith("gzip") else None)
                    assert server.HEADERS.items() <= dict(answer.headers).items()
        assert server.asked(urls["2000/plain"], certificate) == 2 * server.PAGES + 1
        assert server.asked(urls["2000/gzip"], certificate) == 2 * server.PAGES + 2


@pytest.mark.parametrize("size", server.SIZES[:3])
def test_pages_are_about_as_large_as_wanted_and_lead_on_to_the_next(size: int) -> None:
    pages = [members(body) for body in cut(size)]
    assert all(0.85 * size <= len(body) <= 1.05 * size for body in cut(size))
    assert [members(page["paging"])["next"] for page in pages] == [b'"p2"', b'"p3"', b'"p4"', b'"p5"', b"null"]
    indexes = [int(members(segment)["index_in_view"]) for page in pages for segment in elements(page["segments"])]
    assert indexes == list(range(len(indexes)))


def test_pages_of_a_list_carry_the_ids_of_their_view(tmp_path: Path) -> None:
    rows = write_list(tmp_path / "views.csv", 2).read_text().splitlines()[1:]
    views = [View(*row.split(",")) for row in rows]
    write(tmp_path / "2000", 2_000, ["plain"], views)
    for view in views:
        for number, bare in enumerate(cut(2_000), 1):
            body = (tmp_path / "2000" / "plain" / view.session_id / view.view_id / f"{number}.json").read_bytes()
            held = [members(segment) for segment in elements(members(body)["segments"])]
            assert {each["session"] for each in held} == {b'{"id":"%b"}' % view.session_id.encode()}
            assert {each["view"] for each in held} == {b'{"id":"%b"}' % view.view_id.encode()}
            assert members(body)["paging"] == members(bare)["paging"]


@pytest.mark.parametrize("shape", mix.SHAPES)
def test_the_pages_of_the_mix_lead_through_their_views(tmp_path: Path, shape: Shape) -> None:
    mix.write(tmp_path, shape)
    decoder = PageDecoder(ApiSettings())
    for (digit, page), size in mix.sizes().items():
        body = (tmp_path / shape / f"{digit}-{page}.json").read_bytes()
        found = decoder.decode(Response(200, {"content-length": str(len(body))}, body))
        following = f"p{page + 1}" if page < mix.PAGES_OF_VIEW[digit] else None
        assert found.token == (None if shape in mix.LINKED else following)
        assert found.segments
        assert all((part.item is not None) == (shape is Shape.JSON_API) for part in found.segments)
        assert 0.8 * size <= len(body) <= 1.1 * size


def test_the_mix_is_served_as_it_was_written(tmp_path: Path) -> None:
    if not server.nginx_program():
        pytest.skip("nginx is not installed")
    shape = Shape.NDJSON
    with server.serving_mix(tmp_path, [shape]) as urls:
        for case, base_url in urls.items():
            for digit, page in mix.sizes():
                paging = f"&paging=p{page}" if page > 1 else ""
                url = f"{base_url}/sessions/f0/views/0{digit}/segments?source=a{paging}"
                with urllib.request.urlopen(url, timeout=HANGS) as answer:  # noqa: S310 - of loopback
                    assert answer.read() == (tmp_path / shape / f"{digit}-{page}.json").read_bytes()
                    leads_on = page < mix.PAGES_OF_VIEW[digit]
                    assert (f"paging=p{page + 1}>" in answer.headers.get("Link", "")) == leads_on
                    assert ("X-RateLimit-Limit" in answer.headers) == (not case.endswith("no headers"))


def test_the_mix_has_the_pages_a_view_and_the_sizes_that_it_promises(tmp_path: Path) -> None:
    views = write_list(tmp_path / "views.csv", 400, mix.VIEWS)
    assert 1.6 < mix.pages_of(views) / (400 * mix.VIEWS) < 1.8
    assert sorted(mix.sizes().values())[:: len(mix.sizes()) - 1] == [mix.SMALLEST, mix.LARGEST]


def test_a_table_is_markdown_under_the_versions_it_was_measured_with(capsys: pytest.CaptureFixture[str]) -> None:
    Results("made", [Table("costs", ("", "s"), [("ours", "1")])], notes=["A note."]).publish()
    said = capsys.readouterr().out
    assert "Python 3." in said
    assert said.endswith("A note.\n\n**costs**\n\n|  | s |\n| --- | --- |\n| ours | 1 |\n")


def test_a_spread_says_no_range_of_one_value() -> None:
    assert [spread([]), spread([2]), spread([3, 1, 2], "{:.0f}")] == ["-", "2.00", "2 (1 to 3)"]
