"""The raw pages of an archive in the place of the API: the kept pages are answered, the next one is not kept."""

from __future__ import annotations

from anyio import to_thread

from replay_fetch.api import PageDecoder
from replay_fetch.api.shapes import has_records
from replay_fetch.archive import Layout, RawPages
from replay_fetch.errors import BadBody, GarbledBody, ServerError
from replay_fetch.memory import Hold, Memory
from replay_fetch.model import Page, Response, Source, View
from replay_fetch.settings import ApiSettings


class NotKept(Exception):
    """A page is asked for that is not among the raw pages: the walk ends, the view's chain does not."""


class RawTransport:
    """A `PageSource` over ``raw/``; where ``wary``, a page counts only if its segments look like segments.

    There is no pace, no retry and no status to judge here: an answer was judged when it was kept, and asked for again
    it would be the same. So this takes the place of the fetcher, not only of the fetcher's HTTP.
    """

    memory: Memory | None = None  # one page is read at a time, by one walk
    keeps_answers = False  # they lie under raw/ already

    def __init__(self, layout: Layout, api: ApiSettings, *, wary: bool) -> None:
        self._layout = layout
        self._decoder = PageDecoder(api)
        self._wary = wary
        self._latest: tuple[View, RawPages] | None = None

    async def page(
        self,
        view: View,
        source: Source,
        token: str | None,
        hold: Hold | None = None,  # noqa: ARG002 - see memory
        *,
        suspect: bool = False,  # noqa: ARG002 - there are no faults to be doubted
    ) -> tuple[Page, Response]:
        """The kept page of a view behind ``token``, read in a thread; see `read` for what it raises."""
        return await to_thread.run_sync(self.read, view, source, token)

    def keeps(self, view: View, source: Source, token: str | None) -> bool:
        """True where the page behind ``token`` is kept; raises ArchiveError where the folder cannot be read."""
        return self._pages(view).find(source, token) is not None

    def read(self, view: View, source: Source, token: str | None) -> tuple[Page, Response]:
        """The kept page of a view behind ``token``, decoded by the paths of the settings.

        Raises NotKept where there is none, BadBody where it is not understood, and ArchiveError where it cannot be
        read.
        """
        raw = self._pages(view)
        number = raw.find(source, token)
        if number is None:
            raise NotKept
        answer = raw.answer(number)
        try:
            page = self._decoder.decode(answer)
        except (GarbledBody, ServerError) as error:  # from the API another try may help; these bytes stay as they are
            raise BadBody(str(error), answer) from None
        if self._wary and page.segments and not any(has_records(each.raw) for each in page.segments):
            raise BadBody(
                f"none of the {len(page.segments)} elements at {page.shape} has the records of a segment; "
                "where they are segments all the same, --keep-raw takes them and keeps the pages",
                answer,
            )
        return page, answer

    def _pages(self, view: View) -> RawPages:
        if self._latest is None or self._latest[0] != view:
            self._latest = view, RawPages(self._layout.raw_folder(view))
        return self._latest[1]
