"""The architecture, held: who may import whom, one door per library, no wall clock, nothing long."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import replay_fetch

PACKAGE = Path(replay_fetch.__file__).parent


@cache
def sources() -> dict[str, ast.Module]:
    """The package's modules by their paths, read once; not when they are collected, which every worker does."""
    return {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_bytes()) for path in PACKAGE.rglob("*.py")}


# Bottom to top: a module imports only from rows above its own in this list, never from its own row.
LAYERS = (
    {"model", "blocks", "clock", "erased", "memory", "printable"},
    {"errors"},
    {"sites", "option", "timestamps", "named_file", "events_record", "shard"},
    {"settings"},
    {"environment", "archive_json"},
    {"transport", "pacing", "api"},
    {"fetch", "archive", "ledger", "view_list", "progress", "replay", "store"},
    {"pipeline", "engine"},
    {"client"},
    {"inspect"},
    {"tasks"},
    {"player", "report_page"},  # both show what inspect reads
    {"cli"},
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}

# What stands beside the layers, and all that it may import.
BESIDE = {
    "__init__": {"model", "errors", "settings", "shard", "archive", "pipeline", "client", "tasks"},
    "__main__": {"cli"},
    "simulator": {"model", "errors", "settings", "sites"},
}
# Nobody else starts a server, or offers its options.
USERS_OF_SIMULATOR = {"cli"}

DOORS = {
    "aiohttp": {"transport", "simulator"},
    "yarl": {"transport", "simulator"},
    "tqdm": {"progress"},
    "sqlite3": {"ledger"},
    "aiolimiter": {"pacing"},
    "zlib_ng": {"api"},
    "argparse": {"cli"},
    "pyarrow": {"inspect", "view_list"},  # tables are written, and exported events read
    "jinja2": {"report_page"},
    "shtab": {"cli"},
    "subprocess": {"player"},  # the build's step alone, which asks npm
    "hatchling": {"player"},
    "webbrowser": {"cli"},
    "obstore": {"store"},
    "distributed": {"engine"},
}

# Told the time and the bytes, they wait for nothing and ask nobody. The pacer is the one who waits.
WITHOUT_IO = (
    "api/",
    "pacing/",
    "replay/",
    "fetch/retry.py",
    "printable.py",
    "timestamps.py",
    "model.py",
    "errors.py",
    "option.py",
    "settings.py",
    "sites.py",
)
WAITS = {"pacing/pacer.py", "pacing/queue.py"}
IO = {
    "aiohttp",
    "anyio",
    "asyncio",
    "http",
    "os",
    "selectors",
    "shutil",
    "socket",
    "ssl",
    "threading",
    "trio",
    "urllib.request",
}

# Their users need parts of them: `status` waits for no decoder and no writer. Other packages have one way in.
WITHOUT_FRONT = ("api", "archive", "fetch", "inspect", "ledger", "pipeline", "progress", "report_page", "view_list")

# Waiting by the wall clock breaks when it is set; these look at it for what only it can tell.
WALL_CLOCK = {
    "cli/discover.py": "--from now-7d is counted from it",
    "cli/erasure_summary.py": "prune --older-than is counted from it, and an erasure's report is named by it",
    "fetch/fetcher.py": "a reset given as an epoch or a date is compared with it",
    "pipeline/first_stage.py": "the days are counted from it for which the events of sessions are kept",
    "pipeline/finding.py": "the same, for the window of its search",
    "pipeline/probe.py": "the same, for its one answer",
    "pipeline/events.py": "events are kept for so many days from when they happened",
    "pipeline/run.py": "the report says when the run began and ended",
    "simulator/service.py": "its windows are aligned to the calendar, as the API's are",
}

# Folders whose front gives out the names of few modules, which are loaded together in any case.
FRONTS = {"cli", "pacing", "transport", "simulator"}

LONGEST_FILE = 250
LONGEST_FUNCTION = 45

# A shorter module that one other alone imports is a part of that one.
SHORTEST_FILE = 50
# From the command line down to the model, each module imports the next while it is being imported.
LONGEST_CHAIN = 16


def part(path: str) -> str:
    """The top-level module that a file is, or belongs to."""
    return path.split("/", maxsplit=1)[0].removesuffix(".py")


@cache
def nodes(tree: ast.AST) -> tuple[ast.AST, ...]:
    """A tree and all that is in it; walked through once, for all tests of a worker."""
    return tuple(ast.walk(tree))


@cache
def imports(tree: ast.AST) -> tuple[str, ...]:
    """Full names of what is imported anywhere: in functions and under TYPE_CHECKING as well."""
    found: list[str] = []
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            found += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            found += (f"{origin}.{alias.name}" for alias in node.names)
    return tuple(found)


def imported_parts(tree: ast.AST) -> set[str]:
    """Our own top-level modules that are imported; ``__init__`` for what the package itself exports."""
    known = {*RANK, *BESIDE}
    names = [name.split(".") for name in imports(tree) if name.split(".")[0] == "replay_fetch"]
    return {name[1] if len(name) > 1 and name[1] in known else "__init__" for name in names}


def may_import(importer: str, imported: str) -> bool:
    if importer == imported:
        return True
    if importer in BESIDE:
        return imported in BESIDE[importer]
    if imported == "simulator":
        return importer in USERS_OF_SIMULATOR
    return imported in RANK and RANK[imported] < RANK[importer]


def module_of(path: str) -> str:
    """The full name of the module, or of the package, that a file is."""
    return f"replay_fetch/{path}".removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def modules_imported(tree: ast.Module, known: set[str], *, at_once: bool) -> set[str]:
    """Our modules among the imports: anywhere, or ``at_once`` with the module itself, at its outermost level."""
    body = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)] if at_once else tree.body
    found = set()
    for name in imports(ast.Module(list(body), [])):
        while name not in known and "." in name:  # a name out of a module
            name = name.rpartition(".")[0]  # noqa: PLW2901 - climbs to the module
        found.add(name)
    return found & known


def imports_of_all(sources: Mapping[str, ast.Module], *, at_once: bool) -> dict[str, set[str]]:
    known = {module_of(path) for path in sources}
    return {
        module_of(path): modules_imported(tree, known, at_once=at_once) - {module_of(path)}
        for path, tree in sources.items()
    }


def longest_chain(imported: Mapping[str, set[str]]) -> list[str]:
    """The longest way from a module to one that imports none of ours; raises CycleError where one leads back."""
    below: dict[str, list[str]] = {}
    for module in TopologicalSorter(imported).static_order():
        below[module] = [module, *max((below[each] for each in imported[module]), key=len, default=[])]
    return max(below.values(), key=len)


def wall_clock_readings(tree: ast.AST) -> Iterator[str]:
    for node in nodes(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="time"), attr="time" | "time_ns" | "localtime" | "gmtime" | "ctime"):
                yield f"time.{node.attr}"
            case ast.Attribute(attr="now" | "utcnow" | "today", value=ast.Name(id="datetime" | "date")):
                yield f"datetime.{node.attr}"
            case ast.ImportFrom(module="time", names=names):
                yield from (alias.name for alias in names if alias.name not in {"monotonic", "perf_counter", "sleep"})


def imports_anything(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.Import | ast.ImportFrom) for node in tree.body)


def long_functions(tree: ast.AST) -> Iterator[str]:
    for node in nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if lines > LONGEST_FUNCTION:
                yield f"{node.name} ({lines} lines)"


def test_every_module_has_its_place_in_the_map() -> None:
    assert {part(path) for path in sources()} <= {*RANK, *BESIDE}


def test_modules_import_from_lower_layers_only() -> None:
    wrong = [
        f"{path} imports {imported}"
        for path, tree in sources().items()
        for imported in imported_parts(tree)
        if not may_import(part(path), imported)
    ]
    assert wrong == []


def test_a_package_whose_users_need_parts_of_it_imports_nothing_by_itself() -> None:
    assert [name for name in WITHOUT_FRONT if imports(sources()[f"{name}/__init__.py"])] == []


def test_imports_are_absolute() -> None:
    """The layer of an import is then seen in the line itself."""
    assert [path for path, tree in sources().items() if any(name.startswith(".") for name in imports(tree))] == []


@pytest.mark.parametrize("library", DOORS)
def test_each_library_has_one_door(library: str) -> None:
    users = {part(path) for path, tree in sources().items() for name in imports(tree) if name.split(".")[0] == library}
    assert users <= DOORS[library]


def test_modules_are_imported_by_name_at_the_two_ends_only() -> None:
    """The rule above does not see such imports; the front door and the command line load late to start fast."""
    users = {part(path) for path, tree in sources().items() if "importlib.import_module" in set(imports(tree))}
    assert users <= {"__init__", "cli"}


def test_tqdm_is_known_to_one_file() -> None:
    assert [path for path, tree in sources().items() if any(name.startswith("tqdm") for name in imports(tree))] == [
        "progress/bar.py"
    ]


def test_obstore_is_known_to_one_file() -> None:
    assert [path for path, tree in sources().items() if any(name.startswith("obstore") for name in imports(tree))] == [
        "store/door.py"
    ]


def test_the_rules_of_the_api_and_of_pacing_do_no_io() -> None:
    wrong = [
        f"{path} imports {name}"
        for path, tree in sources().items()
        if path.startswith(WITHOUT_IO) and path not in WAITS
        for name in imports(tree)
        if any(f"{name}.".startswith(f"{module}.") for module in IO)
    ]
    assert wrong == []


def test_printing_is_for_the_command_line() -> None:
    wrong = [
        f"{path}:{node.lineno}"
        for path, tree in sources().items()
        if part(path) != "cli"
        for node in nodes(tree)
        if (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print")
        or (isinstance(node, ast.Attribute) and node.attr == "stdout")
    ]
    assert wrong == []


def test_the_wall_clock_is_read_where_nothing_else_will_do() -> None:
    readers = {path for path, tree in sources().items() if any(wall_clock_readings(tree))}
    assert readers <= set(WALL_CLOCK)


def test_a_folders_front_imports_none_of_its_modules() -> None:
    """A name is imported from the module that defines it, so that a command loads what it uses."""
    tops = {part(path): tree for path, tree in sources().items() if re.fullmatch(r"\w+/__init__\.py", path)}
    fronts = {name for name, tree in tops.items() if imports_anything(tree)}
    assert fronts == FRONTS


def test_no_file_and_no_function_is_long() -> None:
    files = [path for path in sources() if len((PACKAGE / path).read_text().splitlines()) > LONGEST_FILE]
    functions = [f"{path}: {function}" for path, tree in sources().items() for function in long_functions(tree)]
    assert (files, functions) == ([], [])


def test_no_short_module_has_a_single_user() -> None:
    """A folder's ``__init__`` is its front, and a command is imported by its name."""
    imported = imports_of_all(sources(), at_once=False)
    users = Counter(module for modules in imported.values() for module in modules)
    short = [path for path in sources() if len((PACKAGE / path).read_text().splitlines()) < SHORTEST_FILE]
    assert [path for path in short if not path.endswith("__init__.py") and users[module_of(path)] == 1] == []


def test_no_chain_of_imports_is_long_and_none_is_a_circle() -> None:
    chain = longest_chain(imports_of_all(sources(), at_once=True))
    assert len(chain) <= LONGEST_CHAIN, " > ".join(chain)


def test_the_rule_sees_chains_and_circles() -> None:
    texts = {
        "cli/main.py": "from replay_fetch.api import Page\ndef run():\n    from replay_fetch.api.page import Page",
        "api/__init__.py": "from replay_fetch.api.page import Page",
        "api/page.py": "import replay_fetch.model",
        "model.py": "import os",
    }
    names = ["replay_fetch.cli.main", "replay_fetch.api", "replay_fetch.api.page", "replay_fetch.model"]
    sources = {path: ast.parse(text) for path, text in texts.items()}
    assert longest_chain(imports_of_all(sources, at_once=True)) == names
    assert imports_of_all(sources, at_once=False)[names[0]] == set(names[1:3])
    sources["model.py"] = ast.parse("from replay_fetch.api import Page")
    with pytest.raises(CycleError):
        longest_chain(imports_of_all(sources, at_once=True))


@pytest.mark.parametrize(
    ("importer", "source", "allowed"),
    [
        ("fetch", "from replay_fetch.api import Page", True),
        ("fetch", "from replay_fetch.fetch.paginator import Paginator", True),
        ("fetch", "from replay_fetch.ledger import Ledger", False),
        ("api", "import replay_fetch.fetch.paginator", False),
        ("api", "if TYPE_CHECKING:\n    from replay_fetch.transport import Transport", False),
        ("ledger", "def load():\n    from replay_fetch import pipeline", False),
        ("ledger", "from replay_fetch import Client", False),
        ("pipeline", "from replay_fetch.simulator import Simulator", False),
        ("cli", "from replay_fetch.simulator import Simulator", True),
        ("simulator", "from replay_fetch.api import Endpoint", False),
    ],
)
def test_the_rule_sees_imports_in_whatever_form(importer: str, source: str, allowed: bool) -> None:  # noqa: FBT001 - from the table
    assert all(may_import(importer, imported) for imported in imported_parts(ast.parse(source))) is allowed


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("time.time()", True),
        ("now = datetime.now(UTC)", True),
        ("clock: Callable[[], float] = time.time", True),
        ("from time import time", True),
        ("time.monotonic()", False),
        ("datetime.fromtimestamp(record.created, UTC)", False),
    ],
)
def test_the_rule_sees_clocks_in_whatever_form(source: str, seen: bool) -> None:  # noqa: FBT001 - from the table
    assert any(wall_clock_readings(ast.parse(source))) is seen
