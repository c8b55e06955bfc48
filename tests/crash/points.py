"""The calls that change an archive, each a point at which a run can be ended.

A point is named by the call and by what it is done to: ``rename session``, ``fsync part``, ``commit
ledger``. They are found by wrapping the functions of ``os`` and the database's connection from the
outside; the package knows nothing of it.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

BEFORE, HALFWAY, AFTER = "before", "halfway", "after"

# Longest first: the first that a path begins with names it.
_KINDS = (
    (".replay-fetch/parts/", "part"),
    (".replay-fetch/parts", "parts folder"),
    (".replay-fetch/tmp/session-", "session"),
    (".replay-fetch/tmp/", "manifest or report"),
    (".replay-fetch/lock", "lock"),
    (".replay-fetch", "private folder"),
    ("sessions/", "session"),
    ("sessions", "sessions folder"),
    ("manifest.ndjson", "manifest or report"),
    ("report.json", "manifest or report"),
    ("reports/", "manifest or report"),
    ("raw", "raw"),
    ("", "archive folder"),
)


class Crash(NamedTuple):
    """Where a run ends: at the so-many-th time that a point is reached, counted from 1."""

    point: str
    occurrence: int
    when: str


class Call(NamedTuple):
    """One call as a run noted it down."""

    when: str
    point: str
    path: str
    source: str = ""
    """What a rename gave its name to."""

    @property
    def name(self) -> str:
        """Write, fsync, rename, unlink, mkdir or commit."""
        return self.point.partition(" ")[0]


@dataclass
class Shim:
    """Wraps the calls, counts them, notes them down, and ends the process where it is told to."""

    out: Path
    crash: Crash | None = None
    log: Path | None = None
    _reached: Counter[str] = field(default_factory=Counter)
    _paths: dict[int, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _log: int = -1

    def install(self) -> None:
        """Wrap from now on, for the rest of the process."""
        self._write = os.write
        if self.log is not None:
            self._log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._real_open = os.open
        os.open = self._open
        os.write = self._wrap("write", os.write, self._path_of)
        os.fsync = self._wrap("fsync", os.fsync, self._path_of)
        os.replace = self._wrap("rename", os.replace, lambda _, final: final)
        os.unlink = self._wrap("unlink", os.unlink, self._under)
        os.mkdir = self._wrap("mkdir", os.mkdir, lambda path, *_: path)
        shim = self

        def passing(base: type[sqlite3.Connection]) -> type[sqlite3.Connection]:
            def execute(db: sqlite3.Connection, sql: str, *arguments: Any) -> sqlite3.Cursor:  # Any: sqlite3's own
                if sql != "COMMIT":
                    return base.execute(db, sql, *arguments)
                shim._pass("commit ledger", BEFORE, "ledger")
                cursor = base.execute(db, sql)
                shim._pass("commit ledger", AFTER, "ledger")
                return cursor

            return type("Connection", (base,), {"execute": execute})

        def connect(*arguments: Any, factory: type[sqlite3.Connection] = sqlite3.Connection, **options: Any) -> Any:
            return real_connect(*arguments, factory=passing(factory), **options)

        real_connect = sqlite3.connect
        sqlite3.connect = connect

    def _open(self, path: Any, *arguments: Any, **options: Any) -> int:  # Any: whatever os.open takes
        descriptor = self._real_open(path, *arguments, **options)
        self._paths[descriptor] = str(self._under(path, dir_fd=options.get("dir_fd")))
        return descriptor

    def _wrap(self, call: str, real: Callable[..., Any], path_of: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **options: Any) -> Any:  # Any: stands in for any of the calls
            path = str(path_of(*arguments, **{k: v for k, v in options.items() if k == "dir_fd"}))
            source = f"\t{arguments[0]}" if call == "rename" else ""
            kind = self._kind(path)
            if kind is None:
                return real(*arguments, **options)
            point = f"{call} {kind}"
            self._pass(point, BEFORE, path + source)
            if call == "write" and self._is_here(point, HALFWAY):
                real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                _end()
            result = real(*arguments, **options)
            self._pass(point, AFTER, path + source)
            return result

        return wrapped

    def _pass(self, point: str, when: str, path: str) -> None:
        with self._lock:
            if when == BEFORE:
                self._reached[point] += 1
            if self._log >= 0:
                self._write(self._log, f"{when}\t{point}\t{path}\n".encode())
            if self._is_here(point, when):
                _end()

    def _is_here(self, point: str, when: str) -> bool:
        return self.crash == (point, self._reached[point], when)

    def _path_of(self, descriptor: int, *_: object) -> str:
        return self._paths.get(descriptor, "")

    def _under(self, path: object, *, dir_fd: int | None = None) -> object:
        return path if dir_fd is None else os.path.join(self._paths.get(dir_fd, ""), str(path))  # noqa: PTH118 - as os does

    def _kind(self, path: str) -> str | None:
        if path == str(self.out.parent):
            return "parent folder"
        if path != str(self.out) and not path.startswith(f"{self.out}/"):
            return None
        inside = path.removeprefix(str(self.out)).removeprefix("/")
        if ".partial." in inside:
            return "partial file"
        return next(kind for beginning, kind in _KINDS if inside.startswith(beginning))


def _end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
