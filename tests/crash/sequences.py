"""Random sequences of commands, killed at random calls and repeated, against the same sequence undisturbed.

Two archives are led through one sequence. The laws, after every command:

1. both end with the same exit code, and hold the same bytes: sessions, manifest, raw pages, parts, what is set aside;
2. what was there of a view is there still, unless its session's file was damaged on purpose;
3. ``verify`` finds nothing, and ``status`` can be asked, also right behind a kill, but of an erasure: ``verify`` then
   says what is left of the erased session;
4. no file names a session behind its erasure, whatever list or rebuild comes later.
"""

from __future__ import annotations

import json
import random
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from archives import Archive, opened
from damaged_archives import verified

from crash.harness import Launcher, launched
from crash.points import BEFORE, HALFWAY, Call, Crash
from crash.world import ERASED, World, world
from replay_fetch.archive.layout import Layout
from replay_fetch.model import View

STEPS = 8
_MOST_KILLS = 3
_LISTS = 3
_CLEAN = (0, 1)
_SET_ASIDE = {"manifest.ndjson", "ledger.sqlite"}


@dataclass(frozen=True)
class Step:
    """One command of a sequence, and what is done before it."""

    arguments: tuple[str, ...]
    days: int = 0
    """So many days have passed since the last one."""
    damage: str = ""
    """What is broken before it: ledger, its absence, or a session's file."""

    @property
    def writes(self) -> bool:
        """True where it is killed and repeated."""
        return self.arguments[0] in {"download", "decode", "erase"} or "--rebuild" in self.arguments

    def __str__(self) -> str:
        before = f"[{self.days} days] " * bool(self.days) + f"[{self.damage}] " * bool(self.damage)
        return before + " ".join(self.arguments)


def steps(rng: random.Random, count: int) -> Iterator[Step]:
    """A sequence; ``LIST-n`` and ``OUT`` stand for paths."""
    compress = rng.choice(("none", "gzip", "zstd"))
    yield _download(rng, compress, first=True)
    for _ in range(count - 1):
        kinds = ("download", "decode", "rebuild", "erase", "verify", "status")
        kind = rng.choices(kinds, (12, 2, 3, 3, 1, 1))[0]
        match kind:
            case "download":
                yield _download(rng, compress)
            case "decode":
                paths = ("--segments-path", "payload.chunks", "--next-path", "payload.after")
                yield Step(("decode", "OUT", *paths, *_maybe(rng, "--keep-raw")))
            case "rebuild":
                damage = rng.choice(("garbage", "no ledger", "session", "session and garbage", ""))
                yield Step(("verify", "--rebuild", "--jobs", "1", "OUT"), damage=damage)
            case "erase":
                yield Step((kind, "OUT", "--session", ERASED))
            case _:
                yield Step((kind, "OUT"))


def _download(rng: random.Random, compress: str, *, first: bool = False) -> Step:
    flags = [
        *(("--compress", compress) if first or rng.random() < 0.5 else ()),
        *_maybe(rng, "--refresh"),
        *_maybe(rng, "--keep-raw"),
        *(("--source", rng.choice(("event_platform", "blob"))) if rng.random() < 0.3 else ()),
    ]
    name = f"LIST-{rng.randrange(_LISTS)}"
    arguments = ("download", name, "OUT", "--retries", "0", "--workers", "3", "--progress", "none", *flags)
    return Step(arguments, days=0 if first else rng.choice((0, 1, 1, 2)))


def _maybe(rng: random.Random, flag: str) -> tuple[str, ...]:
    return (flag,) if rng.random() < 0.3 else ()


@dataclass
class Pair:
    """The undisturbed archive, and the one whose commands are killed."""

    folder: Path
    world: World
    launcher: Launcher
    rng: random.Random
    killed: Counter[str] = field(default_factory=Counter)
    there: Mapping[View, set[bytes]] = field(default_factory=dict)
    """The segments that were there after the last command."""
    erased: set[str] = field(default_factory=set)
    """The ids of erased sessions."""

    def __post_init__(self) -> None:
        self.calm, self.rough = self.folder / "calm" / "out", self.folder / "rough" / "out"
        for number in range(_LISTS):
            views = [view for view in self.world.views if self.rng.random() < 0.7] or self.world.views
            counts = [str(self.rng.randint(1, 9)) if number == 1 else "" for _ in views]
            rows = [f"{view.session_id},{view.view_id},{count}" for view, count in zip(views, counts, strict=True)]
            text = "\n".join(["session_id,view_id,segments_count", *rows, ""])
            (self.folder / f"LIST-{number}").write_text(text, "ascii")
        for out in (self.calm, self.rough):
            out.parent.mkdir()

    def take(self, step: Step) -> None:
        """Carry out one step on both archives; raises AssertionError where a law is broken."""
        self.world.day += step.days
        if step.damage:
            for out in (self.calm, self.rough):
                hurt = _damage(out, step.damage)
            self.there = {view: was for view, was in self.there.items() if view.session_id != hurt}
        log = self.folder / "calls"
        log.unlink(missing_ok=True)
        if step.arguments[0] == "erase":
            self.erased.add(step.arguments[-1])
            self.there = {view: was for view, was in self.there.items() if view.session_id not in self.erased}
        expected = self._run(step, self.calm, log=log)
        calls = [Call(*line.split("\t")) for line in log.read_text().splitlines()]
        if step.writes and calls:
            self._kill(step, calls)
        code = self._run(step, self.rough)
        if not step.damage:  # what a rebuild found wrong may be mended when a killed one is repeated
            assert code == expected, f"exit {expected} undisturbed, {code} behind kills: {self._said()}"
        assert code in _CLEAN, self._said()
        self._compare()

    def _kill(self, step: Step, calls: list[Call]) -> None:
        for _ in range(self.rng.randint(0, _MOST_KILLS)):
            crash = _crash(self.rng, calls)
            code = self._run(step, self.rough, crash=crash)
            if code != -9:  # not reached
                continue
            self.killed[f"{crash.when} {crash.point}"] += 1
            if step.arguments[0] != "verify" and (self.rough / ".replay-fetch").is_dir():
                for command in ("status", "verify"):
                    code = self.launcher.run([command, str(self.rough)], self.rough)
                    may_find = step.arguments[0] == "erase" and "was erased" in self._said()
                    assert code == 0 or may_find, f"{command} behind {crash}: exit {code}: {self._said()}"

    def _run(self, step: Step, out: Path, *, crash: Crash | None = None, log: Path | None = None) -> int:
        paths = {"OUT": str(out)} | {f"LIST-{n}": str(self.folder / f"LIST-{n}") for n in range(_LISTS)}
        arguments = [paths.get(each, each) for each in step.arguments]
        if step.arguments[0] == "download":
            arguments += ["--base-url", self.world.url]
        return self.launcher.run(arguments, out, crash=crash, log=log)

    def _said(self) -> str:
        return self.launcher.said.read_text()

    def _compare(self) -> None:
        calm, rough = _contents(self.calm), _contents(self.rough)
        assert calm.keys() == rough.keys(), f"only undisturbed or only behind kills: {calm.keys() ^ rough.keys()}"
        different = {name: (calm[name][-600:], rough[name][-600:]) for name in calm if calm[name] != rough[name]}
        assert not different, f"differ behind kills: {different}"
        for out in (self.calm, self.rough):
            found = verified(out).findings
            assert not found, f"{out.parent.name}: {found}"
            back = self.erased & _named_in(out)
            assert not back, f"{out.parent.name}: erased and there again: {back}"
        now = _segments(self.calm)
        lost = {str(view): gone for view, was in self.there.items() if (gone := len(was - now.get(view, set())))}
        assert not lost, f"segments lost, by view: {lost}"
        self.there = now


def _crash(rng: random.Random, calls: list[Call]) -> Crash:
    """A crash at one of the calls of the undisturbed command."""
    reached = Counter[str]()
    crashes = []
    for call in calls:
        reached[call.point] += call.when == BEFORE
        crashes.append(Crash(call.point, reached[call.point], call.when))
        if call.point.startswith("write ") and call.when == BEFORE:
            crashes.append(Crash(call.point, reached[call.point], HALFWAY))
    return rng.choice(crashes)


def _damage(out: Path, kind: str) -> str:
    """Break something; returns the session whose file that is, if it is one."""
    ledger, hurt = Layout(out).ledger, ""
    if "session" in kind:
        for path in sorted((out / "sessions").iterdir())[:1]:
            path.write_bytes(path.read_bytes()[:-9] + b"?" * 9)
            hurt = path.name.partition(".")[0]
    if "garbage" in kind:
        ledger.write_bytes(b"garbage" * 1000)
    if kind == "no ledger":
        ledger.unlink()
    return hurt


def _contents(out: Path) -> dict[str, bytes]:
    """All files by name, but for the run's report, the ledger and lock; parts without their attempt's number."""
    names = Archive(out).files() - {"report.json", ".replay-fetch/ledger.sqlite", ".replay-fetch/lock"}
    # A command that is repeated behind a kill has a second report, and both are named by the time of day.
    names = {name for name in names if not name.startswith(("erasures/", "reports/"))}
    kept = {name for name in names if not ("/damaged-" in name and Path(name).name in _SET_ASIDE)}
    return {re.sub(r"(parts/\d+|damaged-\d+/\d+)-\d+", r"\1", name): (out / name).read_bytes() for name in kept}


def _named_in(out: Path) -> set[str]:
    """The sessions that the manifest names, or a file or folder of sessions and raw pages is named by."""
    ids = {view.session_id for view in Archive(out).manifest()} if (out / "manifest.ndjson").exists() else set()
    folders = [folder for folder in (out / "sessions", out / "raw") if folder.is_dir()]
    return ids | {path.name.partition(".")[0] for folder in folders for path in folder.iterdir()}


def _segments(out: Path) -> dict[View, set[bytes]]:
    """The segments of every view that lie in files for people."""
    found: dict[View, set[bytes]] = defaultdict(set)
    for name, body in Archive(out).sessions().items():
        for line in opened(Path(name), body).splitlines():
            content = json.loads(line)
            view = View(content["session_id"], content["view_id"])
            found[view].add(json.dumps(content["segment"]).encode())
    return found


def sequence(seed: int, folder: Path, count: int = STEPS) -> Counter[str]:
    """Lead two archives through the sequence of a seed; returns what was killed where.

    Raises AssertionError, which says how far the sequence came, where a law is broken.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rng = random.Random(seed)  # noqa: S311 - chance, not secrets
    taken: list[str] = []
    with world(seed) as served, launched(folder) as launcher:
        pair = Pair(folder, served, launcher, rng)
        for step in steps(rng, count):
            taken.append(str(step))
            try:
                pair.take(step)
            except AssertionError as error:
                listing = "\n  ".join(taken)
                raise AssertionError(f"seed {seed}, day {served.day}, behind\n  {listing}\n{error}") from error
    return pair.killed
