"""``replay-fetch simulate``: runs the simulator in the foreground."""

from __future__ import annotations

import argparse
from functools import partial

import anyio

from replay_fetch.cli.output import say
from replay_fetch.cli.simulate_options import add_options, settings_from
from replay_fetch.commands.simulate import simulate

__all__ = ["add_options", "run"]


def run(options: argparse.Namespace) -> int:
    """Run the command until it is stopped."""
    return anyio.run(partial(simulate, settings_from(options), say, write_views=options.write_views))
