"""The command line: options in, text and an exit code out; the only place that prints."""

from replay_fetch.cli.main import main

__all__ = ["main"]
