"""Fetching and finding views: one page asked for until it is there, pages walked to the end of the chain."""

from replay_fetch.fetch.asking import Asking, Counters, Question
from replay_fetch.fetch.breaker import CircuitBreaker
from replay_fetch.fetch.chain import Chain
from replay_fetch.fetch.keys import KeyWatch
from replay_fetch.fetch.outcomes import answer_of, outcome_of
from replay_fetch.fetch.searching import Search, sessions_of
from replay_fetch.fetch.stride import Stride
from replay_fetch.fetch.walk import SOURCES, Restart, Start, Step, Walk

__all__ = [
    "SOURCES",
    "Asking",
    "Chain",
    "CircuitBreaker",
    "Counters",
    "KeyWatch",
    "Question",
    "Restart",
    "Search",
    "Start",
    "Step",
    "Stride",
    "Walk",
    "answer_of",
    "outcome_of",
    "sessions_of",
]
