"""A simulator of the API: it serves real recordings, fails as its settings ask, and knows the truth.

``Simulator(SimulatorSettings(…))`` is an async context manager. The simulator answers three calls: the segments of a
view, the RUM events search, and playlists. The demo, the tests and the benchmarks run against it.
"""

from replay_fetch.simulator.choices import (
    Absence,
    Algorithm,
    AuthMode,
    Body429,
    ErrorBody,
    HeaderPolicy,
    LastPage,
    PageChain,
    Reset,
    RetryAfter,
    SearchChain,
    Shape,
)
from replay_fetch.simulator.counts import Counts
from replay_fetch.simulator.faults import Fault, Scope
from replay_fetch.simulator.server import Simulator
from replay_fetch.simulator.settings import (
    AuthSettings,
    HoldingSettings,
    LatencySettings,
    LimitHeaderSettings,
    LimitSettings,
    PagingSettings,
    SearchSettings,
    SimulatorSettings,
)
from replay_fetch.simulator.truth import Population, Truth

__all__ = [
    "Absence",
    "Algorithm",
    "AuthMode",
    "AuthSettings",
    "Body429",
    "Counts",
    "ErrorBody",
    "Fault",
    "HeaderPolicy",
    "HoldingSettings",
    "LastPage",
    "LatencySettings",
    "LimitHeaderSettings",
    "LimitSettings",
    "PageChain",
    "PagingSettings",
    "Population",
    "Reset",
    "RetryAfter",
    "Scope",
    "SearchChain",
    "SearchSettings",
    "Shape",
    "Simulator",
    "SimulatorSettings",
    "Truth",
]
