"""The body of an answer, with its content-codings and compressed streams undone under a bound."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable

from replay_fetch.api import coding
from replay_fetch.model import Response
from replay_fetch.printable import printable

_GZIP = b"\x1f\x8b"
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_MAGIC = (_GZIP, coding.ZSTD_MAGIC, *_ZLIB)
# No deflate stream of ASCII text begins like this; a body labelled deflate that does was inflated on the way.
_PLAIN = (b"{", b"[")
# What may stand behind the last stream: padding of blocks, line ends.
_PADDING = b"\0 \t\r\n"
# What goes into an inflater at a time; also bounds the copy of the rest behind each of many small streams.
_PIECE_IN = 64 * 2**10
_PIECE_OUT = 2**20
# Kept of an inflated body before its whole size is known.
_SURE = 16 * 2**20
# Compressed twice is a proxy's doing; a body that goes on inflating (some inflate to themselves) is an attack.
_MAX_LAYERS = 8


_Coder = tuple[coding.Inflater | coding.ZstdFrame, type[Exception]]
_NO_CONTENT = frozenset({204, 205})
_SPACE = b" \t\r\n"
# JSON's null is what some servers make of a list that was never filled: it says no more than silence does.
SAYS_NOTHING = (b"", b"null")
"""The texts of an answer that has no body, or as good as none."""


def is_packed(answer: Response) -> bool:
    """True of a body that may be compressed: a Content-Encoding is named, or the body begins with a magic number."""
    return "content-encoding" in answer.headers or answer.body.startswith(_MAGIC)


class CutBody(ValueError):
    """A compressed stream ends early or is damaged: the same request may bring the whole body."""


class OversizedBody(ValueError):
    """A body inflates past the limit in bytes, or without end: the same request would bring the same body."""


def text_of(answer: Response, limit: int) -> bytes:
    """Inflate an answer's body to text, and strip the byte order mark and the white space around.

    The result has at most ``limit`` bytes and is empty for a 204 or 205, whose bytes mean nothing. Raises as
    `inflate` does.
    """
    if answer.status in _NO_CONTENT:
        return b""
    body = inflate(answer.body, answer.headers.get("content-encoding", ""), limit)
    return body.removeprefix(BOM_UTF8).strip(_SPACE)


def inflate(body: bytes, content_encoding: str, limit: int) -> bytes:
    """Undo the compression of ``body``, to at most ``limit`` bytes.

    The bytes are believed rather than the header: a coding that a proxy has undone already does no harm, and streams
    that no header names are inflated too, each behind the last. Raises CutBody, OversizedBody, or MissingZstd. A
    coding unknown here leaves the bytes as received.
    """
    if content_encoding or body.startswith(_MAGIC):
        body = _inflated(body, content_encoding, limit)
    if len(body) > limit:
        raise OversizedBody(f"the body has {len(body)} bytes, more than the {limit} allowed")
    return body


def _inflated(body: bytes, content_encoding: str, limit: int) -> bytes:
    """Undo the layers of compression around ``body``, of which there may be none, up to eight."""
    raw_deflate = "deflate" in content_encoding.lower()
    for _ in range(_MAX_LAYERS):
        if body.startswith(_MAGIC):
            raw_deflate = raw_deflate and not body.startswith(_ZLIB)
            body = _inflate_streams(body, limit)
        elif raw_deflate and body and not body.startswith(_PLAIN):
            raw_deflate = False
            body = _inflate_raw_deflate(body, limit)
        else:
            return body
    raise OversizedBody(f"the body is compressed {_MAX_LAYERS} times over, or without end")


class _Sink:
    """Collects inflated pieces and raises OversizedBody as soon as all together exceed ``limit`` bytes.

    Past ``most_kept`` bytes the pieces are only counted, and the sink is no longer ``whole``.
    """

    def __init__(self, limit: int, most_kept: int) -> None:
        self.whole = True
        self._pieces: list[bytes] = []
        self._limit = limit
        self._most_kept = most_kept
        self._size = 0

    def add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._most_kept:
            self.whole = False
            self._pieces.clear()
        if self._size > self._limit:
            raise OversizedBody(f"the body inflates to more than the {self._limit} bytes allowed")
        if piece and self.whole:  # joining one piece costs nothing, joining it with an empty one a copy
            self._pieces.append(piece)

    def joined(self) -> bytes:
        return b"".join(self._pieces)


def _inflated_into(fill: Callable[[_Sink], None], limit: int) -> bytes:
    """Inflate what ``fill`` feeds to a sink; a body that is far too large takes a few megabytes of memory, not all."""
    # A bomb of a kilobyte inflates as far as it is let. So a large body is counted to its end before a byte past the
    # first megabytes is kept, and inflated again where it fits; pages of that size are too few for that to cost.
    sink = _Sink(limit, _SURE)
    fill(sink)
    if not sink.whole:
        sink = _Sink(limit, limit)
        fill(sink)
    return sink.joined()


def _inflate_streams(body: bytes, limit: int) -> bytes:
    """Inflate streams back to back, gzip, zlib and zstd in any order, and join the results."""

    def fill(sink: _Sink) -> None:
        position = 0
        while body.startswith(_MAGIC, position):
            if body.startswith(coding.ZSTD_MAGIC, position):
                position = _inflate_one(body, position, sink, "zstd frame", coding.zstd_frame())
            else:
                position = _inflate_deflate(body, position, sink, coding.GZIP_OR_ZLIB)
        if body[position:].strip(_PADDING):
            raise CutBody(f"what follows the compressed streams at byte {position} is not another one")

    return _inflated_into(fill, limit)


def _inflate_raw_deflate(body: bytes, limit: int) -> bytes:
    """Inflate deflate without zlib's header, which is how some servers understand ``Content-Encoding: deflate``."""

    def fill(sink: _Sink) -> None:
        end = _inflate_deflate(body, 0, sink, coding.RAW)
        if body[end:].strip(_PADDING):
            raise CutBody(f"something follows the deflate stream at byte {end}")

    return _inflated_into(fill, limit)


def _inflate_deflate(body: bytes, start: int, sink: _Sink, wrapping: int) -> int:
    """Inflate the gzip, zlib or deflate stream at ``start`` into ``sink``; return the offset of the stream's end."""
    return _inflate_one(body, start, sink, "compressed stream", (coding.inflater(wrapping), coding.DamagedDeflate))


def _inflate_one(body: bytes, start: int, sink: _Sink, name: str, coder: _Coder) -> int:
    """Inflate one stream into ``sink``; raises CutBody, which calls the stream by its ``name``."""
    stream, damage = coder
    position = start
    try:
        while not stream.eof and position < len(body):
            piece = body[position : position + _PIECE_IN]
            position += len(piece)
            for block in coding.outputs(stream, piece, _PIECE_OUT):
                sink.add(block)
    except damage as broken:
        raise CutBody(f"a {name} is damaged: {printable(str(broken))}") from None
    if not stream.eof:
        raise CutBody(f"a {name} ends early, after {len(body) - start} bytes")
    return position - len(stream.unused_data)
