"""Carries out a Dockerfile without Docker, as root: a stage is a layer over this machine's files, which stay untouched.

The base image is this machine with an empty virtual environment of this Python, and nothing is limited.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from processes import HANGS, Done

# What the steps find here in place of registries; and no compiling, which takes half of an installation's time.
_OFFLINE = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": "/dev/null", "PIP_NO_COMPILE": "1", "npm_config_offline": "true"}
# Of a folder its content, as Docker has it.
_COPY = 'copy() { if [ -d "$1" ]; then mkdir -p "$2" && cp -r "$1/." "$2"; else cp "$1" "$2"; fi; }'


def require_layers() -> None:
    """Skip the test where nobody may lay one file system over another."""
    may = all(map(shutil.which, ("unshare", "setpriv", "chroot")))
    if not may or subprocess.run(["unshare", "--mount", "true"], check=False).returncode:  # noqa: S607
        pytest.skip("only root can lay one file system over another, and not in every container")


@dataclass
class _Stage:
    """A stage as it stands behind the steps carried out so far."""

    root: Path
    folder: str = "/"
    user: str = ""
    environment: dict[str, str] = field(
        default_factory=lambda: {"PATH": "/image/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", **_OFFLINE}
    )
    entrypoint: Sequence[str] = ()
    arguments: Sequence[str] = ()

    def run(self, words: Sequence[str], more: Mapping[str, str] | None = None) -> str:
        """The shell's line that runs a command in the stage, as its user."""
        environment = [f"{name}={value}" for name, value in {**self.environment, **(more or {})}.items()]
        user = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups"] if self.user else []
        inside = ["sh", "-c", f'cd {self.folder} && exec "$@"', "sh", *words]
        return shlex.join(["env", "-i", *environment, "chroot", str(self.root), *user, *inside])


class Image:
    """The shell's lines that carry out a Dockerfile in an empty folder, and what its last stage is like."""

    def __init__(self, dockerfile: str, context: Path, folder: Path) -> None:
        self._context, self._folder = context, folder
        self._stages: dict[str, _Stage] = {}
        self._lines = [_COPY, f"mkdir {folder}/layers", f"mount -t tmpfs tmpfs {folder}/layers"]
        self._last = _Stage(Path("/"))
        for line in dockerfile.replace("\\\n", " ").splitlines():
            if line.strip() and not line.startswith("#"):
                word, _, rest = line.partition(" ")
                self._lines += getattr(self, f"_{word.lower()}")(rest.strip())

    def run(self, look: str, *runs: Sequence[str], environment: Mapping[str, str]) -> Done:
        """Build the image, look at it with a line of the shell, then run it with each list of arguments.

        The first stage finds packages that are installed here, packed again: no step reaches a registry.
        """
        self._folder.mkdir()
        make = [sys.executable, "-m", "venv", "--copies", str(self._folder / "image")]
        subprocess.run(make, check=True)  # noqa: S603 - ourselves
        _pack_again(["hatchling", "replay-fetch[store]"], self._folder / "links")
        commands = [[*self._last.entrypoint, *(words or self._last.arguments)] for words in runs]
        lines = [*self._lines, self._last.run(["sh", "-e", "-c", look])]
        lines += [self._last.run(words, environment) for words in commands]
        # In a namespace of its own, whose mounts end with it.
        command = ["unshare", "--mount", "sh", "-e", "-c", "\n".join(lines)]
        done = subprocess.run(command, capture_output=True, timeout=HANGS, check=False)  # noqa: S603 - our own command
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    # --- steps, by their words

    def _from(self, rest: str) -> Iterator[str]:
        layer, first = self._folder / "layers" / str(len(self._stages)), not self._stages
        name = rest.partition(" AS ")[2] or str(len(self._stages))
        self._last = self._stages[name] = _Stage(layer / "root")
        root = self._last.root
        yield f"mkdir -p {layer}/upper {layer}/work {root}"
        yield f"mount -t overlay overlay -o lowerdir=/,upperdir={layer}/upper,workdir={layer}/work {root}"
        yield f"chmod o+x {root}/root"  # where this Python may lie
        yield f"mount --bind /dev {root}/dev"
        yield f"cp -r {self._folder}/image {root}/image"
        if first:
            self._last.environment["PIP_FIND_LINKS"] = "/links"
            yield f"cp -r {self._folder}/links {root}/links"

    def _workdir(self, rest: str) -> Iterator[str]:
        self._last.folder = rest
        yield f"mkdir -p {self._last.root}{rest}"

    def _copy(self, rest: str) -> Iterator[str]:
        *names, target = shlex.split(rest)
        source = self._context
        if names[0].startswith("--from="):
            source = self._stages[names.pop(0).removeprefix("--from=")].root
        for name in names:
            yield f"copy {source}/{name.lstrip('/')} {self._last.root}{Path(self._last.folder, target)}"

    def _run(self, rest: str) -> Iterator[str]:
        yield self._last.run(["sh", "-c", rest]) + " >&2"

    def _user(self, rest: str) -> Iterator[str]:
        self._last.user = rest
        yield ":"

    def _env(self, rest: str) -> Iterator[str]:
        for name, _, value in (word.partition("=") for word in shlex.split(rest)):
            self._last.environment[name] = value
        yield ":"

    def _entrypoint(self, rest: str) -> Iterator[str]:
        self._last.entrypoint = json.loads(rest)
        yield ":"

    def _cmd(self, rest: str) -> Iterator[str]:
        self._last.arguments = json.loads(rest)
        yield ":"


def _pack_again(wanted: Sequence[str], folder: Path) -> None:
    """Write wheels of what the requirements need, from the packages that are installed here; not of replay-fetch."""
    folder.mkdir()
    waiting, seen = [Requirement(text) for text in wanted], set[tuple[str, frozenset[str]]]()
    while waiting:
        requirement = waiting.pop()
        known = requirement.name.lower(), frozenset(requirement.extras)
        if known in seen:
            continue
        seen.add(known)
        installed = distribution(requirement.name)
        if requirement.name != "replay-fetch":
            _wheel(installed, folder)
        for text in installed.requires or ():
            needed = Requirement(text)
            extras = [{"extra": extra} for extra in ("", *requirement.extras)]
            if needed.marker is None or any(needed.marker.evaluate(extra) for extra in extras):
                waiting.append(needed)


def _wheel(installed: Distribution, folder: Path) -> None:
    tag = next(line for line in (installed.read_text("WHEEL") or "").splitlines() if line.startswith("Tag: "))
    name = installed.metadata["Name"].replace("-", "_")
    record: list[str] = []
    with zipfile.ZipFile(folder / f"{name}-{installed.version}-{tag[5:]}.whl", "w") as wheel:
        for file in installed.files or ():
            if not str(file).startswith("..") and file.name != "RECORD" and file.suffix != ".pyc":
                wheel.write(str(file.locate()), str(file))
                record.append(f"{file},,")
            elif file.name == "RECORD":
                place = str(file)
        wheel.writestr(place, "\n".join([*record, f"{place},,"]))
