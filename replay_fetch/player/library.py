"""rrweb's replayer: the two files that the build packs beside this module, or the user's own copy.

The page carries both texts, so a page kept for years plays without a network and with the version it was made for.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from replay_fetch.errors import SettingsError

VERSION = "2.2.2"
SCRIPT, STYLE = "rrweb.umd.min.cjs", "style.min.css"
PACKED = Path(__file__).parent / "rrweb"
# The last line only: the script has the same words inside, too.
_SOURCE_MAP = re.compile(rb"\n(?://|/\*)# sourceMappingURL=[^\n]*\s*\Z")

_WAY_OUT = (
    f"play needs rrweb {VERSION}, which this installation was built without (npm was not there, or could not fetch "
    f"it): get it with `npm pack rrweb@{VERSION} && tar xzf rrweb-{VERSION}.tgz`, "
    f"then give --rrweb-js package/dist/{SCRIPT}"
)


class Rrweb(NamedTuple):
    """The text of rrweb's script and of its style, as they stand in the page."""

    script: str
    style: str


def load_rrweb(script: Path | None) -> Rrweb:
    """Read rrweb from ``script``, with the style beside that file; without ``script`` from the packed files.

    Raises SettingsError, which says how to get rrweb, where a file is missing or is not rrweb's.
    """
    file = script or PACKED / SCRIPT
    if script is None and not file.is_file():
        raise SettingsError(_WAY_OUT)
    loaded = Rrweb(_text(file), _text(file.with_name(STYLE)))
    if "Replayer" not in loaded.script or "</script" in loaded.script.lower():
        raise SettingsError(f"--rrweb-js {file} is not rrweb's browser build; it is dist/{SCRIPT} of the npm package")
    return loaded


def _text(file: Path) -> str:
    """Read a file without the reference to its source map, which a browser's tools would look for beside the page.

    Line ends become those of Unix: the page's policy names the script by its hash, and the hash must be the browser's.
    Raises SettingsError for a file that cannot be read or is not UTF-8.
    """
    try:
        content = file.read_bytes()
        return _SOURCE_MAP.sub(b"", content).replace(b"\r\n", b"\n").decode("utf-8").strip() + "\n"
    except OSError as error:
        raise SettingsError(f"--rrweb-js: {file} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"--rrweb-js: {file} is not text") from None
