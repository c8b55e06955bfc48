"""``bytecodes``: what the interpreter executes for a page, function by function; the same on every machine."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from benchmarks.contestants import BARE, CONTESTANTS, ENVIRONMENT, OURS, Contestant
from benchmarks.programs import price
from benchmarks.results import Results, Table
from benchmarks.scratch import scratch, write_list
from benchmarks.server import PAGES, serving

# What a program executes for the sessions by which its two runs differ is what their pages cost, without its start.
_FEW, _MANY = 20, 120
_PAGES_COUNTED = (_MANY - _FEW) * PAGES
_PACKAGE = "replay_fetch"
# Bytecodes a page; parts with fewer are summed up.
_SMALL = 15


class Function(NamedTuple):
    """By its module's name and its own."""

    module: str
    name: str

    @property
    def layer(self) -> str:
        """The part of the package, or the library, that it belongs to."""
        names = self.module.split(".")
        if self.module.startswith("namedtuple_"):
            return "named tuples"
        return ".".join(names[:2]) if names[0] == _PACKAGE else names[0]


class Work(NamedTuple):
    """What a function does: the bytecodes it executes, and its calls, resumed coroutines among them."""

    bytecodes: float
    calls: float


Page = Mapping[Function, Work]
"""What all functions do for one page."""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sizes", type=int, nargs="+", metavar="BYTES", default=[20_000, 200_000])
    parser.add_argument("--top", type=int, default=25, help="functions to be shown (%(default)s)")


def run(options: argparse.Namespace) -> Results:
    results = Results("bytecodes", how_to_read="Bytecodes of Python that are executed for a page, in all threads.")
    sizes = options.sizes[:1] if options.quick else options.sizes
    contestants = [each for each in CONTESTANTS if each.name in (BARE, OURS)]
    with scratch(None) as folder, serving(folder / "pages", sizes, ["plain"]) as (server, urls):
        results.notes.append(f"Server: {server}. What C code does in one of them, a hash or a write, is not seen.")
        for case, base_url in urls.items():
            pages = {each.name: _a_page(each, base_url, folder) for each in contestants}
            results.tables += [_layers(case, pages), _functions(case, pages[OURS], options.top)]
            results.measurements += [
                {"case": case, "program": name, "module": at.module, "function": at.name, **work._asdict()}
                for name, page in pages.items()
                for at, work in page.items()
            ]
    return results


def _a_page(contestant: Contestant, base_url: str, folder: Path) -> Page:
    """What the contestant does for a page, by function; those that do most come first."""
    few, many = (_counted(contestant, base_url, folder, sessions) for sessions in (_FEW, _MANY))
    bytecodes, calls = (more - less for more, less in zip(many, few, strict=True))
    return {at: Work(number / _PAGES_COUNTED, calls[at] / _PAGES_COUNTED) for at, number in bytecodes.most_common()}


def _counted(
    contestant: Contestant, base_url: str, folder: Path, sessions: int
) -> tuple[Counter[Function], Counter[Function]]:
    """The bytecodes and the calls that the contestant takes for so many sessions."""
    bytecodes, calls = Counter[Function](), Counter[Function]()
    with scratch(folder) as place:
        out = place / "counts.json"
        command = contestant.command(base_url, write_list(place / "views.csv", sessions), place / "out")
        program = command[command.index("-m") + 1 :]
        price([sys.executable, "-m", "benchmarks.clients.traced", str(out), *program], env=ENVIRONMENT)
        for each in json.loads(out.read_bytes()):
            at = Function(each["module"], each["function"])
            bytecodes[at] += each["bytecodes"]
            calls[at] += each["calls"]
    return bytecodes, calls


def _layers(case: str, pages: Mapping[str, Page]) -> Table:
    table = Table(f"{case}: by part", ("part", *pages))
    layers: dict[str, dict[str, float]] = {"all": dict.fromkeys(pages, 0.0)}
    for name, page in pages.items():
        for at, work in page.items():
            for layer in ("all", at.layer):
                layers.setdefault(layer, dict.fromkeys(pages, 0.0))[name] += work.bytecodes
    rest = dict.fromkeys(pages, 0.0)
    for layer, numbers in sorted(layers.items(), key=lambda each: -sum(each[1].values())):
        if max(numbers.values()) >= _SMALL:
            table.rows.append(_row(layer, numbers))
        else:
            rest = {name: rest[name] + number for name, number in numbers.items()}
    table.rows.append(_row("all others", rest))
    return table


def _row(layer: str, numbers: Mapping[str, float]) -> list[str]:
    return [layer, *(f"{number:,.0f}" for number in numbers.values())]


def _functions(case: str, page: Page, top: int) -> Table:
    table = Table(f"{case}: the functions of {OURS} that take most", ("function", "bytecodes", "calls"))
    ours = ((at, work) for at, work in page.items() if at.module.startswith(_PACKAGE))
    for at, work in islice(ours, top):
        name = f"{at.module.removeprefix(_PACKAGE + '.')}.{at.name}"
        table.rows.append((f"`{name}`", f"{work.bytecodes:,.0f}", f"{work.calls:.1f}"))
    return table
