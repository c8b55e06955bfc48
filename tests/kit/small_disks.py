"""Small disks for tests: a file system of its own, and a limit on the size of files."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from processes import COMMAND

ROOT = os.geteuid() == 0


def limited(limit: str) -> tuple[str, ...]:
    """The command under a limit of the shell's ``ulimit``.

    It writes no bytecode: Python cuts the files off at the limit, and every later process of the tests would read them.
    """
    script = f'ulimit {limit} && export PYTHONDONTWRITEBYTECODE=1 && exec "$@"'
    return "/bin/sh", "-c", script, "sh", *COMMAND


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Callable[[str], None]]:
    """A small file system of its own at ``folder``; gives what mounts it anew with other options."""

    def mount(options: str) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)  # noqa: S603, S607

    folder.mkdir()
    try:
        mount(options)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("nothing can be mounted here")
    try:
        yield lambda options: mount(f"remount,{options}")
    finally:
        subprocess.run(["umount", "-l", folder], check=True)  # noqa: S603, S607
