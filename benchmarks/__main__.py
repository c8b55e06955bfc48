"""The one runner: ``python -m benchmarks NAME``; see benchmarks/README.md."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks import compare, fetch, pacing, pacing_live, pipeline, scale
from benchmarks.programs import FailedError

_BENCHMARKS = {"pipeline": pipeline, "scale": scale, "fetch": fetch, "compare": compare, "pacing-live": pacing_live}


def main() -> int:
    if sys.argv[1:2] == ["pacing"]:  # in virtual time, with options of its own
        return pacing.main(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="benchmark", required=True)
    for name, benchmark in _BENCHMARKS.items():
        command = commands.add_parser(name, help=(benchmark.__doc__ or "").partition(": ")[2])
        command.add_argument("--quick", action="store_true", help="under half a minute, for a first look")
        command.add_argument("--json", type=Path, metavar="FILE", help="write every measurement there")
        benchmark.add_options(command)
    commands.add_parser("pacing", help="the rate controller against others, in virtual time")
    options = parser.parse_args()
    try:
        _BENCHMARKS[options.benchmark].run(options).publish(options.json)
    except KeyboardInterrupt:
        return 130
    except FailedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
