"""The one runner: ``python -m benchmarks NAME``; see benchmarks/README.md."""

from __future__ import annotations

import argparse
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.programs import FailedError

_BENCHMARKS = {
    "figures": "is it as fast and as small as it is meant to be?",
    "pipeline": "what does a page cost with everything on, against others doing the same job?",
    "scale": "what does a view cost, in time and memory, from a thousand rows to a million?",
    "fetch": "what does asking alone cost, by client?",
    "start": "how long does --help take?",
    "parts": "what do the parts of a page cost by themselves?",
    "verify": "how fast is an archive read back, against hashing and inflating alone?",
    "buckets": "what does an archive in a bucket cost over one in a folder?",
    "replays": "how fast is a long recording rebuilt, and in how much memory?",
    "compare": "has the hot path become faster between two revisions?",
    "shards": "what do planning and merging shards cost on a long list?",
    "pacing": "the rate controller against others, in virtual time",
    "pacing-live": "how much of a real limit do one and two clients take?",
}


def main() -> int:
    if sys.argv[1:2] == ["pacing"]:  # in virtual time, with options of its own
        return int(_module("pacing").main(sys.argv[2:]))
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="benchmark", required=True)
    for name, question in _BENCHMARKS.items():
        command = commands.add_parser(name, help=question)
        command.add_argument("--quick", action="store_true", help="a first look, in about half a minute")
        command.add_argument("--json", type=Path, metavar="FILE", help="write every measurement there")
        command.add_argument("--out", type=Path, metavar="FOLDER", help=f"write {name}.md there")
        if sys.argv[1:2] == [name]:
            _module(name).add_options(command)
    options = parser.parse_args()
    _let_signals_interrupt()
    try:
        _module(options.benchmark).run(options).publish(options.json, options.out)
    except KeyboardInterrupt:
        return 130
    except FailedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _module(name: str) -> Any:  # Any: a module has no type of its own
    """The one benchmark that is wanted: the peak of every program counts from what is loaded here."""
    return import_module(f"benchmarks.{name.replace('-', '_')}")


def _let_signals_interrupt() -> None:
    """Servers and folders go as they do on Ctrl-C."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


if __name__ == "__main__":
    sys.exit(main())
