"""Write the page of ``replay-fetch play``, which plays a session without a network, and open it in a browser.

The page is made by the player; here are the command's options and its closing lines.
"""

from __future__ import annotations

import argparse
import webbrowser
from pathlib import Path

import orjson

from replay_fetch.cli.archive_option import add_archive, add_session, on_current_shelf
from replay_fetch.cli.options import add_output, show_settings
from replay_fetch.cli.output import complain, say, shown, warn
from replay_fetch.named_file import NamedFile
from replay_fetch.progress.units import duration, size, some

_SOME_DID_NOT = 1

_EPILOG = """\
examples:
  replay-fetch play archive/ 1f46e825
  replay-fetch play archive/ 1f46e825 --at +1m30s
  replay-fetch play archive/ 1f46e825 --html page.html --events rum.ndjson

exit codes: 0 the page is there; what is not in it is named on stderr; 1 nothing
of the session can be played; 2 no session or view begins so, or several do, or
an option cannot be used; 3 the archive cannot be read, or the page not written
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the session, the view and time to begin with, and the files that the page is made of or goes to."""
    parser.epilog = _EPILOG
    add_archive(parser)
    add_session(parser)
    parser.add_argument(
        "--at",
        metavar="TIME",
        help="where it opens: 90, 1:30 or +1m30s from the session's start, with --view the view's, or an ISO time",
    )
    parser.add_argument("--html", metavar="FILE", type=Path, help="keep the page here, and open no browser")
    parser.add_argument(
        "--events",
        metavar="FILE",
        type=Path,
        help="RUM events, one a line: errors, requests and long tasks as marks; default: those that OUT holds",
    )
    parser.add_argument(
        "--rrweb-js", metavar="FILE", type=Path, help="rrweb.umd.min.cjs, where the package was built without it"
    )
    parser.add_argument("--no-open", action="store_true", help="open no browser; say where the page is")
    add_output(parser)


@on_current_shelf
def run(options: argparse.Namespace) -> int:
    """Write the page, open it, and print its place; returns 1 where the session has no picture, else 0.

    A view without a full snapshot is left out of the page, with a warning. A browser is opened only for a page
    that no ``--html`` names.
    """
    from replay_fetch.player.session_page import NothingToPlay, WantedPage, play  # noqa: PLC0415 - the converter, for this alone

    html = NamedFile("--html", options.html) if options.html is not None else None
    wanted = WantedPage(options.session, options.view, options.at, html, options.events, options.rrweb_js)
    try:
        with shown(show_settings(options)) as reporter:
            played = play(options.out, wanted, reporter)
    # No mistake of the user's: the session is there, and its recording lacks a beginning.
    except NothingToPlay as error:
        complain(error)
        return _SOME_DID_NOT
    for silent in played.silent:
        warn(f"not in the page: {silent}")
    if played.not_at:
        warn(played.not_at)
    if html is not None and html.is_stream:  # which may be stdout
        return 0
    if options.json:
        content = {**played._asdict(), "file": str(played.file)}
        say(orjson.dumps(content).decode())
    else:
        say(f"{played.file}\n{some(played.views, 'view')}, {duration(played.seconds)}, {size(played.size)}")
    # A page that was asked for by name is for keeping; opening it would surprise a script.
    if options.html is None and not options.no_open and not webbrowser.open(played.file.resolve().as_uri()):
        warn(f"no browser could be opened; open {played.file} in one")
    return 0
