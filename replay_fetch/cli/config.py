"""Show the settings of ``replay-fetch config``: the values that a download would go by, and the origin of each.

A row has a name, a value and an origin. Keys are rows, too, and say only whether a value is set.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson

from replay_fetch.cli.options import OPTIONS, add_download_settings, settings_from
from replay_fetch.cli.output import say
from replay_fetch.environment import key_origins
from replay_fetch.option import as_typed
from replay_fetch.printable import printable

_EPILOG = """\
The options are those of download: config says what it would go by, and does
nothing. --json prints one object a setting, on a line of its own.

order: option, environment (REPLAY_FETCH_MAX_RATE for --max-rate; DD_SITE),
the file named with --config, default

example: replay-fetch config --config archive.toml, where archive.toml holds
  site = "datadoghq.eu"
  max-rate = 5
  compress = "zstd"
"""


class _Row(NamedTuple):
    """A setting in force: its name in a settings file, its value as typed, and its origin; empty for a key not set."""

    name: str
    value: str | None
    origin: str


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``download``, so any command line of a download can be looked at without a run."""
    parser.epilog = _EPILOG
    add_download_settings(parser)


def run(options: argparse.Namespace) -> int:
    """Print the settings, one a line, or with ``--json`` an object a line; returns 0.

    Raises SettingsError where a download would, so a mistake is found before the night that it would cost.
    """
    # Made to be checked, then dropped: the rows show what was typed, in the words it was typed in.
    settings_from(options)
    rows = [*_settings(options), *_keys(options.env_file)]
    say("\n".join(map(_json, rows) if options.json else _table(rows)))
    return 0


def _settings(options: argparse.Namespace) -> Iterator[_Row]:
    """Make a row of each option, in the order of the help; the value is None where an option is not set."""
    for name, origin in options.origins.items():
        field, option = OPTIONS.get(name, (name.replace("-", "_"), None))
        value = getattr(options, field)
        write = option.form.write if option else as_typed
        yield _Row(name, None if value is None or value == "" else printable(write(value)), printable(origin))


def _keys(env_file: Path | None) -> Iterator[_Row]:
    """Make a row of each key, with its origin. The value says ``set`` or ``not set``, and never holds the key."""
    for name, origin in key_origins(os.environ, env_file).items():
        yield _Row(name, "set" if origin else "not set", printable(origin))


def _table(rows: list[_Row]) -> Iterator[str]:
    """Set the rows in columns as wide as the longest text, two spaces between: a long value ends somewhere, too."""
    # Widths from the rows themselves: in columns of a fixed width a long URL runs into its origin.
    names, values = max(len(row.name) for row in rows), max(len(row.value or "-") for row in rows)
    for row in rows:
        yield f"{row.name:<{names}}  {row.value or '-':<{values}}  {row.origin}".rstrip()


def _json(row: _Row) -> str:
    return orjson.dumps(row._asdict()).decode()
