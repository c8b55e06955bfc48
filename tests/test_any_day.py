"""Tests that compute with dates pass on any day, and a test that hangs ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from processes import HANGS, environment

TESTS = Path(__file__).parent
# Relative points in time, meant for the API, meet recordings and events that have days of their own. In these files
# the marker `any_day` stands at one test for each way to compute with dates; to run all of them again would take a
# tenth of the suite's time and meet the same lines.
WITH_DATES = (
    "docs/test_readme_ways.py",
    "commands/test_discover_command.py",
    "parts/simulator/test_simulator_search.py",
)
LEAP_DAY = "2032-02-29T23:59:50+00:00"


def pytest_says(*arguments: str | Path, **variables: str) -> str:
    """What a pytest of its own says, which has this suite's settings."""
    done = subprocess.run(  # noqa: S603 - our own tests
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, arguments)],
        cwd=TESTS.parent,
        env={**environment(), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=HANGS,
    )
    return done.stdout + done.stderr


def another_day(moment: str) -> dict[str, str]:
    paths = [str(TESTS.parent), str(TESTS / "another_day"), os.environ.get("PYTHONPATH", "")]
    return {"ANOTHER_DAY": moment, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def test_tests_that_compute_with_dates_pass_ten_seconds_before_a_leap_day_ends() -> None:
    """The clock of Python is moved; ``faketime '+3 years' pytest`` moves all others too, where it is installed."""
    said = pytest_says("-n", "0", "-m", "any_day", *(TESTS / name for name in WITH_DATES), **another_day(LEAP_DAY))
    assert " failed" not in said, said
    assert " passed" in said, said


@pytest.mark.parametrize(("window", "verdict"), [("2d", "1 failed"), ("36500d", "1 passed")])
def test_a_test_that_depends_on_today_fails_on_another_day(tmp_path: Path, window: str, verdict: str) -> None:
    """The archive's clock is seen to move, in processes that a test starts as well."""
    (tmp_path / "test_today.py").write_text(
        "import subprocess, sys\n"
        "from replay_fetch.option import age\n"
        "def test_what_was_recorded_on_the_day_it_was_written_is_young():\n"
        "    seen = subprocess.check_output([sys.executable, '-c', 'import time; print(time.time())'])\n"
        f"    assert float(seen) - {1_795_000_000} < age({window!r})\n"
    )
    assert verdict in pytest_says("-n", "0", tmp_path, **another_day(LEAP_DAY))


@pytest.mark.parametrize("processes", ["0", "1"])
def test_a_test_that_hangs_ends(tmp_path: Path, processes: str) -> None:
    hanging = tmp_path / "test_hanging.py"
    hanging.write_text("import threading\ndef test_it():\n    threading.Event().wait()\n")
    said = pytest_says("-n", processes, "-c", TESTS.parent / "pyproject.toml", "-o", "timeout=0.5", hanging)
    assert "1 failed" in said, said
    assert "Timeout" in said, said
