"""Progress where nobody watches: a log line now and then."""

from __future__ import annotations

import logging

from replay_fetch.progress.snapshot import Shown

log = logging.getLogger(__name__)


class Lines:
    """A log line every ten seconds, and one at the end."""

    period = 10.0

    def refresh(self, moment: Shown) -> None:
        """Log the moment: words for people, fields for ``--log-format json``."""
        log.info("%s", ", ".join(moment.words()), extra={"fields": moment.fields()})

    def close(self, moment: Shown) -> None:
        """Log the last moment."""
        self.refresh(moment)
