"""What the simulator holds, store by store: the bytes it serves and tests compare with."""

from __future__ import annotations

from collections.abc import Sequence

from replay_fetch.model import Source, View
from replay_fetch.simulator.chance import draw
from replay_fetch.simulator.population import Population
from replay_fetch.simulator.settings import SimulatorSettings


class Truth:
    """The segments of every view, exactly as they are served."""

    def __init__(self, settings: SimulatorSettings, views: Population) -> None:
        self._holding = settings.holding
        self._pages = settings.paging.pages
        self._seed = settings.seed
        self.views = views
        self._lengthened: dict[View, tuple[bytes, ...]] = {}

    def expected_segments(self, view: View, source: Source | None = None) -> Sequence[bytes]:
        """Exact bytes of a view's segments in order; without a source: from the first store that has any."""
        sources = (Source.EVENT_PLATFORM, Source.BLOB) if source is None else (source,)
        return next((held for each in sources if (held := self.held(view, each))), ())

    def exists(self, view: View) -> bool:
        """True for a view that any store knows, with or without segments."""
        return self.views.recorded(view) is not None

    def held(self, view: View, source: Source) -> tuple[bytes, ...] | None:
        """What one store has of a view, maybe nothing; None for a view it does not know."""
        recorded = self.views.recorded(view)
        if recorded is None or not self._holds(source, view):
            return None
        if recorded.view not in self._lengthened:
            self._lengthened[recorded.view] = self._lengthen(recorded.segments)
        return self._lengthened[recorded.view]

    def _holds(self, source: Source, view: View) -> bool:
        share = self._holding.blob_share
        in_blob = share > 0 and draw(self._seed, "blob", view) < share
        if source is Source.BLOB:
            return in_blob or self._holding.overlap
        return not in_blob

    def _lengthen(self, segments: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """The segments again and again until the view is as long as the settings want it."""
        if not segments:
            return segments
        length = max(self._holding.segments_per_view or len(segments), self._pages)
        return tuple(segments[at % len(segments)] for at in range(length))
