"""Servers that let through ten requests a second: the simulator, and nginx, whose limiter is not ours."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.pages import cut

RATE = 10
"""Requests a second that each of them lets through in the long run."""
PERIOD = 10.0
"""Seconds of the simulator's windows, which begin at multiples of it on the clock that all processes share."""
BURST = 20
"""Requests that nginx lets through beyond one in each tenth of a second."""

_NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000; default_type application/json;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  limit_req_zone $server_name zone=everybody:1m rate={rate}r/s;
  server {{
    listen 127.0.0.1:{port}; server_name limited; root {folder};
    limit_req zone=everybody burst={burst} nodelay; limit_req_status 429;
    location / {{ rewrite ^ /page.json break; }}
  }}
}}
"""


class Limiter(Protocol):
    """A server to be started in a folder of its own."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    def command(self, folder: Path, port: int, views: Path) -> Sequence[str]:
        """Starts it; it answers for any views, or writes those it answers for."""
        ...

    def offered(self, began: float, lasted: float) -> float:
        """Requests that it had room for from ``began`` on, by the monotonic clock."""
        ...


@dataclass(frozen=True)
class Simulated:
    """Windows, or what looks like them, told of in the headers of all answers, of 429s, or of none."""

    headers: str
    sessions: int
    """As many views, at least, as it will be asked for."""
    algorithm: str = "fixed"

    @property
    def name(self) -> str:
        return f"simulator, {self.algorithm}, headers on {self.headers}"

    def command(self, folder: Path, port: int, views: Path) -> Sequence[str]:  # noqa: ARG002 - it needs no files
        limit = ("--limit", f"{RATE * PERIOD:.0f}", "--period", f"{PERIOD:g}", "--headers", self.headers)
        kind = ("--algorithm", self.algorithm)
        held = ("--sessions", f"{self.sessions}", "--segments-per-view", "1", "--write-views", f"{views}")
        program = (sys.executable, "-m", "replay_fetch", "simulate", "--port", f"{port}", "--auth", "off")
        return (*program, *limit, *kind, *held, "--latency", "0.05", "--latency-tail", "0.5")

    def offered(self, began: float, lasted: float) -> float:
        """The whole of a first window at a multiple of the period, of which nothing was spent, and then its rate."""
        return RATE * (lasted + (began % PERIOD if self.algorithm == "fixed" else 0.0))


@dataclass(frozen=True)
class Nginx:
    """A leaky bucket that says nothing of itself: ``limit_req`` with ``nodelay``, and a page of HTML for a 429."""

    program: str
    name: str = "nginx `limit_req`"

    def command(self, folder: Path, port: int, views: Path) -> Sequence[str]:  # noqa: ARG002 - it answers for any
        (folder / "page.json").write_bytes(cut(2_000)[-1])
        config = folder / "nginx.conf"
        config.write_text(_NGINX.format(folder=folder, port=port, rate=RATE, burst=BURST))
        return (self.program, "-e", f"{folder / 'error.log'}", "-c", f"{config}")

    def offered(self, began: float, lasted: float) -> float:  # noqa: ARG002 - no windows
        """A full bucket, and what flows back."""
        return BURST + 1 + RATE * lasted
