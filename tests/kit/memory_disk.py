"""The tests' files in memory, where the machine has a file system for that.

Runs fsync each of their files, and the suite makes some ten thousand: on a disk that others use too, the tests wait
for it longer than they compute. What fsync is called for, and before what, is tested by its calls, which no file system
changes: ``promises/test_crash``.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - a file system in memory is what is wanted
_NEEDED = 4 << 30  # bytes; many times what lies there at once, since a test that passed leaves nothing
_OF_TESTS, _OF_ALL = "PYTEST_DEBUG_TEMPROOT", "TMPDIR"


@contextmanager
def files_in_memory() -> Iterator[None]:
    """Let ``tmp_path`` and temporary files of all processes lie in memory; somebody's own choice of a folder stands.

    The files of tests that failed stay, as pytest leaves them; all other temporary files are removed at the end.
    """
    if any(name in os.environ for name in (_OF_TESTS, _OF_ALL)) or not _takes_the_tests():
        yield
        return
    folder = tempfile.mkdtemp(prefix="replay-fetch-tests-", dir=_MEMORY)
    Path(folder).chmod(0o1777)  # as the machine's own: some tests start processes of other users
    known = tempfile.tempdir
    os.environ |= {_OF_TESTS: str(_MEMORY), _OF_ALL: folder}
    tempfile.tempdir = None  # found anew
    try:
        yield
    finally:
        tempfile.tempdir = known
        for name in (_OF_TESTS, _OF_ALL):
            del os.environ[name]
        shutil.rmtree(folder, ignore_errors=True)


def _takes_the_tests() -> bool:
    """Tell whether there is room, and whether programs can be started there, which containers often forbid."""
    if not os.access(_MEMORY, os.W_OK | os.X_OK):
        return False
    about = os.statvfs(_MEMORY)
    return about.f_bavail * about.f_frsize >= _NEEDED and not about.f_flag & getattr(os, "ST_NOEXEC", 0)
