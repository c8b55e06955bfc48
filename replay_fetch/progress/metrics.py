"""``--metrics-file``: the run as OpenMetrics text, for node_exporter's textfile collector.

The collector reads the older Prometheus text format, and the text is valid there too: counters and gauges only, and
``# UNIT`` and ``# EOF`` are comments in the older format.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import NamedTuple

from replay_fetch.model import Outcome
from replay_fetch.named_file import NamedFile
from replay_fetch.progress.bottleneck import Limit
from replay_fetch.progress.snapshot import ProgressSnapshot, RunSnapshot

log = logging.getLogger(__name__)

_PREFIX = "replay_fetch_"


class Metric(NamedTuple):
    """A metric and its samples, by label set in written form; ``unit`` becomes the end of the name.

    ``kind`` is ``gauge`` or ``counter``; a sample of None has no value now, and is left out.
    """

    name: str
    kind: str
    help: str
    samples: Mapping[str, float | None]
    unit: str = ""


def metrics_text(snapshot: RunSnapshot, *, running: bool, exit_code: int | None = None) -> str:
    """Write the whole exposition of a snapshot, ended by ``# EOF``, which tells a reader that nothing was cut off.

    ``exit_code`` is None until the run has ended.
    """
    return (
        "".join(f"{line}\n" for metric in _metrics(snapshot, running, exit_code) for line in _lines(metric)) + "# EOF\n"
    )


class MetricsFile:
    """Rewrites a file every ten seconds; readers see the old text or the new text, never half of either.

    Refreshed as the bar is. Writing happens on the event loop: 4 kB without fsync are not worth a thread.
    """

    period = 10.0

    def __init__(self, path: Path) -> None:
        """Raises SettingsError where the file cannot be written, before anything is asked."""
        self._path = path
        self._file = NamedFile("--metrics-file", path)
        self._failed = False

    def refresh(self, snapshot: ProgressSnapshot) -> None:
        """Write the snapshot of a run; snapshots of other work are ignored, since the metrics are those of a run."""
        if isinstance(snapshot, RunSnapshot):
            self._write(metrics_text(snapshot, running=True))

    def close(self, snapshot: ProgressSnapshot) -> None:
        """Write the last snapshot of fetching; the exit code is not known yet, so ``running`` stays 1."""
        self.refresh(snapshot)

    def finish(self, snapshot: RunSnapshot, exit_code: int) -> None:
        """Write the end of the run, with the exit code, which tells a scraper that no more figures come."""
        self._write(metrics_text(snapshot, running=False, exit_code=exit_code))

    def _write(self, text: str) -> None:
        try:
            # Readable by others, unlike the archive: the collector runs as a user of its own, and no id stands in it.
            self._file.put([text.encode()], mode=0o644, durable=False, patient=False)
        except OSError as error:
            # Said once: the next try is in ten seconds, and a full disk is the run's to report.
            if not self._failed:
                self._failed = True
                log.warning("--metrics-file %s cannot be written: %s", self._path, error.strerror)


def _metrics(snapshot: RunSnapshot, running: bool, exit_code: int | None) -> Iterator[Metric]:  # noqa: FBT001 - as above
    stats, pacer = snapshot.stats, snapshot.pacer
    outcomes = {f'{{outcome="{outcome}"}}': float(stats.views_ended[outcome]) for outcome in Outcome}
    limits = {f'{{limit="{limit}"}}': float(limit == snapshot.limited_by) for limit in Limit}
    yield _gauge("running", "1 while a run fetches, 0 when it has ended.", float(running))
    yield _gauge("exit_code", "Exit code of the run that has ended.", exit_code)
    yield _gauge("views_listed", "Views of the list.", stats.views_total)
    yield _gauge("views_finished_before", "Views that an earlier run had finished.", stats.finished_before)
    yield Metric("views", "counter", "Views that ended in this run, by outcome.", outcomes)
    yield _counter("requests", "Requests sent, repeated ones among them.", stats.requests)
    yield _counter("retries", "Requests repeated after a fault.", stats.retries)
    yield _counter("rate_limited", "Answers 429.", stats.rate_limited)
    yield _counter("pages", "Pages answered and understood.", stats.pages)
    yield _counter("segments", "Segments received.", stats.segments)
    yield _counter("received_bytes", "Bodies as they came, packed or not.", stats.wire_bytes, "bytes")
    yield _counter("stored_bytes", "Lines written, uncompressed.", stats.segment_bytes, "bytes")
    yield _gauge("warnings", "Remarks on completeness: gaps, repeats, no full snapshot.", stats.warnings)
    yield _gauge("bad_rows", "Rows of the list that cannot be used.", stats.bad_rows)
    yield _gauge("allowed_requests_per_second", "Rate that the API's limit allows.", pacer.rate_per_s)
    yield _gauge("gate_shut_seconds", "Until the next request may go.", pacer.gate_shut_s, "seconds")
    yield _gauge("run_seconds", "Since the run began to fetch.", snapshot.seconds, "seconds")
    yield _gauge("left_seconds", "Until the list is done, as far as it can be told.", snapshot.time_left, "seconds")
    yield Metric("limited_by", "gauge", "1 for what limits the run now.", limits)


def _counter(name: str, text: str, value: float, unit: str = "") -> Metric:
    return Metric(name, "counter", text, {"": float(value)}, unit)


def _gauge(name: str, text: str, value: float | None, unit: str = "") -> Metric:
    return Metric(name, "gauge", text, {"": value}, unit)


def _lines(metric: Metric) -> Iterator[str]:
    """The lines of a metric; none where the metric has no finite value now."""
    # The pace is infinite while nothing limits it: no figure that a graph could draw.
    samples = {labels: value for labels, value in metric.samples.items() if value is not None and isfinite(value)}
    if not samples:
        return
    name = _PREFIX + metric.name
    yield f"# HELP {name} {metric.help}"
    yield f"# TYPE {name} {metric.kind}"
    if metric.unit:
        yield f"# UNIT {name} {metric.unit}"
    total = "_total" if metric.kind == "counter" else ""
    for labels, value in samples.items():
        yield f"{name}{total}{labels} {value:.15g}"
