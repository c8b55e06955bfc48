"""Fetching and finding views: one page asked for until it is there, pages walked to the end of the chain."""

from replay_fetch.fetch.chain import Chain
from replay_fetch.fetch.credentials import CredentialCheck, HeldBack
from replay_fetch.fetch.fetcher import ApiRequest, Counters, Fetcher
from replay_fetch.fetch.paginator import SOURCES, PageSource, Paginator, Restarted, Start
from replay_fetch.fetch.searching import Search, Stride, sessions_of

__all__ = [
    "SOURCES",
    "ApiRequest",
    "Chain",
    "Counters",
    "CredentialCheck",
    "Fetcher",
    "HeldBack",
    "PageSource",
    "Paginator",
    "Restarted",
    "Search",
    "Start",
    "Stride",
    "sessions_of",
]
