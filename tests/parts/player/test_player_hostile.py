"""A recording of a stranger's page, in Chromium: it reaches no network and runs no script."""

from __future__ import annotations

import http.server
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hostile import HOME, MARK, by_changes, nested
from made_archives import write_archive
from player_browser import Watch
from playwright.sync_api import BrowserContext

from benchmarks.player.browser import Player
from replay_fetch.cli import main


class Loopback:
    """A server that counts who comes."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.connections = 0
        counted = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                counted.paths.append(self.path)
                self.send_response(200)
                self.send_header("Access-Control-Allow-Origin", "*")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(http.server.ThreadingHTTPServer):
            def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
                counted.connections += 1
                taken: tuple[socket.socket, tuple[str, int]] = super().get_request()
                return taken

        self.server = Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    server = Loopback()
    yield server
    server.close()


PWNED = """() => [window.PWNED, document.querySelector('.host iframe').contentWindow.PWNED,
  ...[...document.querySelector('.host iframe').contentDocument.querySelectorAll('iframe')]
    .map(one => one.contentWindow?.PWNED)].filter(one => one !== undefined)"""


def hostile(recorded: Callable[[], bytes], host: str) -> bytes:
    """A recording that would call this host, and whose scripts would leave a mark that can be seen from here."""
    here = recorded().replace(HOME.removeprefix("http://").encode(), host.encode())
    marks = b"top.PWNED=1,parent.PWNED=1,window.PWNED=1"
    return here.replace(b"window.PWNED=1", MARK.encode()).replace(MARK.encode(), marks)


@pytest.mark.parametrize("recorded", [nested, by_changes])
def test_a_hostile_recording_reaches_no_network_and_runs_no_script(
    watch: Watch, tmp_path: Path, loopback: Loopback, recorded: Callable[[], bytes]
) -> None:
    stranger = hostile(recorded, loopback.host)
    assert stranger.count(loopback.host.encode()) > 60
    player = watch(write_archive(tmp_path / "a", {("story", "v1"): [stranger]}), "story", "t=0")
    player.page.keyboard.press("Space")
    player.page.wait_for_selector("#notice:not([hidden])")
    player.seek("v1", 0)
    player.page.mouse.click(300, 300)
    player.page.keyboard.press("Tab")
    player.page.wait_for_timeout(200)  # for what a browser asks for when it is idle
    assert player.ask("document => document.querySelectorAll('*').length") > 40
    assert (loopback.paths, loopback.connections) == ([], 0)
    assert [url for url in player.requests if not url.startswith("data:")] == [player.page.url.split("#")[0]]
    assert player.page.evaluate(PWNED) == []
    assert [frame.url for frame in player.page.frames if loopback.host in frame.url] == []


@pytest.mark.parametrize("recorded", [nested, by_changes])
def test_without_its_policy_the_page_would_still_not_fetch_what_a_recording_names(
    chromium: BrowserContext, tmp_path: Path, loopback: Loopback, recorded: Callable[[], bytes]
) -> None:
    """The converter and the page put references aside; the policy is the second wall, not the only one."""
    archive = write_archive(tmp_path / "a", {("story", "v1"): [hostile(recorded, loopback.host)]})
    file = tmp_path / "page.html"
    assert main(["play", str(archive), "story", "--html", str(file)]) == 0
    page = file.read_text("utf-8")
    file.write_text(re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page), "utf-8")
    with Player(chromium, file) as player:
        player.open("t=0")
        player.seek("v1", 1)
        player.page.wait_for_timeout(200)
        assert (loopback.paths, loopback.connections) == ([], 0)
        assert player.page.evaluate(PWNED) == []


def test_the_counting_server_counts(loopback: Loopback, chromium: BrowserContext) -> None:
    """Zero means something: the same browser reaches the same server when it is let."""
    page = chromium.new_page()
    page.goto(f"http://{loopback.host}/here")
    page.close()
    assert loopback.paths[0] == "/here"
    assert loopback.connections >= 1
