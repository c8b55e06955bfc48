"""The raw pages of an archive in the place of the API: kept pages are answered, the next one is not kept."""

from __future__ import annotations

from anyio import to_thread

from replay_fetch.api.page import PageDecoder
from replay_fetch.api.shapes import has_records
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.raw import RawPages
from replay_fetch.errors import BadBody, GarbledBody, ServerError
from replay_fetch.memory import Hold, Memory
from replay_fetch.model import Page, Response, Source, View
from replay_fetch.settings import ApiSettings


class NotKept(Exception):
    """A page is asked for that is not among the raw pages: the walk ends, the view's chain does not."""


class RawTransport:
    """Gives the raw pages of an archive as a `PageSource`; where ``wary``, only pages with true segments.

    There is no pace, no retry and no status to judge here: each answer was judged on the day of the download, and
    would be the same again. So raw pages take the place of the whole fetcher, not only of HTTP.
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
        """Read the kept page of a view behind ``token`` in a thread; raises as `read` does."""
        return await to_thread.run_sync(self.read, view, source, token)

    def keeps(self, view: View, source: Source, token: str | None) -> bool:
        """True where the page behind ``token`` is kept; raises ArchiveError where the folder cannot be read."""
        return self._pages(view).find(source, token) is not None

    def read(self, view: View, source: Source, token: str | None) -> tuple[Page, Response]:
        """Read the kept page of a view behind ``token``, decoded by the paths of the settings.

        Raises NotKept where there is no page, BadBody where no rule understands the page, and ArchiveError where
        the file cannot be read.
        """
        raw = self._pages(view)
        number = raw.find(source, token)
        if number is None:
            raise NotKept
        answer = raw.answer(number)
        try:
            page = self._decoder.decode(answer, view)
        except (GarbledBody, ServerError) as error:  # from the API another try may help; these bytes stay as they are
            raise BadBody(str(error), answer) from None
        # A wrong path may lead to a list of something else; taken for segments, its pages would be gone for good.
        if self._wary and page.segments and not any(has_records(each.raw) for each in page.segments):
            raise BadBody(
                f"none of the {len(page.segments)} elements at {page.shape} has the records of a segment; "
                "where they are segments all the same, --keep-raw takes them and keeps the pages",
                answer,
            )
        return page, answer

    def _pages(self, view: View) -> RawPages:
        # A walk asks for one view's pages in a row: its folder is gone through once.
        if self._latest is None or self._latest[0] != view:
            self._latest = view, RawPages(self._layout.raw_folder(view))
        return self._latest[1]
