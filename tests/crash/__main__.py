"""``python -m tests.crash --kills N``: the long form of the crash tests."""

from __future__ import annotations

import sys
from pathlib import Path

# Where pytest finds the tests' modules, too.
sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(1, str(Path(__file__).parents[1] / "kit"))

from crash.nightly import main

sys.exit(main(sys.argv[1:]))
