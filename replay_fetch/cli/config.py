"""``replay-fetch config``: what a download would go by, and where each setting comes from."""

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
    """A setting as it is in force; ``origin`` is empty for a key that is not set."""

    name: str
    value: str | None
    origin: str


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``download``: they are looked at, nothing is done."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    add_download_settings(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command; raises SettingsError where a download would."""
    settings_from(options)
    rows = [*_settings(options), *_keys(options.env_file)]
    say("\n".join(map(_json, rows) if options.json else _table(rows)))
    return 0


def _settings(options: argparse.Namespace) -> Iterator[_Row]:
    """The options in their order; the value is None for one that is not set."""
    for name, origin in options.origins.items():
        field, option = OPTIONS.get(name, (name.replace("-", "_"), None))
        value = getattr(options, field)
        write = option.form.write if option else as_typed
        yield _Row(name, None if value is None or value == "" else printable(write(value)), printable(origin))


def _keys(env_file: Path | None) -> Iterator[_Row]:
    """Whether each key is set; its value never."""
    for name, origin in key_origins(os.environ, env_file).items():
        yield _Row(name, "set" if origin else "not set", printable(origin))


def _table(rows: list[_Row]) -> Iterator[str]:
    """The rows in columns as wide as their longest text: a long value is followed by two spaces, too."""
    names, values = max(len(row.name) for row in rows), max(len(row.value or "-") for row in rows)
    for row in rows:
        yield f"{row.name:<{names}}  {row.value or '-':<{values}}  {row.origin}".rstrip()


def _json(row: _Row) -> str:
    return orjson.dumps(row._asdict()).decode()
