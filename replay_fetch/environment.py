"""Read keys and site from the environment, or from a file of ``NAME=value`` lines; never from arguments.

Every user of a machine can see the arguments of its processes, and shells keep them in a history.
"""

from __future__ import annotations

import logging
import re
import stat
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from replay_fetch.errors import SettingsError
from replay_fetch.settings import Credentials

log = logging.getLogger(__name__)

# The first name that is set counts: the vendor's own tools read the DD_ ones, older ones the others.
_API_KEY = ("DD_API_KEY", "DATADOG_API_KEY")
_APP_KEY = ("DD_APP_KEY", "DD_APPLICATION_KEY", "DATADOG_APP_KEY", "DATADOG_APPLICATION_KEY")
_BEARER_TOKEN = ("DD_BEARER_TOKEN", "DATADOG_BEARER_TOKEN")
_SITE = ("DD_SITE", "DATADOG_SITE")
_OURS = frozenset({*_API_KEY, *_APP_KEY, *_BEARER_TOKEN, *_SITE})

_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(.*?)\s*")
# 'as it stands', "as it stands", or a bare word; a comment may follow behind a space.
_VALUE = re.compile(r"""(?:'([^']*)'|"([^"]*)"|([^'"\s]*))(?:\s+#.*|\s*)""")
_LARGEST_FILE = 2**20  # a device or a dump named by mistake is not read into memory


def credentials(environ: Mapping[str, str], env_file: Path | None = None) -> Credentials:
    """Find the keys to use; raises SettingsError where they are missing or the file cannot be read.

    The file wins over the environment: a user who names a file means its keys, and a key of another
    organisation, exported long ago, must not slip in unseen. A file with keys of one kind (the two keys, or a
    bearer token) therefore also silences the other kind outside the file.
    """
    if env_file is None:
        return Credentials(_first(environ, _API_KEY), _first(environ, _APP_KEY), _first(environ, _BEARER_TOKEN))
    inside = _read(env_file)
    if bearer_token := _first(inside, _BEARER_TOKEN):
        return Credentials(bearer_token=bearer_token)
    api_key, app_key = _first(inside, _API_KEY), _first(inside, _APP_KEY)
    if not (api_key or app_key):
        return credentials(environ)
    return Credentials(api_key or _first(environ, _API_KEY), app_key or _first(environ, _APP_KEY))


def key_origins(environ: Mapping[str, str], env_file: Path | None = None) -> dict[str, str]:
    """Tell the origin of each key that `credentials` takes, by the key's first name; empty for a key not taken."""
    kinds = (_API_KEY, _APP_KEY, _BEARER_TOKEN)
    outside = {names[0]: "environment" if _first(environ, names) else "" for names in kinds}
    inside = _read(env_file) if env_file else {}
    in_file = {names[0]: str(env_file) for names in kinds if _first(inside, names)}
    if _BEARER_TOKEN[0] in in_file:
        return dict.fromkeys(outside, "") | {_BEARER_TOKEN[0]: str(env_file)}
    return outside | in_file | ({_BEARER_TOKEN[0]: ""} if in_file else {})


def site(environ: Mapping[str, str], env_file: Path | None = None) -> str | None:
    """Find the site that the file, else the environment names; None where neither does."""
    inside = _read(env_file) if env_file else {}
    return _first(inside, _SITE) or _first(environ, _SITE) or None


def warn_if_exposed(env_file: Path | None) -> None:
    """Log a warning where other users can read the file of keys; to be called once the log is set up."""
    if env_file is not None and env_file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        log.warning("%r holds keys and can be read by other users: chmod 600 it", str(env_file))


def _first(origin: Mapping[str, str], names: tuple[str, ...]) -> str:
    """Return the value of the first name that is set, without blanks around; empty where none is."""
    return next((value for name in names if (value := origin.get(name, "").strip())), "")


def _read(path: Path) -> dict[str, str]:
    """Read the file's assignments to names of ours. No message quotes a value: a wrong line may be a key."""
    try:
        content = _content(path) if path.is_file() else _content_once(path)
    except OSError as error:
        raise SettingsError(f"--env-file {str(path)!r} cannot be read: {error.strerror}") from None
    if len(content) > _LARGEST_FILE:
        raise SettingsError(f"--env-file {str(path)!r} is too large to be a file of keys")
    text = content.decode("utf-8-sig", errors="replace")  # a UnicodeDecodeError would carry the bytes along
    if "\ufffd" in text:
        raise SettingsError(f"--env-file {str(path)!r} is not UTF-8 text")
    return dict(_assignments(path, text))


def _content(path: Path) -> bytes:
    """Read the file's bytes, and one more than the limit at most: a device has no end."""
    with path.open("rb") as file:
        return file.read(_LARGEST_FILE + 1)


# A pipe, as in --env-file <(pass show datadog), tells its text once: to the keys and the site alike.
_content_once = lru_cache(maxsize=1)(_content)


def _assignments(path: Path, text: str) -> Iterator[tuple[str, str]]:
    """Yield each assignment to a name of ours, in order: the last one for a name counts, as in a shell."""
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        where = f"--env-file {str(path)!r}, line {number}"
        assignment = _ASSIGNMENT.fullmatch(line)
        if not assignment:
            raise SettingsError(f"{where}: not NAME=value")
        name, written = assignment.groups()
        if name not in _OURS:  # other programs' settings may be written in ways that are not ours to judge
            continue
        value = _VALUE.fullmatch(written)
        if not value:
            raise SettingsError(f"{where}: {name} has unmatched quotes, or a space outside quotes")
        yield name, value[1] or value[2] or value[3] or ""
