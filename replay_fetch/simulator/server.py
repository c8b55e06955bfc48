"""The simulator as an HTTP server on loopback: starts, stops, and sends replies whole or broken."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from aiohttp import web

from replay_fetch.errors import SettingsError
from replay_fetch.model import Source, View
from replay_fetch.simulator import faults
from replay_fetch.simulator.counts import Counts
from replay_fetch.simulator.replies import RefusalError, Reply, json_body
from replay_fetch.simulator.requests import Asked
from replay_fetch.simulator.service import Service
from replay_fetch.simulator.settings import SimulatorSettings
from replay_fetch.simulator.shapes import Body
from replay_fetch.simulator.truth import Population, Truth

_OWN = "/simulator/"
_NDJSON = {"Content-Type": "application/x-ndjson"}


class Simulator:
    """The simulated API, served while the context is open.

    ::

        async with Simulator(SimulatorSettings(seed=7)) as simulator:
            ...  # ask simulator.base_url, compare with simulator.truth

    Beside the API the server answers, without credentials and without counting:
    ``/simulator/counts`` and ``/simulator/counts/views`` (JSON), and
    ``/simulator/truth/{session_id}/{view_id}?source=…`` (the view's segments, one a line).
    """

    def __init__(
        self,
        settings: SimulatorSettings | None = None,
        *,
        clock: Callable[[], float] | None = None,
        wall: Callable[[], float] | None = None,
    ) -> None:
        """Prepare a server that ``async with`` starts.

        Without a ``clock`` the running loop's is taken, without a ``wall`` the machine's time of day.
        """
        self.settings = settings or SimulatorSettings()
        self.views = Population(self.settings.holding.sessions, self.settings.seed)
        """All views, in the order of the list, also those without segments."""
        self.truth = Truth(self.settings, self.views)
        self.base_url = ""
        """Known once the server runs."""
        self._clock = clock
        self._wall = wall
        self._service: Service | None = None
        self._runner: web.ServerRunner | None = None

    def __repr__(self) -> str:
        paging = self.settings.paging
        return f"<Simulator {self.base_url or 'stopped'}, {len(self.views)} views, shape {paging.shape}>"

    @property
    def counts(self) -> Counts:
        """The counts of requests and answers so far; readable also after the server has stopped."""
        return self.service.counts

    @property
    def service(self) -> Service:
        """The service behind the server, which needs no socket itself; raises RuntimeError before the start."""
        if self._service is None:
            raise RuntimeError("the simulator has not been started")
        return self._service

    async def __aenter__(self) -> Self:
        clock = self._clock or asyncio.get_running_loop().time
        self._service = Service(self.settings, self.truth, clock, self._wall)
        # The bare server, not an application: no routing and no middleware between the socket and
        # the answer, so that benchmarks measure the client. Handlers end with their connections.
        server = web.Server(self._handle, access_log=None, handler_cancellation=True)
        # An answer that stalls hangs for an hour, and must not hold up the server's end: hence the short timeout.
        self._runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=0.1)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self.settings.host, self.settings.port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise SettingsError(f"--port {self.settings.port}: cannot listen there: {error.strerror}") from error
        host, port = self._runner.addresses[0][:2]
        self.base_url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith(_OWN):
            own = self._own(request.path.removeprefix(_OWN), request.query)
            return await send(request, own, self.settings.stall)
        counts = self.service.counts
        counts.begin()
        try:
            origin = f"{request.scheme}://{request.host}"
            body = await request.read() if request.can_read_body else b""
            asked = Asked(request.path, request.query, request.headers, origin, request.method, body)
            reply = self.service.answer(asked)
            if reply.fault is None:
                counts.answer(reply.status, len(reply.body.octets))
            return await send(request, reply, self.settings.stall)
        finally:
            counts.end()

    def _own(self, path: str, query: Mapping[str, str]) -> Reply:
        """Answer a request about the simulator itself: its counts, or the truth of a view."""
        match path.split("/"):
            case ["counts"]:
                return Reply(200, json_body(self.counts.totals()))
            case ["counts", "views"]:
                return Reply(200, json_body({str(view): count for view, count in self.counts.views.items()}))
            case ["truth", session_id, view_id] if query.get("source", "blob") in list(Source):
                source = Source(query["source"]) if "source" in query else None
                segments = self.truth.expected_segments(View(session_id, view_id), source)
                return Reply(200, Body(b"".join(segment + b"\n" for segment in segments), _NDJSON))
        return RefusalError(404).reply(self.settings.error_body)


# SO_LINGER on, for 0 seconds: closing sends a reset, as a crashed load balancer does.
_RESET = struct.pack("ii", 1, 0)


async def send(request: web.BaseRequest, reply: Reply, stall: float) -> web.StreamResponse:
    """Send a reply after its delay, whole or broken by its fault; a stalled reply hangs for ``stall`` seconds."""
    if reply.delay:
        await asyncio.sleep(reply.delay)
    match reply.fault:
        case None:
            return web.Response(body=reply.body.octets, status=reply.status, headers=_headers(reply))
        case faults.RESET_BEFORE:
            _reset(request)
            return web.Response()
        case faults.STALL_BEFORE:
            await asyncio.sleep(stall)
            _reset(request)
            return web.Response()
        case faults.WRONG_LENGTH:
            return await _begin(request, reply, reply.body.octets)
    response = await _begin(request, reply, reply.body.octets[: len(reply.body.octets) // 2])
    if reply.fault == faults.STALL_BODY:
        await asyncio.sleep(stall)
    _reset(request)
    return response


async def _begin(request: web.BaseRequest, reply: Reply, octets: bytes) -> web.StreamResponse:
    """Send a head that promises one byte more than the body has, and then ``octets``."""
    response = web.StreamResponse(status=reply.status, headers=_headers(reply))
    response.content_length = len(reply.body.octets) + 1
    # On a connection that is kept, the client would wait for the missing byte instead of seeing the end.
    response.force_close()
    await response.prepare(request)
    if octets:
        await response.write(octets)
    return response


def _headers(reply: Reply) -> dict[str, str]:
    return {**reply.body.headers, **reply.limit_headers}


def _reset(request: web.BaseRequest) -> None:
    transport = request.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()
