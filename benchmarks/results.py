"""Tables of results: Markdown for people, JSON for programs, with machine, date, versions and command."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from statistics import median

_HOW_TO_READ = (
    "Medians (smallest to largest) of the rounds; ratios are taken within a round. Other work on the machine "
    "disturbs times: only ratios are worth quoting."
)
_VERSIONS = ("replay-fetch", "aiohttp", "msgspec", "orjson", "uvloop", "datadog-api-client")


@dataclass
class Table:
    """Rows of text under a title."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)

    def __str__(self) -> str:
        body = [f"| {' | '.join(row)} |" for row in (self.columns, ["---"] * len(self.columns), *self.rows)]
        return "\n".join([f"**{self.title}**", "", *body])


@dataclass
class Results:
    """What one benchmark found: its tables, and every single measurement behind them."""

    benchmark: str
    tables: list[Table] = field(default_factory=list)
    measurements: list[dict[str, object]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    how_to_read: str = _HOW_TO_READ
    about: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.about = _about()

    def markdown(self) -> str:
        about = self.about
        versions = ", ".join(f"{name} {version}" for name, version in _versions().items())
        head = [
            f"`{about['command']}`, {about['date']}, {about['machine']}, {versions}.",
            self.how_to_read,
            *self.notes,
        ]
        return "\n\n".join([*head, *map(str, self.tables)])

    def publish(self, json_file: Path | None = None, folder: Path | None = None) -> None:
        """Print the tables; write them to ``folder``, and every measurement behind them to ``json_file``."""
        markdown = self.markdown()
        print(markdown)
        if json_file:
            self._write_json(json_file)
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{self.benchmark}.md").write_text(f"# {self.benchmark}\n\n{markdown}\n", encoding="utf-8")

    def _write_json(self, file: Path) -> None:
        file.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def spread(values: Sequence[float], form: str = "{:.2f}") -> str:
    """The median and, where there are several values, the range."""
    if not values:
        return "-"
    middle = form.format(median(values))
    return middle if len(values) == 1 else f"{middle} ({form.format(min(values))} to {form.format(max(values))})"


def _about() -> dict[str, object]:
    return {
        "command": "python -m benchmarks " + " ".join(sys.argv[1:]),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} x {_processor()}, {platform.system()} {platform.release()}",
        "versions": _versions(),
        "revision": _revision(),
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _versions() -> dict[str, str]:
    found = {"Python": platform.python_version()}
    for name in _VERSIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _revision() -> str:
    git = shutil.which("git")
    if not git:
        return ""
    said = subprocess.run([git, "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)  # noqa: S603 - ours
    return said.stdout.strip()
