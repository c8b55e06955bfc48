"""``replay-fetch config``: what a download would go by, and where each setting comes from."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

from replay_fetch.cli.download_options import add_setting_options, settings_from
from replay_fetch.cli.output import say
from replay_fetch.cli.quantities import age_text, size_text
from replay_fetch.environment import key_origins
from replay_fetch.printable import printable
from replay_fetch.settings import SITES

_EPILOG = """\
The options are those of download: config says what it would go by, and does
nothing.

order: option, environment (REPLAY_FETCH_MAX_RATE for --max-rate; DD_SITE),
the file named with --config, default

example: replay-fetch config --config archive.toml, where archive.toml holds
  site = "datadoghq.eu"
  max-rate = 5
  compress = "zstd"
"""

_AS_WRITTEN = {"refresh-window": age_text, "memory-limit": size_text}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``download``: they are looked at, nothing is done."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    add_setting_options(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command; raises SettingsError where a download would."""
    settings_from(options, None)
    say("\n".join([*_settings(options), *_keys(options.env_file)]))
    return 0


def _settings(options: argparse.Namespace) -> Iterator[str]:
    for name, origin in options.origins.items():
        value = getattr(options, name.replace("-", "_"))
        if name == "site":
            value = value or SITES[0]
        as_written = _AS_WRITTEN.get(name, _shown)(value)
        yield f"{name:<18}{as_written:<28}{printable(origin)}"


def _keys(env_file: Path | None) -> Iterator[str]:
    """Whether the keys are there; never what they are."""
    for name, origin in key_origins(os.environ, env_file).items():
        yield f"{name:<18}{'set' if origin else 'not set':<28}{printable(origin)}".rstrip()


def _shown(value: object) -> str:
    """A value as people read it; a dash where nothing is set."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    return printable(f"{value:g}" if isinstance(value, float) else str(value))
