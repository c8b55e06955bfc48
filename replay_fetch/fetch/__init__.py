"""Fetching and finding views: one page asked for until it is there, pages walked to the end of the chain."""

from replay_fetch.fetch.breaker import CircuitBreaker
from replay_fetch.fetch.chain import Chain
from replay_fetch.fetch.credentials import CredentialCheck
from replay_fetch.fetch.fetcher import ApiRequest, Counters, Fetcher
from replay_fetch.fetch.outcomes import answer_of, outcome_of
from replay_fetch.fetch.paginator import SOURCES, Paginator, Restart, Start, Step
from replay_fetch.fetch.searching import Search, sessions_of
from replay_fetch.fetch.stride import Stride

__all__ = [
    "SOURCES",
    "ApiRequest",
    "Chain",
    "CircuitBreaker",
    "Counters",
    "CredentialCheck",
    "Fetcher",
    "Paginator",
    "Restart",
    "Search",
    "Start",
    "Step",
    "Stride",
    "answer_of",
    "outcome_of",
    "sessions_of",
]
