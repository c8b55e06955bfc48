"""Who takes part in the pipeline comparison, and how each one is started."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

OURS = "replay-fetch"
BARE = "bare aiohttp"
AFTERNOON = "afternoon script"
VENDOR = "vendor's client + json"
WORKERS = 32
ENVIRONMENT = {"DD_API_KEY": "benchmark", "DD_APP_KEY": "benchmark"}

Command = Callable[[str, Path, Path], Sequence[str]]
"""The command for a base URL, a list and a folder to be made."""


@dataclass(frozen=True)
class Contestant:
    name: str
    command: Command
    needs: str = ""
    """A module or program that must be installed."""
    by_default: bool = True
    keeps: bool = True
    """It writes one file a session."""
    reports: bool = False
    """It writes a manifest beside them."""
    share: float = 1.0
    """Of the usual number of pages: few where each takes long, many where starting would hide what they cost."""
    tls: bool = True
    """It takes the CA that its environment names (``Certificate.environment``), so that it can ask over TLS."""
    counts: bool = False
    """It runs for a time and writes how many pages it got to the file ``pages``."""

    @property
    def installed(self) -> bool:
        return not self.needs or bool(shutil.which(self.needs) or importlib.util.find_spec(self.needs))


def installed(contestants: Iterable[Contestant], notes: list[str]) -> list[Contestant]:
    """Those that are there; a note says which are not."""
    return _kept(contestants, notes, lambda each: each.installed, "not installed")


def over_tls(contestants: Iterable[Contestant], notes: list[str]) -> list[Contestant]:
    """Those that can ask over TLS; a note says which cannot."""
    return _kept(contestants, notes, lambda each: each.tls, "the environment cannot name them a CA")


def _kept(
    contestants: Iterable[Contestant], notes: list[str], keep: Callable[[Contestant], bool], otherwise: str
) -> list[Contestant]:
    wanted = list(contestants)
    if out := [each.name for each in wanted if not keep(each)]:
        notes.append(f"Left out, since {otherwise}: {', '.join(out)}.")
    return [each for each in wanted if keep(each)]


def client(module: str, *flags: str) -> Command:
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
    Contestant(BARE, client("bare_aiohttp"), keeps=False),
    Contestant(OURS, ours(), reports=True),
    Contestant(AFTERNOON, client("afternoon"), share=0.2),
    Contestant(VENDOR, client("vendor"), needs="datadog_api_client", share=0.2),
    Contestant(
        "bare aiohttp, uvloop", client("bare_aiohttp", "--uvloop"), needs="uvloop", by_default=False, keeps=False
    ),
    Contestant("replay-fetch, gzip", ours("--compress", "gzip"), by_default=False, reports=True),
    Contestant("replay-fetch, zstd", ours("--compress", "zstd"), by_default=False, reports=True),
)
