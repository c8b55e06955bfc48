"""Commands that a closing line names: in words that work as they stand, typed or pasted into this shell."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

_WIDTH = 80


def watch_line(out: Path, session: str) -> str:
    """The line that names ``play``; a command that leaves the line no room stands on one of its own, unbroken."""
    command = as_typed("play", str(out), session)
    line = f"watch one: {command}"
    return line if len(line) <= _WIDTH else f"watch one:\n  {command}"


def as_typed(name: str, *arguments: str) -> str:
    """A command of ours in words that this shell finds: a virtual environment need not be activated to be used."""
    # A folder or an id may begin like an option.
    dashes = ["--"] if any(argument.startswith("-") for argument in arguments) else []
    return " ".join([_program(), name, *dashes, *map(shlex.quote, arguments)])


def _program() -> str:
    if shutil.which("replay-fetch"):
        return "replay-fetch"
    called = Path(sys.argv[0])
    return (
        shlex.quote(str(called)) if called.name == "replay-fetch" else f"{shlex.quote(sys.executable)} -m replay_fetch"
    )
