"""Plain words for the RUM events search: a person, an address, an error, each as a term of the vendor's syntax.

1. In quotes only the quote and the backslash are special, and no wildcard is one.
2. Outside quotes the vendor's list of special characters is escaped with a backslash; ``/`` and ``@`` are not on it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from replay_fetch.api.search import REPLAYED_VIEWS

# As the reference of the search syntax has them, and some more: an escape too many does no harm.
_SPECIAL = re.compile(r'([\s=\-!&|<>(){}\[\]"?:\\#^~+])')
_IN_QUOTES = re.compile(r'(["\\])')
_WITH_ERRORS = "@view.error.count:>0"


@dataclass(frozen=True, slots=True)
class SearchWords:
    """The words of a search: each narrows the query, and empty texts and False do not."""

    user: str = ""
    """The id or the e-mail address that the application gave the SDK for a visitor."""
    url: str = ""
    """A part of a view's URL or, with ``*`` in it, a pattern for the whole."""
    error: bool = False
    """Only views in which an error was counted."""

    def query(self, base: str = REPLAYED_VIEWS) -> str:
        """Write the query: ``base`` with a term for each word."""
        terms = [
            *([_user(self.user)] if self.user else ()),
            *([f"@view.url:{_pattern(self.url)}"] if self.url else ()),
            *([_WITH_ERRORS] if self.error else ()),
        ]
        # A query of the user's own may hold an OR, which binds less than terms side by side.
        own = f"({base})" if terms and base != REPLAYED_VIEWS else base
        return " ".join([own, *terms])


def _user(text: str) -> str:
    """Look for a person by id and by address, since an application may use addresses as ids."""
    value = '"' + _IN_QUOTES.sub(r"\\\1", text) + '"'
    return f"(@usr.id:{value} OR @usr.email:{value})"


def _pattern(text: str) -> str:
    escaped = _SPECIAL.sub(r"\\\1", text)
    return escaped if "*" in text else f"*{escaped}*"
