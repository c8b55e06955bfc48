"""Reading a view's raw pages again: how far they are understood now."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from replay_fetch.api import PageDecoder
from replay_fetch.api.shapes import has_records
from replay_fetch.archive import RawPages, ViewEnded
from replay_fetch.errors import BadBody, ChainCut, GarbledBody, ServerError
from replay_fetch.fetch import SOURCES, Chain
from replay_fetch.model import Outcome, Page, PlannedView, Source
from replay_fetch.settings import ApiSettings, FetchSettings, SourceChoice

_MOST_PAGES = FetchSettings().max_pages


class Finding(StrEnum):
    """What reading again came to."""

    FETCHED = "fetched"
    EMPTY = "empty"
    GOES_ON = "goes on"
    """Understood as far as pages are kept; the next one is to be asked for."""
    INCOMPLETE = "incomplete"
    UNRECOGNISED = "unrecognised"
    UNCHANGED = "unchanged"
    """No kept page leads further than the archive is already."""


@dataclass(slots=True)
class Rereading:
    """A view's chain of raw pages, as far as it is understood."""

    planned: PlannedView
    source: Source
    anew: bool = True
    """It begins with the first page; else behind what an earlier run saved."""
    numbers: list[int] = field(default_factory=list)
    """The raw pages that are understood, in the order of the chain."""
    segments: int = 0
    """On these pages, and on those saved before."""
    leads_on: bool = False
    """A page names a next one."""
    ended: ViewEnded | None = None
    """None where the chain goes on, or another store is to be asked."""

    @property
    def gains(self) -> bool:
        """True where the archive gets further by it, or knows again how a chain goes on."""
        earlier = self.planned.earlier
        saved = earlier.segments if earlier else 0
        if self.ended is not None:
            return self.ended.outcome.finished or self.segments > saved
        lost_its_way = earlier is None or earlier.token is None
        return self.segments > saved or (self.segments == saved > 0 and lost_its_way)

    @property
    def finding(self) -> Finding:
        """What it came to."""
        if self.ended is not None:
            return Finding(self.ended.outcome)
        return Finding.GOES_ON if self.gains else Finding.UNCHANGED


class Rereader:
    """Reads a view's raw pages, where ``wary`` only those whose segments look like segments."""

    def __init__(self, api: ApiSettings, *, wary: bool) -> None:
        self._decoder = PageDecoder(api)
        self._wary = wary

    def page(self, raw: RawPages, number: int) -> Page:
        """The page of that number; raises BadBody, GarbledBody or ServerError as decoding does."""
        answer = raw.answer(number)
        page = self._decoder.decode(answer)
        if self._wary and page.segments and not any(has_records(each.raw) for each in page.segments):
            raise BadBody(
                f"none of the {len(page.segments)} elements at {page.shape} has the records of a segment; "
                "where they are segments all the same, --keep-raw takes them and keeps the pages",
                answer,
            )
        return page


def reread(planned: PlannedView, raw: RawPages, reader: Rereader, choice: SourceChoice) -> Rereading:
    """Follow the chain through the raw pages, read by ``reader``.

    From the first page where that is kept: then all pages are read by the same rules. Else from the
    one that nobody understood, behind the pages that were.
    """
    earlier = planned.earlier
    source = Source(earlier.source) if earlier and earlier.source else SOURCES[choice][0]
    found = Rereading(planned, source)
    chain, number = Chain(_MOST_PAGES), raw.find(source, None)
    if number is None and earlier is not None and earlier.token is not None:
        chain, number = Chain(_MOST_PAGES, earlier.token, earlier.pages), raw.find(source, earlier.token)
        found.anew, found.segments = False, earlier.segments
    while number is not None:
        try:
            page = reader.page(raw, number)
            found.numbers.append(number)
            found.segments += len(page.segments)
            token = chain.follow(page)
        except (BadBody, GarbledBody, ServerError) as error:
            found.ended = ViewEnded(planned, Outcome.UNRECOGNISED, str(error), source)
            break
        except ChainCut as cut:
            found.ended = ViewEnded(planned, Outcome.INCOMPLETE, str(cut), source)
            break
        if token is None:
            found.ended = _ending(found, choice)
            break
        found.leads_on, number = True, raw.find(source, token)
    return found


def _ending(found: Rereading, choice: SourceChoice) -> ViewEnded | None:
    """How a chain that came to its end ends; where another store is still to be asked, it does not."""
    if found.segments:
        return ViewEnded(found.planned, Outcome.FETCHED, source=found.source)
    if found.source is SOURCES[choice][-1]:
        return ViewEnded(found.planned, Outcome.EMPTY, source=found.source)
    return None
