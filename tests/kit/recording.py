"""Prints what ``replay-fetch demo`` shows on a terminal of 80 columns: ``python tests/kit/recording.py``.

The README's recording is its output; needs nothing but the package.
"""

from __future__ import annotations

import fcntl
import os
import re
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

COLUMNS, LINES = 80, 24
FRAMES = 4
COMMANDS = Path(sys.executable).parent
COMMAND = (sys.executable, "-m", "replay_fetch", "demo")
_BAR = re.compile(r"^\|.*\| +\d+/\d+ views")


def recording() -> str:
    """A few frames of the bar, spread over the run, the last one and all that the command says."""
    with tempfile.TemporaryDirectory() as folder:
        screens = _drawn(Path(folder))
    frames = list(dict.fromkeys(text for text in screens if _BAR.match(text)))
    said = [text for text in screens if not text.startswith("|")]
    every = max(1, (len(frames) - 1) // (FRAMES - 1))
    shown = [*frames[:-1:every][: FRAMES - 1], frames[-1]]
    return "\n".join(["$ replay-fetch demo", *shown, *said])


def _drawn(folder: Path) -> list[str]:
    """Every line that was drawn while the demo ran, in order; each frame of the bar is one."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    path = f"{COMMANDS}{os.pathsep}{os.environ['PATH']}"  # as where the environment is activated
    environ = os.environ | {"TERM": "xterm", "PATH": path, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(  # noqa: S603 - our own command
        COMMAND, cwd=folder, env=environ, stdin=theirs, stdout=theirs, stderr=theirs
    ) as demo:
        os.close(theirs)
        written = _all_of(ours)
    if demo.returncode:
        raise SystemExit(written)
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written))
    return [line.rstrip() for line in lines if line.strip()]


def _all_of(terminal: int) -> str:
    """What is written until nobody has the terminal open; the descriptor is closed."""
    pieces = []
    try:
        while piece := os.read(terminal, 65_536):
            pieces.append(piece)
    except OSError:  # Linux says "input/output error" where others say end of file
        pass
    finally:
        os.close(terminal)
    return b"".join(pieces).decode()


if __name__ == "__main__":
    print(recording())  # noqa: T201 - this is its purpose
