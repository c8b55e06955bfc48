"""Downloads by real processes into a server of a store: an archive's place there, and a proxy on the way to it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import obstore
import zstandard
from anyio.from_thread import start_blocking_portal
from archives import KEYS, WIDE
from store_faults import Lost, losing

from benchmarks.stores import SECRET, StoreServer
from replay_fetch.simulator import PagingSettings, Simulator, SimulatorSettings

# Eight sessions of a few views, in several pages each.
SIMULATED = SimulatorSettings(limit=WIDE, paging=PagingSettings(page_segments=2))
FLAGS = ("--commit-every", "0.05", "--workers", "2", "--compress", "zstd")
LEASE = ".replay-fetch/lease.json"


class Bucket:
    """An archive's place on the server: what lies there, the way to it, and a lease that may be taken away."""

    def __init__(self, server: StoreServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        prefix = uuid.uuid4().hex
        self.url = server.url(prefix)
        self.store = server.store(prefix)
        # SeaweedFS makes a bucket at the first write to it, and until then refuses to list it.
        obstore.put(self.store, "made", b"")
        obstore.delete(self.store, "made")

    def environment(self, port: int | None = None, secret: str = SECRET) -> dict[str, str]:
        """What a process is started with; ``port`` is of a proxy in front of the server."""
        return {
            **self.server.environment(port, secret),
            "TMPDIR": str(self.folder),  # a killed process leaves its scratch
            "DD_API_KEY": KEYS.api_key,
            "DD_APP_KEY": KEYS.app_key,
        }

    def all(self) -> dict[str, bytes]:
        names = [meta["path"] for meta in obstore.list(self.store).collect()]
        return {name: bytes(obstore.get(self.store, name).bytes()) for name in names}

    def files(self) -> dict[str, bytes]:
        """Everything but what is our own, and the reports, which tell of their own runs."""
        return {name: text for name, text in self.all().items() if not name.startswith((".", "report"))}

    def merged_files(self) -> dict[str, bytes]:
        """The same without what belongs to single shards."""
        return {name: text for name, text in self.files().items() if not name.startswith("manifest/")}

    def texts(self) -> list[bytes]:
        """Each object, and its text where it is packed."""
        found = list(self.all().values())
        packed = [content for content in found if content.startswith(b"\x28\xb5\x2f\xfd")]
        return [*found, *(zstandard.ZstdDecompressor().decompressobj().decompress(each) for each in packed)]

    def age_lease(self, name: str = LEASE) -> None:
        """Shorten the time for which the lease must stand still, as if its minute were nearly over."""
        lease = json.loads(bytes(obstore.get(self.store, name).bytes()))
        obstore.put(self.store, name, json.dumps({**lease, "seconds": 1}).encode(), use_multipart=False)

    def forget_lease(self) -> None:
        """As if it had stood still for its minute."""
        with suppress(FileNotFoundError):  # killed before the first request made the bucket
            obstore.delete(self.store, [name for name in self.all() if name.endswith("/lease.json")])


@contextmanager
def hearing(server: StoreServer, heard: Callable[[int, bytes], Lost | bytes]) -> Iterator[int]:
    """A proxy on a port of its own, which tells of each request before it is sent on."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(losing(server.port, heard)) as proxy:
        yield proxy


def command(views: Path, url: str, simulator: Simulator, *flags: str) -> tuple[str | Path, ...]:
    """The words of a download into the place."""
    return ("download", views, url, "--base-url", simulator.base_url, *FLAGS, *flags)
