"""Lists as JSON lines: objects with the columns of a table, or RUM events as the search and exports give events."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import NamedTuple

import orjson

from replay_fetch.api.json_answer import dig
from replay_fetch.model import View
from replay_fetch.settings import PlanSettings
from replay_fetch.timestamps import iso
from replay_fetch.view_list.header import SESSION, VIEW, plain_name
from replay_fetch.view_list.ids import IdColumn, mostly_uuids
from replay_fetch.view_list.links import has_link
from replay_fetch.view_list.rows import BadRow, PlannedRow, Row, count_of, seconds_of
from replay_fetch.view_list.session_rows import SessionReader

# An object's first line; {…} around a GUID is another thing.
_OBJECT = re.compile(r"\ufeff?\s*\{\s*[\"}]")
_DECIDING = 1000


class ListedObject(NamedTuple):
    """An object of a list, as far as it was understood; ``reason`` says why nothing was."""

    line: int
    session: str = ""
    view: str = ""
    segments_count: int | None = None
    date: str = ""
    reason: str = ""
    is_event: bool = False
    """The object is a RUM event."""


def is_json(line: str) -> bool:
    """Tell whether the first line of a list begins a JSON object."""
    return _OBJECT.match(line) is not None


@dataclass(frozen=True, slots=True)
class JsonList:
    """A list of JSON objects; ``names_views`` says whether its first object names a view, as all others must then.

    Among RUM events any that names a view decides: those of whole sessions name none, and are passed over then.
    """

    entries: Iterator[ListedObject]
    sessions: IdColumn
    views: IdColumn
    names_views: bool
    reader: SessionReader

    @classmethod
    def begun(cls, lines: Iterable[str], settings: PlanSettings, reader: SessionReader) -> JsonList:
        """Read the first objects, which decide which kinds of ids the list holds and whether it names views."""
        entries = _entries(lines, settings)
        head = list(islice(entries, _DECIDING))
        sessions = IdColumn("session id", mostly_uuids(each.session for each in head))
        views = IdColumn("view id", mostly_uuids(each.view for each in head))
        first = next((each for each in head if not each.reason), None)
        first = next((each for each in head if each.view), first) if first is not None and first.is_event else first
        names_views = first is not None and bool(first.view) and not settings.whole_sessions
        return cls(chain(head, entries), sessions, views, names_views, reader)

    def rows(self) -> Iterator[Row]:
        """Give a row for each object; several objects of one answer share its line."""
        for entry in self.entries:
            if self.names_views and entry.is_event and not entry.view:
                continue
            try:
                yield self._row(entry)
            except ValueError as reason:
                yield BadRow(entry.line, str(reason))

    def _row(self, entry: ListedObject) -> Row:
        if entry.reason:
            raise ValueError(entry.reason)
        if not self.names_views:
            return self.reader.entry(entry.session, entry.line, self.sessions)
        view = View(self.sessions.checked(entry.session), self.views.checked(entry.view))
        dated = seconds_of(entry.date) if entry.segments_count else None
        return PlannedRow(entry.line, view, entry.segments_count, dated)


def _entries(lines: Iterable[str], settings: PlanSettings) -> Iterator[ListedObject]:
    for line, text in enumerate(lines, start=1):
        if not text.strip("\ufeff \t\r\n,"):
            continue
        try:
            value = _loaded(text.strip("\ufeff \t\r\n,"))
        except (ValueError, RecursionError):
            yield ListedObject(line, reason="no JSON: the line is cut or damaged")
            continue
        listed = dig(value, "data")
        for each in listed if isinstance(listed, list) else [value]:
            if not _has_no_replay(each):
                yield _entry(each, line, settings)


def _loaded(text: str) -> object:
    try:
        return orjson.loads(text)
    except ValueError:
        # Lone surrogates are in what browsers send; the standard library takes them.
        return json.loads(text)


def _entry(value: object, line: int, settings: PlanSettings) -> ListedObject:
    """Find the ids in an object: by the names that columns have, else where RUM events have them, else in a link."""
    if not isinstance(value, dict):
        return ListedObject(line, reason="the line is JSON, but not an object")
    session = _named(value, settings.session_column, SESSION)
    view = _named(value, settings.view_column, VIEW)
    if session:
        plain = {plain_name(key): each for key, each in value.items()}
        return ListedObject(line, session, view, count_of(_text(plain.get("segmentscount"))), _text(plain.get("date")))
    rum = _rum(value)
    if rum is not None:
        count = count_of(_text(dig(rum, "_dd", "replay_stats", "segments_count")))
        began = dig(rum, "date")
        date = iso(began) if isinstance(began, int) else _text(dig(value, "attributes", "timestamp"))
        view = _text(dig(rum, "view", "id"))
        return ListedObject(line, _text(dig(rum, "session", "id")), view, count, date, is_event=True)
    link = next((each for each in value.values() if isinstance(each, str) and has_link(each)), "")
    if link:
        return ListedObject(line, link)
    return ListedObject(line, reason="no session id: there is neither session_id nor session.id")


def _rum(value: Mapping[str, object]) -> object:
    """The RUM event inside an answer's or an export's object; None where no event is there."""
    places = (dig(value, "attributes", "attributes"), value.get("attributes"), value)
    return next((each for each in places if isinstance(dig(each, "session"), dict)), None)


def _has_no_replay(value: object) -> bool:
    """Tell whether an object is a RUM event of a session that was not recorded, as most events of an export are.

    The SDKs say of a recorded session that it has a replay, and say nothing of other sessions. Only an event with the
    version of the format is an SDK's own.
    """
    rum = _rum(value) if isinstance(value, dict) else None
    if dig(rum, "_dd", "format_version") is None:
        return False
    return dig(rum, "session", "has_replay") is not True


def _named(value: Mapping[str, object], wanted: str, aliases: tuple[str, ...]) -> str:
    for key, each in value.items():
        if key.casefold() == wanted.strip().casefold() if wanted else plain_name(key) in aliases:
            return _text(each)
    return ""


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int) else ""
