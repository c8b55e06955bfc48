"""requests in threads, a session object each; drops what comes."""

from __future__ import annotations

import threading

import requests

from benchmarks.clients.common import KEYS, url, work
from benchmarks.server import PAGES


def main() -> None:
    todo = work()
    shared = iter(todo.pairs)
    turn = threading.Lock()

    def worker() -> None:
        with requests.Session() as http:
            http.headers.update(KEYS)
            while True:
                with turn:
                    pair = next(shared, None)
                if pair is None:
                    return
                first = url(todo.base_url, *pair)
                for page in range(1, PAGES + 1):
                    http.get(first if page == 1 else f"{first}&paging=p{page}", timeout=60).raise_for_status()

    threads = [threading.Thread(target=worker) for _ in range(todo.workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
