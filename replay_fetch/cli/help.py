"""Print the guides for ``replay-fetch help``, and the help of a command, by the name that people try first.

A pipe gets a guide's Markdown as it is written; a terminal gets the text folded to its width.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator
from importlib.resources import files
from itertools import groupby
from typing import NamedTuple

from replay_fetch.cli.main import COMMANDS, command_parser
from replay_fetch.cli.options import add_output
from replay_fetch.cli.output import say
from replay_fetch.cli.parser import nearest
from replay_fetch.errors import InputError
from replay_fetch.printable import printable
from replay_fetch.progress.units import few

_NARROWEST, _WIDEST = 40, 100
_NAMED = 3

_EPILOG = """\
examples:
  replay-fetch help archive
  replay-fetch help download
"""

# Beginnings of lines, by which a line of a guide belongs to a block.
_FENCE, _TABLE, _HEADING, _BULLET = "```", "|", "#", re.compile(r"(\* |\d+\. +)")
_LINK = re.compile(r"\[([^\]]*)\]\((https?://[^)]*)\)")
_CELLS = re.compile(r"(?<!\\)\|")


class Guide(NamedTuple):
    """A guide of the package: the topic is the name of its file, the summary its first paragraph."""

    topic: str
    text: str

    @property
    def summary(self) -> str:
        """The paragraph under the title, on one line without its breaks, for the list of all guides."""
        return " ".join(self.text.split("\n\n")[1].split())

    @property
    def headings(self) -> str:
        """The guide's headings and its summary, a line each: what the guide is about."""
        return "\n".join([self.summary, *re.findall(r"^#+ (.*)", self.text, re.MULTILINE)])


def guides() -> dict[str, Guide]:
    """Read all guides of the package; returns them by topic, in the order of the alphabet."""
    found = (file for file in (files("replay_fetch") / "guides").iterdir() if file.name.endswith(".md"))
    made = (Guide(file.name.removesuffix(".md"), file.read_text(encoding="utf-8")) for file in found)
    return {guide.topic: guide for guide in sorted(made)}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the topic: a guide's name, or a command's; without one, the guides are listed."""
    parser.epilog = _EPILOG
    parser.add_argument("topic", metavar="TOPIC", nargs="?", help="a guide or a command; without it, all guides")
    add_output(parser, json="the text, or all guides' topics,")


def run(options: argparse.Namespace) -> int:
    """Print a guide, a command's help, or the list of guides; returns 0.

    Raises InputError where neither a guide nor a command has that name, and proposes the nearest.
    """
    known = guides()
    if options.topic is None:
        summaries = {topic: guide.summary for topic, guide in known.items()}
        say(json.dumps(summaries, ensure_ascii=False) if options.json else "\n".join(_listing(known, _width())))
    # A command wins over a guide of the same name; no guide has one, and a new one must not hide a command.
    elif options.topic in COMMANDS or options.topic in known:
        is_command = options.topic in COMMANDS
        text = command_parser(options.topic).format_help() if is_command else known[options.topic].text
        if options.json:
            text = json.dumps({"topic": options.topic, "text": text}, ensure_ascii=False)
        # A pipe gets Markdown, for a pager or a browser that renders it.
        elif sys.stdout.isatty() and not is_command:
            text = "\n".join(readable(text, _width()))
        say(text.rstrip("\n"))
    else:
        proposed = _telling_of(options.topic, known) or nearest(options.topic, [*known, *COMMANDS])
        end = " " if proposed.endswith("?") else "; "
        raise InputError(
            f"there is no guide {printable(options.topic, 60)}{proposed}{end}`replay-fetch help` lists all guides"
        )
    return 0


def _telling_of(word: str, known: dict[str, Guide]) -> str:
    """Return the end of a message that names the guides with the word in a heading or in front; empty for none.

    A word that is a topic but for its plural is left to the names: it is a slip, and no question.
    """
    plain = word.casefold().removesuffix("s")
    if {plain, f"{plain}s"} & {*known, *COMMANDS}:
        return ""
    there = re.compile(rf"\b{re.escape(plain)}", re.IGNORECASE)
    telling = [f"`replay-fetch help {topic}`" for topic, guide in known.items() if there.search(guide.headings)]
    return f"; look into {few(telling, _NAMED)}" if telling else ""


def _width() -> int:
    return max(_NARROWEST, min(shutil.get_terminal_size((80, 24)).columns, _WIDEST))


def _listing(known: dict[str, Guide], width: int) -> Iterator[str]:
    yield "guides, each printed by `replay-fetch help TOPIC`:"
    for topic, guide in known.items():
        yield from textwrap.wrap(guide.summary, width, initial_indent=f"  {topic:<12}", subsequent_indent=" " * 14)
    yield "`replay-fetch --help` lists the commands"


def readable(text: str, width: int) -> Iterator[str]:
    """Yield the lines of a guide for a terminal ``width`` columns wide.

    Prose is folded between words, a table becomes a list of entries, and an example stands as it is, to be
    copied.
    """
    for kind, lines in groupby(_with_kinds(text), key=lambda line: line[0]):
        block = [line for _, line in lines]
        if kind == _FENCE:
            yield from (f"    {line}".rstrip() for line in block if not line.startswith(_FENCE))
        elif kind == _TABLE:
            yield from _entries(block, width)
        elif kind == _HEADING:
            yield from (part for line in block for part in _heading(line))
        else:
            yield from _prose(block, width)


def _with_kinds(text: str) -> Iterator[tuple[str, str]]:
    """Yield each line with the kind of its block: example, table, heading, or prose, for which the kind is empty."""
    in_example = False
    for line in text.splitlines():
        fence = line.startswith(_FENCE)
        if in_example or fence:
            yield _FENCE, line
            in_example ^= fence
        else:
            yield next((kind for kind in (_TABLE, _HEADING) if line.startswith(kind)), ""), line


def _heading(line: str) -> tuple[str, str]:
    level, _, title = line.partition(" ")
    return title, ("=" if level == _HEADING else "-") * len(title)


def _entries(table: list[str], width: int) -> Iterator[str]:
    """Yield a table's rows one below the other: the first cell, indented under it the second, then others by name."""
    header, _, *rows = ([cell.strip() for cell in _CELLS.split(row.strip(" |"))] for row in table)
    for first, second, *more in rows:
        yield from textwrap.wrap(_plain(first), width, initial_indent="  ", subsequent_indent="    ")
        named = [f"{name}: {cell}" for name, cell in zip(header[2:], more, strict=False) if cell]
        under = "; ".join(filter(None, [second, *named]))
        yield from textwrap.wrap(_plain(under), width, initial_indent="      ", subsequent_indent="      ")


def _prose(lines: list[str], width: int) -> Iterator[str]:
    """Yield paragraphs and bullets folded between words; an empty line stays one, and bullets keep their indent."""
    paragraph: list[str] = []
    for line in lines:
        if paragraph and (not line or _BULLET.match(line)):
            yield from _folded(" ".join(paragraph), width)
            paragraph = []
        if line:
            paragraph.append(line.strip())
        else:
            yield ""
    if paragraph:
        yield from _folded(" ".join(paragraph), width)


def _folded(text: str, width: int) -> list[str]:
    bullet = _BULLET.match(text)
    indent = " " * len(bullet[0]) if bullet else ""
    return textwrap.wrap(_plain(text), width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _plain(text: str) -> str:
    """Take off Markdown's signs, but not the backticks around a text to type: these tell where a command ends."""
    return _LINK.sub(r"\1 (\2)", text).replace("**", "").replace("\\|", "|")
