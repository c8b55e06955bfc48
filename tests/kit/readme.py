"""The sections and examples of README and guides, and a shell that runs them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from processes import HANGS, environment

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
GUIDES = {path.stem: path.read_text() for path in sorted((ROOT / "replay_fetch" / "guides").glob("*.md"))}
_END = "\f"  # of a document
DOCUMENTS = f"\n{_END}\n".join([README, *GUIDES.values()])
"""All that people read; no two headings in it are the same."""

# Everybody who runs the tests has the packages behind these, if not the commands.
COMMANDS = {
    "replay-fetch": """
import sys
from replay_fetch.cli import main
sys.exit(main())
""",
    "jq": """
import json, sys
from pathlib import Path
import jq
flag, program, *files = sys.argv[1:]
text = "".join(Path(name).read_text() for name in files) or sys.stdin.read()
for value in jq.compile(program).input_text(text):
    print(value if flag == "-r" and isinstance(value, str) else json.dumps(value, separators=(",", ":")))
""",
    "zstd": """
import sys
from pathlib import Path
import zstandard
for file in [open(name, "rb") for name in sys.argv[2:]] or [sys.stdin.buffer]:
    with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as reader:
        sys.stdout.buffer.write(reader.read())
""",
}


def section(title: str) -> str:
    """A section of a document, or a whole guide, without its heading and with the sections under it."""
    _, level, text = re.split(rf"^(#+) {re.escape(title)}$", DOCUMENTS, flags=re.MULTILINE)
    ends = rf"{_END}|^#{{2,{len(level)}}} " if len(level) > 1 else _END
    return re.split(ends, text, flags=re.MULTILINE)[0]


def blocks(title: str, language: str) -> list[str]:
    """The examples of a section in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", section(title), re.DOTALL | re.MULTILINE)


def typed(title: str) -> list[str]:
    """The commands of a section's console examples: what stands behind the prompts."""
    lines = re.findall(r"^\$ ((?:.*\n> )*.*)$", "\n".join(blocks(title, "console")), re.MULTILINE)
    return [line.replace("\n> ", "\n") for line in lines]


def commands_in(folder: Path) -> Path:
    """Make the commands that the examples call, in a new folder."""
    folder.mkdir()
    for name, source in COMMANDS.items():
        command = folder / name
        command.write_text(f"#!{sys.executable}{source}")
        command.chmod(0o700)
    return folder


def shell(script: str, commands: Path) -> list[str]:
    """The lines that a script prints; it must neither fail nor complain."""
    path = {"PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(  # noqa: S602 - our own README
        f"set -e\n{script}",
        shell=True,
        env=environment() | path,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANGS,
    )
    complaints = [line for line in done.stderr.splitlines() if " INFO " not in line]
    assert (done.returncode, complaints) == (0, []), script
    return done.stdout.splitlines()
