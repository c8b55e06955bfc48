"""What every reader owes its caller, whatever it was given."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from replay_fetch.api.endpoint import Endpoint
from replay_fetch.api.envelope import Envelope
from replay_fetch.api.guess import unread
from replay_fetch.api.json_scan import NotJson
from replay_fetch.api.json_split import members, values
from replay_fetch.api.recording import labels, records
from replay_fetch.api.segment import Continuity, facts
from replay_fetch.api.soundness import require_sound
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lines import lines, segment_of
from replay_fetch.model import Page, Response, Segment, Source, View

OUT = Path("/archive/out")
VIEW = View("session", "view")
_STATUS = re.compile(rb"[0-9]{3}")


def check_printable(text: str, most: int = 2000) -> None:
    """A message is one line without control characters, and no novel."""
    assert text.isprintable(), ascii(text)
    assert len(text) <= most, f"{len(text)} characters"


def check_says_no_value(text: str) -> None:
    """A message about a file that may hold keys repeats none."""
    assert "s3cret" not in text


def check_inside(view: View) -> None:
    """No path made of a view's ids leaves the archive."""
    layout = Layout(OUT)
    for path in (layout.raw_folder(view), layout.session_file(view.session_id, partial=True)):
        assert ".." not in path.parts
        assert path.relative_to(OUT).parts[0] in ("raw", "sessions")
        assert len(path.name.encode()) < 255


def check_url(endpoint: Endpoint, view: View, token: str | None) -> None:
    """The request goes to our origin and says back the token, which alone may be refused."""
    try:
        url = endpoint.page_url(view, Source.BLOB, token)
    except UnicodeEncodeError:
        return  # a lone surrogate
    parts, ours = urlsplit(url), urlsplit(endpoint.origin)
    assert (parts.scheme, parts.netloc, parts.fragment) == (ours.scheme, ours.netloc, "")
    assert url.isascii()
    assert url.isprintable()
    assert parts.path == f"/api/v2/rum/replay/sessions/{view.session_id}/views/{view.view_id}/segments"
    assert parse_qs(parts.query, keep_blank_values=True).get("paging", [None])[0] == token


def check_page(page: Page, text: bytes) -> None:
    """The segments stand in the text, in its order and to the byte; the archive's lines give them back."""
    position = 0
    for segment in page.segments:
        check_segment(segment.raw)
        if segment.item is None:
            position = text.index(segment.raw, position) + len(segment.raw)
        else:
            assert segment.raw in text
            assert values(segment.item) == [segment.item]
    assert page.token is None or page.token.encode()
    check_printable(page.shape)
    check_lines(page.segments)


def check_ending(page: Page, text: bytes) -> None:
    """A page that ends its view has nothing beside its list that looks like a token, and says of no error."""
    found = values(text.removeprefix(b"\xef\xbb\xbf"))
    if page.token is not None or len(found) != 1 or found[0][:1] != b"{":
        return
    envelope = Envelope({"": members(found[0])})
    if page.segments and page.segments[0].raw == found[0]:
        return
    require_sound(envelope)
    path = page.shape.partition(" ")[0]
    assert not unread(envelope, path), "a token is passed over"


def check_segment(raw: bytes) -> None:
    """A segment is one JSON value, of which the facts, labels and records can be asked."""
    assert values(raw) == [raw]
    check_readable(raw)


def check_readable(raw: bytes) -> None:
    """What reads for people and for the manifest takes anything, and says what a ledger can hold."""
    found = facts(raw)
    for number in (found.index, found.start_ms, found.end_ms, found.records):
        assert number is None or 0 <= number < 2**63
    continuity = Continuity()
    for _ in range(2):
        continuity.add(found)
    assert continuity.records < 2**63
    for text in (*labels(raw), *(record.href for record in records(raw))):
        assert text.encode() is not None


def check_lines(segments: Sequence[Segment]) -> None:
    """A line a segment, each of which gives it back, but for line breaks between its tokens."""
    written = lines(VIEW, 0, segments).splitlines(keepends=True)
    assert len(written) == len(segments)
    for line, segment in zip(written, segments, strict=True):
        assert segment_of(line) == segment.raw.translate(bytes.maketrans(b"\r\n", b"  "))


def answer_of(content: bytes) -> Response:
    """An answer: perhaps ``HTTP <status>``, lines of headers, an empty line, the body."""
    head, _, body = content.partition(b"\n\n")
    if not head.startswith(b"HTTP "):
        return Response(200, {"content-length": str(len(content))}, content)
    first, *rest = head.split(b"\n")
    status = _STATUS.search(first)
    headers: dict[str, str] = {}
    for line in rest:
        name, _, value = line.decode("utf-8", "replace").partition(":")
        key, value = name.strip().lower(), value.strip()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return Response(int(status[0]) if status else 200, headers, body)


def is_json(text: bytes) -> bool:
    """True where the text is one JSON value."""
    try:
        return len(values(text)) == 1
    except NotJson:
        return False
