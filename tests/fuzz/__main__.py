"""``python -m tests.fuzz TARGET --minutes N``: the long form of the fuzz tests."""

from __future__ import annotations

import sys
from pathlib import Path

# Where pytest finds the tests' modules, too.
sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(1, str(Path(__file__).parents[1] / "kit"))

from fuzz.long_form import main

sys.exit(main(sys.argv[1:]))
