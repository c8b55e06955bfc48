"""The offline player: one page that holds a session's recording and plays it without a network.

The page is written as a stream, chunk after chunk; its scripts are ours (``web/``) and rrweb's, packed when the
package is built (``hatch_build``).
"""

from replay_fetch.player.library import Rrweb, load_rrweb
from replay_fetch.player.page import PlayerPage
from replay_fetch.player.rum_events import ListedEvent, read_rum_events, stored_rum_events
from replay_fetch.player.views import PlayedView

__all__ = ["ListedEvent", "PlayedView", "PlayerPage", "Rrweb", "load_rrweb", "read_rum_events", "stored_rum_events"]
