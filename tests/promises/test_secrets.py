"""Keys are never printed, logged, stored, or sent to another origin, whatever goes wrong."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest
from archives import WIDE, write_list
from processes import served
from told_secrets import API_KEY, APP_KEY, BEARER, REAL_API_KEY, REAL_APP_KEY, check_no_secret, found_in

from replay_fetch.api.endpoint import auth_headers
from replay_fetch.cli import main
from replay_fetch.model import View
from replay_fetch.pipeline.job import DownloadJob
from replay_fetch.settings import ApiSettings, Credentials, FetchSettings, Settings
from replay_fetch.simulator import (
    AuthMode,
    AuthSettings,
    Body429,
    ErrorBody,
    Fault,
    HeaderPolicy,
    LimitHeaderSettings,
    LimitSettings,
    PagingSettings,
    Shape,
    SimulatorSettings,
)
from replay_fetch.transport import open_transport

VIEWS = [View("session", f"view-{number}") for number in range(4)]


class Failure(NamedTuple):
    """A way for a run to go wrong."""

    code: int
    simulated: SimulatorSettings
    flags: tuple[str, ...] = ()


def _faulty(*faults: str, **settings: object) -> SimulatorSettings:
    auth = AuthSettings(api_key=API_KEY, app_key=APP_KEY, bearer_token=BEARER)
    return SimulatorSettings(auth=auth, limit=WIDE, faults=tuple(map(Fault.parse, faults)), **settings)  # type: ignore[arg-type] # the tables below are checked by running them


FAILURES = {
    "none": Failure(0, _faulty()),
    "raw": Failure(0, _faulty(), ("--keep-raw",)),
    "unknown": Failure(1, _faulty(paging=PagingSettings(shape=Shape.UNKNOWN))),
    "rate limited": Failure(
        0,
        SimulatorSettings(
            auth=_faulty().auth,
            limit=LimitSettings(limit=20, period=0.5),
            limit_headers=LimitHeaderSettings(headers=HeaderPolicy.NONE, body_429=Body429.HTML),
        ),
        ("--max-views", "8"),
    ),
    "dead": Failure(3, _faulty("503:outage=0..100"), ("--give-up-after", "0.5")),
    **{
        f"refused, {body}": Failure(3, SimulatorSettings(auth=AuthSettings(refusal=refusal), error_body=body))
        for refusal, body in ((401, ErrorBody.TEXTS), (403, ErrorBody.OBJECTS), (403, ErrorBody.HTML))
    },
    "bearer": Failure(0, _faulty()),
    "bearer refused": Failure(3, SimulatorSettings(auth=AuthSettings(mode=AuthMode.BEARER, refusal=401))),
    **{
        kind: Failure(1, _faulty(f"{kind}:sticky,rate=1"), ("--max-views", "3"))
        for kind in ("500", "400", "reset-before", "reset-body", "stall-before", "stall-body", "wrong-length", "html")
    },
}


@pytest.mark.parametrize(
    ("name", "log_format"), [*((name, "text") for name in FAILURES), ("dead", "json"), ("500", "json")]
)
def test_no_key_comes_out_of_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], name: str, log_format: str
) -> None:
    failure = FAILURES[name]
    _set_keys(monkeypatch, bearer=name.startswith("bearer"))
    with served(failure.simulated) as simulator:
        views = write_list(tmp_path / "views.csv", simulator.views)
        code = main(_arguments(views, tmp_path / "out", simulator.base_url, *failure.flags, "--log-format", log_format))
    said = capfd.readouterr()
    assert code == failure.code, said.err
    check_no_secret(tmp_path / "out", said.out, said.err)


def _set_keys(monkeypatch: pytest.MonkeyPatch, *, bearer: bool = False) -> None:
    for name in ("DD_API_KEY", "DD_APP_KEY", "DD_BEARER_TOKEN", "DATADOG_API_KEY", "DATADOG_APP_KEY", "DD_SITE"):
        monkeypatch.delenv(name, raising=False)
    keys = {"DD_BEARER_TOKEN": BEARER} if bearer else {"DD_API_KEY": API_KEY, "DD_APP_KEY": APP_KEY}
    for name, secret in keys.items():
        monkeypatch.setenv(name, secret)


def _arguments(views: Path, out: Path, url: str, *flags: str) -> list[str]:
    quick = ("--retries", "1", "--read-timeout", "0.3", "-v", "--log-file", str(out.with_name("log")))
    return ["download", str(views), str(out), "--base-url", url, *quick, *flags]


Response = tuple[int, dict[str, str], bytes]


@contextmanager
def answering(answer: Callable[[BaseHTTPRequestHandler], Response]) -> Iterator[str]:
    """A server that answers every GET the same way; gives its origin."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = answer(self)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _echo(status: int) -> Callable[[BaseHTTPRequestHandler], Response]:
    def answer(request: BaseHTTPRequestHandler) -> Response:
        said = json.dumps({"errors": [f"no: {dict(request.headers)}"]})
        return status, {"X-Echo": request.headers.get("DD-API-KEY", "")}, said.encode()

    return answer


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 302])
def test_keys_that_a_server_says_back_are_not_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], status: int
) -> None:
    """A proxy's debug page may hold the request; what we quote of an answer must not hold the keys."""
    _set_keys(monkeypatch)
    monkeypatch.setenv("DD_API_KEY", REAL_API_KEY)
    monkeypatch.setenv("DD_APP_KEY", REAL_APP_KEY)
    with answering(_echo(status)) as origin:
        views = write_list(tmp_path / "views.csv", VIEWS)
        code = main(_arguments(views, tmp_path / "out", origin))
    said = capfd.readouterr()
    assert code == {401: 3, 403: 3}.get(status, 1), said.err
    check_no_secret(tmp_path / "out", said.out, said.err)


def _echo_well(where: str, *, packed: bool) -> Callable[[BaseHTTPRequestHandler], Response]:
    """A good page that says the keys back."""

    def answer(request: BaseHTTPRequestHandler) -> Response:
        said = dict(request.headers) if where != "header" else {}
        padding = "x" * (600_000 if "large" in where else 0)
        segment = {"records": [{"type": 4, "padding": padding}], "start": 1, "end": 2}
        inside = {"debug": said} if "segment" in where else {}
        page = {"segments": [segment | inside], "paging": None, "debug": said if where == "envelope" else {}}
        body = json.dumps(page).encode()
        headers = {"X-Echo": request.headers["DD-API-KEY"]} if where == "header" else {}
        return (200, headers | {"Content-Encoding": "gzip"}, gzip.compress(body)) if packed else (200, headers, body)

    return answer


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("where", ["header", "envelope", "segment", "segment of a large page"])
@pytest.mark.parametrize("flag", ["--keep-raw", "-v"])
def test_keys_that_a_good_answer_says_back_are_stored_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flag: str, where: str, *, packed: bool
) -> None:
    """Exact bytes are promised too; that keys are stored nowhere comes first."""
    _set_keys(monkeypatch)
    with answering(_echo_well(where, packed=packed)) as origin:
        views = write_list(tmp_path / "views.csv", VIEWS)
        assert main(_arguments(views, tmp_path / "out", origin, flag)) == 0
    check_no_secret(tmp_path / "out")
    stored = (tmp_path / "out" / "sessions" / "session.ndjson").read_bytes()
    assert (b"***" in stored) == ("segment" in where)
    assert len(list((tmp_path / "out").glob("raw/*/*/*.body"))) == (len(VIEWS) if flag == "--keep-raw" else 0)


@pytest.mark.parametrize("way", ["redirect", "links.next", "Link"])
def test_keys_go_to_no_other_origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    asked: list[str] = []

    def stranger(request: BaseHTTPRequestHandler) -> Response:
        asked.append(request.path)
        return 200, {}, b"[]"

    _set_keys(monkeypatch)
    with answering(stranger) as elsewhere:
        there = f"{elsewhere}/api/v2/x?paging=token"
        answers = {
            "redirect": (307, {"Location": there}, b""),
            "links.next": (200, {}, json.dumps({"data": [], "links": {"next": there}}).encode()),
            "Link": (200, {"Link": f'<{there}>; rel="next"'}, b"[]"),
        }
        with answering(lambda _: answers[way]) as origin:
            main(_arguments(write_list(tmp_path / "views.csv", VIEWS), tmp_path / "out", origin))
    assert asked == []


@pytest.mark.anyio
async def test_objects_that_hold_the_keys_show_none_of_them() -> None:
    keys = Credentials(API_KEY, APP_KEY, BEARER)
    settings = Settings(api=ApiSettings(base_url="http://127.0.0.1:9"))
    async with open_transport(settings.api, FetchSettings(), auth_headers(keys)) as transport:
        for thing in (keys, settings, DownloadJob("-", Path("out"), settings, keys), transport):
            assert not found_in(f"{thing!r} {thing}".encode())


def test_files_are_for_their_owner_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recordings are personal data: whatever the umask is."""
    _set_keys(monkeypatch)
    with served(_faulty(paging=PagingSettings(page_segments=1))) as simulator:
        views = write_list(tmp_path / "views.csv", simulator.views)
        assert main(_arguments(views, tmp_path / "out", simulator.base_url, "--keep-raw")) == 0
    for path in [tmp_path / "out", tmp_path / "log", *(tmp_path / "out").rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
