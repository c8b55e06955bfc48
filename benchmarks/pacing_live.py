"""``pacing-live``: how much of a real limit do one and two clients take, and how do two, or more shards, share it?"""

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
from replay_fetch.shard import ShardId

_HOW_TO_READ = (
    f"{RATE} requests a second; all rows at the same time, each with a server of its own. *goodput* is what was "
    "accepted of what the limit offered, from the first second on; *least ÷ most* compares what the clients had "
    "accepted a second, once a fifth of the time was over."
)
# Windows, and three that look like them.
_SIMULATED = (("fixed", "all"), ("fixed", "none"), ("sliding", "all"), ("counter", "all"), ("first", "429"))
_QUICK, _USUAL = 20.0, 60.0
_STOPPED = 130
_GRACE = 30.0  # seconds that a client gets to end when it is asked to
_SETTLED = 0.2  # of a run: from then on clients are compared, as virtual time does after 120 s of 600


@dataclass(frozen=True)
class Client:
    """One client's run, as its report has it."""

    began: float
    """By the monotonic clock."""
    seconds: float
    accepted: int
    rejected: int
    settled: float
    """Requests accepted a second, once the client had settled."""


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
        settled = [client.settled for client in self.clients]
        return (
            self.server,
            f"{len(each)}",
            f"{100 * self.accepted / self.offered:.1f} %",
            f"{100 * self.rejected / (self.accepted + self.rejected):.2f} %",
            f"{min(settled) / max(settled):.2f}" if len(each) > 1 else "-",
            " + ".join(map(str, each)),
            f"{self.rejected}",
        )


@dataclass(frozen=True)
class _World:
    """A server, and the clients that it is for."""

    limiter: Limiter
    clients: int
    flags: Sequence[str] = ()
    shards: bool = False
    """Whether the clients are the shards of one list; else each fetches the whole list into a folder of its own."""

    @property
    def name(self) -> str:
        return " ".join((self.limiter.name, *self.flags))


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=_USUAL, help="how long the clients ask (default: %(default)g)")
    parser.add_argument(
        "--copies", type=int, nargs="+", metavar="N", help="so many shards of one list instead, in three worlds each"
    )


def run(options: argparse.Namespace) -> Results:
    seconds = _QUICK if options.quick else options.seconds
    results = Results("pacing-live", how_to_read=_HOW_TO_READ)
    if options.copies:
        worlds = [world for count in options.copies for world in _of_shards(count, seconds)]
    else:
        worlds = _of_clients(seconds, results.notes)
    load = os.getloadavg()[0]
    with scratch(None) as folder:
        rows = _Trial(folder, seconds).rows(worlds)
    results.notes.append(f"Load of the machine: {load:.1f} before, {os.getloadavg()[0]:.1f} afterwards.")
    columns = ("server", "clients", "goodput", "429s", "least ÷ most", "accepted", "refused")
    results.tables.append(Table(f"{seconds:g} seconds", columns, [row.cells() for row in rows]))
    results.measurements += map(asdict, rows)
    return results


def _of_clients(seconds: float, notes: list[str]) -> list[_World]:
    """All servers with one client and with two."""
    sessions = int(2 * RATE * seconds)
    limiters: list[Limiter] = [Simulated(headers, sessions, algorithm) for algorithm, headers in _SIMULATED]
    nginx = nginx_program()
    if nginx:
        limiters.append(Nginx(nginx))
    else:
        notes.append("Left out: nginx, since it is not installed.")
    return [_World(limiter, clients) for limiter in limiters for clients in (1, 2)]


def _of_shards(count: int, seconds: float) -> list[_World]:
    """The same windows with headers, without, and without where each shard is told its part of the limit."""
    # Any of them could take all of the limit, and must not come to the end of its part of the list.
    sessions = int(2 * RATE * seconds) * count
    said, silent = (Simulated(headers, sessions) for headers in ("all", "none"))
    part = ("--max-rate", f"{RATE / count:g}")
    return [
        _World(said, count, shards=True),
        _World(silent, count, shards=True),
        _World(silent, count, part, shards=True),
    ]


@dataclass(frozen=True)
class _Trial:
    folder: Path
    seconds: float

    def rows(self, worlds: Sequence[_World]) -> list[Row]:
        """All worlds side by side: ten requests a second leave room for that."""
        with ExitStack() as stack:
            servers = [self._server(world, stack) for world in worlds]
            # A client that came late in a window could not spend what is left of it.
            time.sleep(PERIOD - time.monotonic() % PERIOD)
            started = [server.start(stack) for server in servers]
            print(f"{self.seconds:g} seconds …", file=sys.stderr)
            time.sleep(self.seconds)
            for program in (program for each in started for program in each):
                program.send_signal(signal.SIGTERM)
            return [server.row(programs, self.seconds) for server, programs in zip(servers, started, strict=True)]

    def _server(self, world: _World, stack: ExitStack) -> _Server:
        (port,) = free_ports(1)
        folder = self.folder / f"{port}"
        folder.mkdir()
        views = write_list(folder / "views.csv", int(2 * RATE * self.seconds))
        stack.enter_context(running(world.limiter.command(folder, port, views)))
        wait_for(port)
        return _Server(world, f"http://127.0.0.1:{port}", views, folder)


@dataclass(frozen=True)
class _Server:
    world: _World
    base_url: str
    views: Path
    folder: Path

    def start(self, stack: ExitStack) -> list[subprocess.Popen[bytes]]:
        """Its clients, all of them told to fetch the same list."""
        commands = [self._command(number) for number in range(self.world.clients)]
        return [stack.enter_context(running(each, env=ENVIRONMENT)) for each in commands]

    def _command(self, number: int) -> Sequence[str]:
        shard = ("--shard", f"{number}/{self.world.clients}") if self.world.shards else ()
        flags = ("--source", "event_platform", "--quiet", "--workers", "8", *self.world.flags, *shard)
        return ours(*flags)(self.base_url, self.views, self.folder / ("out" if shard else f"out{number}"))

    def _report(self, number: int) -> Path:
        if self.world.shards:
            return self.folder / "out" / ShardId(number, self.world.clients).report
        return self.folder / f"out{number}" / "report.json"

    def row(self, programs: Sequence[subprocess.Popen[bytes]], seconds: float) -> Row:
        """What became of them; raises FailedError where one did not go on until it was stopped."""
        for program in programs:
            code = program.wait(_GRACE)
            if code != _STOPPED:
                raise FailedError(f"{self.world.name}: a client ended with {code}")
        clients = [_client(self._report(number), _SETTLED * seconds) for number in range(self.world.clients)]
        began = min(client.began for client in clients)
        ended = max(client.began + client.seconds for client in clients)
        return Row(self.world.name, self.world.limiter.offered(began, ended - began), clients)


def _client(path: Path, settled: float) -> Client:
    report = json.loads(path.read_bytes())
    ended = path.stat().st_mtime - time.time() + time.monotonic()
    accepted = report["requests"] - report["rate_limited"]
    since = next(point for point in report["pacing"] if point["time"] >= settled)
    late = accepted - (since["requests"] - since["rate_limited"])
    rate = late / max(1.0, report["seconds"] - since["time"])
    return Client(ended - report["seconds"], report["seconds"], accepted, report["rate_limited"], rate)
