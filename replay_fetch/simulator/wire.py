"""How replies go over the wire, whole or broken off: the part that is aiohttp's."""

from __future__ import annotations

import asyncio
import socket
import struct

from aiohttp import web

from replay_fetch.simulator import faults
from replay_fetch.simulator.replies import Reply

# SO_LINGER on, for 0 seconds: closing sends a reset, as a crashed load balancer does.
_RESET = struct.pack("ii", 1, 0)


async def send(request: web.BaseRequest, reply: Reply, stall: float) -> web.StreamResponse:
    """Answers a request with a reply, after its delay; a stalled one hangs for ``stall`` seconds."""
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
    """Sends the head, which promises more than the body has, and some of the body."""
    response = web.StreamResponse(status=reply.status, headers=_headers(reply))
    response.content_length = len(reply.body.octets) + 1
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
