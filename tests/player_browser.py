"""The browser that tests watch recordings in; without Chromium they are skipped aloud, and fail in CI."""

from __future__ import annotations

import os

import pytest

from benchmarks.player.browser import chromium

MISSING = "Chromium is missing: apt-get install chromium"


def require_chromium() -> None:
    """Skip, or in CI fail, where there is no Chromium."""
    if chromium() is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
