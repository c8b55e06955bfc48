"""Who takes part in the pipeline comparison, and how each one is started."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

OURS = "replay-fetch"
BARE = "bare aiohttp"
WORKERS = 32
ENVIRONMENT = {"DD_API_KEY": "benchmark", "DD_APP_KEY": "benchmark"}

Command = Callable[[str, Path, Path], Sequence[str]]
"""The command for a base URL, a list and a folder to be made."""


@dataclass(frozen=True)
class Contestant:
    name: str
    command: Command
    needs: str = ""
    """A module that must be installed."""
    by_default: bool = True

    @property
    def installed(self) -> bool:
        return not self.needs or importlib.util.find_spec(self.needs) is not None


def _client(module: str, *flags: str) -> Command:
    def command(base_url: str, views: Path, out: Path) -> Sequence[str]:
        module_name = f"benchmarks.clients.{module}"
        return [sys.executable, "-m", module_name, base_url, str(views), str(out), str(WORKERS), *flags]

    return command


def ours(*flags: str) -> Command:
    """``download`` as anybody starts it."""

    def command(base_url: str, views: Path, out: Path) -> Sequence[str]:
        program = [sys.executable, "-m", "replay_fetch", "download"]
        return [*program, str(views), str(out), "--base-url", base_url, "--workers", str(WORKERS), *flags]

    return command


CONTESTANTS = (
    Contestant(BARE, _client("bare_aiohttp")),
    Contestant(OURS, ours()),
    Contestant("afternoon script", _client("afternoon")),
    Contestant("vendor's client + json", _client("vendor"), needs="datadog_api_client"),
    Contestant("bare aiohttp, uvloop", _client("bare_aiohttp", "--uvloop"), needs="uvloop", by_default=False),
    Contestant("replay-fetch, gzip", ours("--compress", "gzip"), by_default=False),
    Contestant("replay-fetch, zstd", ours("--compress", "zstd"), needs="zstandard", by_default=False),
)
