"""The one door to aiohttp: a URL in, a whole answer or an error of ours out.

aiohttp's exceptions hold the request's headers, keys included. They stop here: an error that leaves is raised
behind the except block, so that neither ``__cause__`` nor ``__context__`` keeps them.
"""

from replay_fetch.transport.http import Transport, check_connection, open_transport

__all__ = ["Transport", "check_connection", "open_transport"]
