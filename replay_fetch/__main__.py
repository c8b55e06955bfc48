"""``python -m replay_fetch`` is ``replay-fetch``."""

import sys

from replay_fetch.cli import main

if __name__ == "__main__":  # processes that are started anew import it
    sys.exit(main())
