"""Fetching: one page asked for until an answer comes, a view's pages walked to the end, and views searched for."""

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
