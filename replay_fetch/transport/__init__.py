"""The only door to aiohttp: a URL in, a whole answer or an error of ours out. Begin with `http`.

aiohttp's exceptions hold the request's headers, keys included. Such exceptions stop here: an error leaves from
behind the except block, so neither ``__cause__`` nor ``__context__`` keeps a key. `faults` translates the
exceptions, `proxy` reads the environment, `trust` decides on certificates.
"""

from replay_fetch.transport.http import Transport, check_connection, open_transport

__all__ = ["Transport", "check_connection", "open_transport"]
