"""``bytecodes``: what the interpreter executes for a page, function by function; the same on every machine."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass
class Count:
    """What functions did, in all or for a page: bytecodes executed, and calls, resumed coroutines among them."""

    bytecodes: Counter[Function] = field(default_factory=Counter)
    calls: Counter[Function] = field(default_factory=Counter)


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
                {"case": case, "program": name, "module": at.module, "function": at.name}
                | {"bytecodes": bytecodes / _PAGES_COUNTED, "calls": page.calls[at] / _PAGES_COUNTED}
                for name, page in pages.items()
                for at, bytecodes in page.bytecodes.most_common()
                if bytecodes > 0
            ]
    return results


def _a_page(contestant: Contestant, base_url: str, folder: Path) -> Count:
    """What the contestant does for a page."""
    few, many = (_counted(contestant, base_url, folder, sessions) for sessions in (_FEW, _MANY))
    many.bytecodes.subtract(few.bytecodes)
    many.calls.subtract(few.calls)
    return many


def _counted(contestant: Contestant, base_url: str, folder: Path, sessions: int) -> Count:
    """What the contestant does for so many sessions."""
    with scratch(folder) as place:
        out = place / "counts.json"
        command = contestant.command(base_url, write_list(place / "views.csv", sessions), place / "out")
        program = command[command.index("-m") + 1 :]
        price([sys.executable, "-m", "benchmarks.clients.traced", str(out), *program], env=ENVIRONMENT)
        count = Count()
        for each in json.loads(out.read_bytes()):
            at = Function(each["module"], each["function"])
            count.bytecodes[at] += each["bytecodes"]
            count.calls[at] += each["calls"]
    return count


def _layers(case: str, pages: Mapping[str, Count]) -> Table:
    table = Table(f"{case}: by part", ("part", *pages))
    parts = {name: _by_layer(page) for name, page in pages.items()}
    whole = {name: sum(part.values()) for name, part in parts.items()}
    table.rows.append(("all", *(f"{number / _PAGES_COUNTED:,.0f}" for number in whole.values())))
    rest = dict.fromkeys(parts, 0)
    for layer, _ in sum(parts.values(), Counter[str]()).most_common():
        if max(part[layer] for part in parts.values()) >= _SMALL * _PAGES_COUNTED:
            table.rows.append((layer, *(f"{part[layer] / _PAGES_COUNTED:,.0f}" for part in parts.values())))
        else:
            rest = {name: rest[name] + part[layer] for name, part in parts.items()}
    table.rows.append(("all others", *(f"{number / _PAGES_COUNTED:,.0f}" for number in rest.values())))
    return table


def _by_layer(page: Count) -> Counter[str]:
    layers: Counter[str] = Counter()
    for at, number in page.bytecodes.items():
        layers[at.layer] += number
    return layers


def _functions(case: str, page: Count, top: int) -> Table:
    table = Table(f"{case}: the functions of {OURS} that take most", ("function", "bytecodes", "calls"))
    ours: Sequence[tuple[Function, int]] = [
        each for each in page.bytecodes.most_common() if each[0].module.startswith(_PACKAGE)
    ]
    for at, number in ours[:top]:
        calls = page.calls[at] / _PAGES_COUNTED
        name = f"{at.module.removeprefix(_PACKAGE + '.')}.{at.name}"
        table.rows.append((f"`{name}`", f"{number / _PAGES_COUNTED:,.0f}", f"{calls:.1f}"))
    return table
