"""``python -m replay_fetch`` is ``replay-fetch``."""

import sys

from replay_fetch.cli import main

sys.exit(main())
