"""The player's figures on a drawn view: ``python -m benchmarks.player.figures [MEGABYTES]``.

Converted in a process of its own, so that its memory is the converter's; then opened and sought in.
"""

from __future__ import annotations

import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.player.browser import Player, browser, profile
from benchmarks.player.generated import segments
from benchmarks.player.recordings import write_page

_OPENINGS = 5
# Parts of the view, there and back: over chunks, within one, to both ends.
_SOUGHT = (0.9, 0.1, 0.5, 0.502, 0.498, 0.0, 1.0, 0.33, 0.331, 0.75)


def convert(source: Path, target: Path) -> None:
    """Write the page of the segments in a file, one a line; print seconds of CPU and the most memory used in MB."""
    with source.open("rb") as lines:
        began = time.process_time()
        write_page(target, "drawn", {"drawn": lines})
        seconds = time.process_time() - began
    print(f"{seconds:.2f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f}")


def main(megabytes: float) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as scratch:
        source, page = Path(scratch) / "segments.ndjson", Path(scratch) / "page.html"
        with source.open("wb") as file:
            file.writelines(segment + b"\n" for segment in segments(megabytes))
        size = source.stat().st_size / 1e6
        command = [sys.executable, "-m", "benchmarks.player.figures", str(source), str(page)]
        ran = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - ourselves
        seconds, memory = map(float, ran.stdout.split())
        print(
            f"segments {size:.1f} MB, page {page.stat().st_size / 1e6:.1f} MB, beside the recording {_beside(page)} B"
        )
        print(f"converted in {seconds:.1f} s of CPU, {size / seconds:.1f} MB/s, at most {memory:.0f} MB")
        _in_browser(page)


def _in_browser(page: Path) -> None:
    opened, sought = [], []
    with browser() as started:
        for _ in range(_OPENINGS):
            with profile(started) as new, Player(new, page) as player:
                began = time.perf_counter()
                player.open()
                opened.append(time.perf_counter() - began)
        with profile(started) as new, Player(new, page) as player:
            view = player.open().index()["views"][0]
            for part in _SOUGHT:
                began = time.perf_counter()
                player.seek("drawn", part * (view["end"] - view["start"]) / 1000)
                sought.append(time.perf_counter() - began)
            if player.console:
                raise SystemExit(f"the console is not empty: {player.console[:3]}")
    print(f"opens in {statistics.median(opened):.2f} s (at most {max(opened):.2f} s), {len(view['chunks'])} chunks")
    print(f"seeks in {statistics.median(sought) * 1e3:.0f} ms (at most {max(sought) * 1e3:.0f} ms)")


def _beside(page: Path) -> int:
    """The bytes that are not elements of data."""
    return len(re.sub(rb'<script type="[^"]+" id="[^"]+">[^<]*</script>\n', b"", page.read_bytes()))


if __name__ == "__main__":
    if len(sys.argv) > 2:
        convert(Path(sys.argv[1]), Path(sys.argv[2]))
    else:
        main(float(sys.argv[1]) if len(sys.argv) > 1 else 100.0)
