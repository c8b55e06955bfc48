"""Ending what runs in this process as a kill would, at any of the calls that change an archive."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from replay_fetch.ledger.ledger import Ledger


class Killed(BaseException):
    """Ends a run as a kill would: nobody expects it."""


@contextmanager
def killed_at(instant: int) -> Iterator[None]:
    """End a run at one of the calls that change an archive, counted from 0."""
    passed = itertools.count()

    def wrap(owner: Any, name: str) -> None:  # Any: a module or a class
        real: Callable[..., Any] = getattr(owner, name)

        def wrapped(*arguments: Any, **options: Any) -> Any:
            if next(passed) == instant:
                raise Killed(name)
            return real(*arguments, **options)

        patch.setattr(owner, name, wrapped)

    with pytest.MonkeyPatch.context() as patch:
        for name in ("replace", "unlink", "fsync"):
            wrap(os, name)
        steps = ("record", "published", "set_setting", "drop_setting", "restore", "forget_partial_files")
        for name in (*steps, "begin_erasure", "files_are_gone", "compact"):
            wrap(Ledger, name)
        for name in ("record_events", "events_published", "restore_events"):
            wrap(Ledger, name)
        yield


def is_kill(ended: BaseException) -> bool:
    """Tell whether an exception is a kill, or a group of tasks that a kill brought down."""
    if isinstance(ended, BaseExceptionGroup):
        return any(map(is_kill, ended.exceptions))
    return isinstance(ended, Killed)
