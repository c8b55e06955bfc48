"""The server of every comparison: nginx in its own process, or a small one of ours where that is missing.

It answers any session and view with the same five pages, which the query ``paging`` selects, or each view of a list
with pages that carry its ids. It says that its limit is too high to be met, so that nobody is held back.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.mix import LINKED, PAGES_OF_VIEW
from benchmarks.programs import FailedError, running
from benchmarks.tls import Certificate
from replay_fetch.simulator.choices import Shape

SIZES = (2_000, 20_000, 200_000, 2_000_000)
CODINGS = ("plain", "gzip")
PAGES = 5
"""Pages of a session; page n holds the token ``p{n + 1}``, the last one holds none."""
HEADERS = {
    "X-RateLimit-Limit": "1000000000",
    "X-RateLimit-Period": "10",
    "X-RateLimit-Remaining": "999999999",
    "X-RateLimit-Reset": "5",
}
_NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; open_file_cache max=100;
  keepalive_requests 1000000000; keepalive_timeout 600; default_type application/json;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  map $arg_paging $page {{ default 1; p2 2; p3 3; p4 4; p5 5; }}
  map $request_uri $digit {{ ~/views/[^/]*(?<last>[0-9a-f])/segments $last; }}
  map $digit-$page $link {{ {links} }}
  map $request_uri $own {{ ~/sessions/(?<of_session>[^/]*)/views/(?<of_view>[^/]*)/segments $of_session/$of_view; }}
  {headers}
  {tls}
  {servers}
}}
"""
_SERVER = """server {{
    listen 127.0.0.1:{port}{listen}; root {root}; {extra}
    location / {{ rewrite ^ /{file} break; }}
    location = /asked {{ stub_status; }}
  }}"""
_TLS = "ssl_certificate {0.chain_file}; ssl_certificate_key {0.key_file}; ssl_protocols TLSv1.3;"
_ASKED = re.compile(rb"requests\n \d+ \d+ (\d+) ")  # as nginx words it


@contextmanager
def serving(
    folder: Path,
    sizes: Sequence[int],
    codings: Sequence[str],
    certificate: Certificate | None = None,
    views: Path | None = None,
) -> Iterator[tuple[str, dict[str, str]]]:
    """Serve the pages, over TLS with a certificate; yields the server's name and a base URL for each ``size/coding``.

    It speaks HTTP/1.1 only, and TLS 1.3 only. With ``views``, a list, the pages of each view carry its ids, as the
    API's do; raises FailedError where nginx is not installed to serve these.
    """
    cut = [sys.executable, "-m", "benchmarks.pages", str(folder), *map(str, sizes), "--codings", *codings]
    subprocess.run([*cut, "--views", str(views)] if views else cut, check=True)  # noqa: S603 - ours
    wanted = [f"{size}/{coding}" for size in sizes for coding in codings]
    ports = dict(zip(wanted, free_ports(len(wanted)), strict=True))
    nginx = nginx_program()
    if views and not nginx:
        raise FailedError("pages with ids need nginx")
    file = "$own/$page.json" if views else "$page.json"
    command = _nginx(nginx, folder, ports, certificate, file) if nginx else _ours(folder, ports, certificate)
    with running(command):
        for port in ports.values():
            wait_for(port)
        name = "nginx" if nginx else "asyncio (nginx is not installed)"
        scheme, over = ("https", ", TLS 1.3") if certificate else ("http", "")
        yield f"{name}{over}", {what: f"{scheme}://127.0.0.1:{port}" for what, port in ports.items()}


@contextmanager
def serving_mix(
    folder: Path, shapes: Sequence[Shape], certificate: Certificate | None = None
) -> Iterator[dict[str, str]]:
    """Serve the mix from nginx, with headers of the limit and without; yields a base URL for each case."""
    subprocess.run([sys.executable, "-m", "benchmarks.mix", folder, *shapes], check=True)  # noqa: S603 - ours
    cases = {f"{shape}, {headers}": (shape, headers) for shape in shapes for headers in ("headers", "no headers")}
    ports = dict(zip(cases, free_ports(len(cases)), strict=True))
    listen = " ssl" if certificate else ""
    servers = []
    for case, (shape, headers) in cases.items():
        told = _told({**(HEADERS if headers == "headers" else {}), **({"Link": "$link"} if shape in LINKED else {})})
        place = {"port": ports[case], "listen": listen, "root": folder / shape, "file": "$digit-$page.json"}
        servers.append(_SERVER.format(**place, extra=told or "add_header X-None '';"))
    nginx = nginx_program()
    if nginx is None:
        raise FailedError("the mix needs nginx")
    with running(_configured(nginx, folder, servers, certificate)):
        for port in ports.values():
            wait_for(port)
        scheme = "https" if certificate else "http"
        yield {case: f"{scheme}://127.0.0.1:{port}" for case, port in ports.items()}


def asked(base_url: str, certificate: Certificate | None = None) -> int:
    """How many requests the server of the pages has had, on all ports, this one included."""
    with _connected(base_url, certificate) as connection:
        connection.sendall(b"GET /asked HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    found = _ASKED.search(answer)
    if not found:
        raise SystemExit("the server does not say what it was asked")
    return int(found[1])


def _connected(base_url: str, certificate: Certificate | None) -> socket.socket:
    place = urlsplit(base_url)
    plain = socket.create_connection((place.hostname or "", place.port or 80), timeout=10)
    return certificate.trusting().wrap_socket(plain, server_hostname=place.hostname) if certificate else plain


def _nginx(program: str, folder: Path, ports: dict[str, int], certificate: Certificate | None, file: str) -> list[str]:
    place = {"listen": " ssl" if certificate else "", "file": file}
    servers = [
        _SERVER.format(**place, port=port, root=folder / what, extra=_extra(what)) for what, port in ports.items()
    ]
    return _configured(program, folder, servers, certificate)


def _configured(program: str, folder: Path, servers: Sequence[str], certificate: Certificate | None) -> list[str]:
    """The command that runs nginx with those servers."""
    tls = _TLS.format(certificate) if certificate else ""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "nginx.conf"
    parts = {"headers": _told(HEADERS), "tls": tls, "links": _links(), "servers": "\n  ".join(servers)}
    config.write_text(_NGINX.format(folder=folder, **parts))
    return [program, "-e", str(folder / "error.log"), "-c", str(config)]


def _links() -> str:
    """The header that leads on from each page of the mix that is not its view's last."""
    return " ".join(
        f"""{digit}-{page} '<?source=event_platform&paging=p{page + 1}>; rel="next"';"""
        for digit, count in PAGES_OF_VIEW.items()
        for page in range(1, count)
    )


def _told(headers: Mapping[str, str]) -> str:
    return " ".join(f'add_header {name} "{value}";' for name, value in headers.items())


def _extra(what: str) -> str:
    """add_header of a server replaces those around it, so they are said again."""
    if what.endswith("plain"):
        return ""
    return _told({**HEADERS, "Content-Encoding": "gzip"})


def _ours(folder: Path, ports: dict[str, int], certificate: Certificate | None) -> list[str]:
    places = [f"{what}={port}" for what, port in ports.items()]
    tls = ["--tls", str(certificate.folder)] if certificate else []
    return [sys.executable, "-m", "benchmarks.static", str(folder), *places, *tls]


def nginx_program() -> str | None:
    """Where nginx is, if it is installed; Debian puts it where only root looks."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("the server does not come up")
