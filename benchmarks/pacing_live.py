"""``pacing-live``: how much of a real limit do one and two clients take, and how do two share it?"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.contestants import ENVIRONMENT, ours
from benchmarks.limiters import PERIOD, RATE, Limiter, Nginx, Simulated
from benchmarks.programs import FailedError, running
from benchmarks.results import Results, Table
from benchmarks.scratch import scratch, write_list
from benchmarks.server import free_ports, nginx_program, wait_for

_HOW_TO_READ = (
    f"{RATE} requests a second; all rows at the same time, each with a server of its own. *goodput* is what was "
    "accepted of what the limit offered, from the first second on; *fairness* the lesser client's accepted requests "
    "by the greater's."
)
# Windows, and three that look like them.
_SIMULATED = (("fixed", "all"), ("fixed", "none"), ("sliding", "all"), ("counter", "all"), ("first", "429"))
_QUICK, _USUAL = 20.0, 60.0
_STOPPED = 130
_GRACE = 30.0  # seconds that a client gets to end when it is asked to


@dataclass(frozen=True)
class Client:
    """One client's run, as its report has it."""

    began: float
    """By the monotonic clock."""
    seconds: float
    accepted: int
    rejected: int


@dataclass(frozen=True)
class Row:
    """One server and the clients that shared its limit."""

    server: str
    offered: float
    clients: Sequence[Client]

    @property
    def accepted(self) -> int:
        return sum(client.accepted for client in self.clients)

    @property
    def rejected(self) -> int:
        return sum(client.rejected for client in self.clients)

    def cells(self) -> Sequence[str]:
        each = [client.accepted for client in self.clients]
        return (
            self.server,
            f"{len(each)}",
            f"{100 * self.accepted / self.offered:.1f} %",
            f"{100 * self.rejected / (self.accepted + self.rejected):.2f} %",
            f"{min(each) / max(each):.2f}" if len(each) > 1 else "-",
            " + ".join(map(str, each)),
            f"{self.rejected}",
        )


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=_USUAL, help="how long the clients ask (default: %(default)g)")


def run(options: argparse.Namespace) -> Results:
    seconds = _QUICK if options.quick else options.seconds
    results = Results("pacing-live", how_to_read=_HOW_TO_READ)
    sessions = int(2 * RATE * seconds)
    limiters: list[Limiter] = [Simulated(headers, sessions, algorithm) for algorithm, headers in _SIMULATED]
    nginx = nginx_program()
    if nginx:
        limiters.append(Nginx(nginx))
    else:
        results.notes.append("Left out: nginx, since it is not installed.")
    load = os.getloadavg()[0]
    with scratch(None) as folder:
        rows = _Trial(folder, seconds).rows(limiters)
    results.notes.append(f"Load of the machine: {load:.1f} before, {os.getloadavg()[0]:.1f} afterwards.")
    columns = ("server", "clients", "goodput", "429s", "fairness", "accepted", "refused")
    results.tables.append(Table(f"{seconds:g} seconds", columns, [row.cells() for row in rows]))
    results.measurements += map(asdict, rows)
    return results


@dataclass(frozen=True)
class _Trial:
    folder: Path
    seconds: float

    def rows(self, limiters: Sequence[Limiter]) -> list[Row]:
        """All servers with one client and with two, side by side: ten requests a second leave room for that."""
        with ExitStack() as stack:
            servers = [self._server(limiter, clients, stack) for limiter in limiters for clients in (1, 2)]
            # A client that came late in a window could not spend what is left of it.
            time.sleep(PERIOD - time.monotonic() % PERIOD)
            started = [server.start(stack) for server in servers]
            print(f"{self.seconds:g} seconds …", file=sys.stderr)
            time.sleep(self.seconds)
            for program in (program for each in started for program in each):
                program.send_signal(signal.SIGTERM)
            return [server.row(programs) for server, programs in zip(servers, started, strict=True)]

    def _server(self, limiter: Limiter, clients: int, stack: ExitStack) -> _Server:
        (port,) = free_ports(1)
        folder = self.folder / f"{port}"
        folder.mkdir()
        views = write_list(folder / "views.csv", int(2 * RATE * self.seconds))
        stack.enter_context(running(limiter.command(folder, port, views)))
        wait_for(port)
        return _Server(limiter, f"http://127.0.0.1:{port}", views, [folder / f"out{n}" for n in range(clients)])


@dataclass(frozen=True)
class _Server:
    limiter: Limiter
    base_url: str
    views: Path
    archives: Sequence[Path]

    def start(self, stack: ExitStack) -> list[subprocess.Popen[bytes]]:
        """Its clients, all of them told to fetch the same list."""
        command = ours("--source", "event_platform", "--quiet", "--workers", "8")
        commands = [command(self.base_url, self.views, out) for out in self.archives]
        return [stack.enter_context(running(each, env=ENVIRONMENT)) for each in commands]

    def row(self, programs: Sequence[subprocess.Popen[bytes]]) -> Row:
        """What became of them; raises FailedError where one did not go on until it was stopped."""
        for program in programs:
            code = program.wait(_GRACE)
            if code != _STOPPED:
                raise FailedError(f"{self.limiter.name}: a client ended with {code}")
        clients = [_client(out / "report.json") for out in self.archives]
        began = min(client.began for client in clients)
        ended = max(client.began + client.seconds for client in clients)
        return Row(self.limiter.name, self.limiter.offered(began, ended - began), clients)


def _client(path: Path) -> Client:
    report = json.loads(path.read_bytes())
    ended = path.stat().st_mtime - time.time() + time.monotonic()
    accepted = report["requests"] - report["rate_limited"]
    return Client(ended - report["seconds"], report["seconds"], accepted, report["rate_limited"])
