"""Run the command line: options in, text and an exit code out. No other folder prints."""

from replay_fetch.cli.main import main

__all__ = ["main"]
