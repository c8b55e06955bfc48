"""Frustrations: rage clicks and dead clicks, by the SDK's own word and else by rules of this file.

The SDK reports frustrations only where a site asks it to track interactions. The rules find the clear ones elsewhere.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from dataclasses import replace

from replay_fetch.replay.account import Action, ActionKind
from replay_fetch.replay.labels import Named, can_be_pressed, named
from replay_fetch.replay.stage import Frustration, Interaction

_TYPES = {
    "rage_click": ActionKind.RAGE_CLICK,
    "dead_click": ActionKind.DEAD_CLICK,
    "error_click": ActionKind.ERROR_CLICK,
}
_RAGE_CLICKS, _RAGE_MS = 3, 1_000  # as the SDK has it
# The SDK waits 100 ms for the page and for its requests. A recording does not know requests, so more time is given.
_DEAD_MS = 1_000
# Interactions by their record: a frustration names the record of its click, and may stand on either side of it.
_REMEMBERED = 1_000


class Frustrations:
    """The frustrations of one view: remembers clicks until the SDK or a rule says something of them.

    An action by rule has ``by="rule"``, so readers can tell it from the SDK's word.
    """

    def __init__(self) -> None:
        self._by_record: OrderedDict[int, Named] = OrderedDict()
        self._clicks: deque[Action] = deque(maxlen=_RAGE_CLICKS)
        self._waiting: Action | None = None
        """A click on an element that can be pressed, after which nothing has happened yet."""
        self._by_rule: list[Action] = []
        self._told: list[tuple[Action, Sequence[int]]] = []

    def interacted(self, interaction: Interaction) -> None:
        """Remember the element of an interaction by its record, for a frustration that names the record.

        The last thousand are remembered, as their names at that time: the element may be gone when the SDK judges.
        """
        if interaction.record is not None:
            self._name_told(interaction.record, interaction)
            self._by_record[interaction.record] = named(interaction.node)
            if len(self._by_record) > _REMEMBERED:
                self._by_record.popitem(last=False)

    def clicked(self, click: Action, interaction: Interaction) -> None:
        """Take a click: three on one element within a second are a rage click; each may become a dead click.

        Only a click on an element that can be pressed can become a dead click: people also click on plain text as they
        read.
        """
        self.something_happened(click.at_ms)
        self._waiting = click if can_be_pressed(interaction.node) else None
        self._clicks.append(click)
        first = self._clicks[0]
        soon = len(self._clicks) == _RAGE_CLICKS and click.at_ms - first.at_ms < _RAGE_MS
        if soon and {each.selector for each in self._clicks} == {click.selector}:
            self._by_rule.append(replace(first, kind=ActionKind.RAGE_CLICK, until_ms=click.at_ms, by="rule"))
            # Counted anew: a fourth and a fifth click belong to the same rage.
            self._clicks.clear()

    def something_happened(self, at_ms: int) -> None:
        """Take a sign that the page answered the last click; a sign later than a second makes it a dead click.

        Signs are changes, new pages, sizes, focus, the next click and the end of the view.
        """
        if self._waiting is not None:
            if at_ms - self._waiting.at_ms > _DEAD_MS:
                self._by_rule.append(replace(self._waiting, kind=ActionKind.DEAD_CLICK, by="rule"))
            self._waiting = None

    def told(self, frustration: Frustration) -> None:
        """Take in a frustration that the SDK reports of clicks; an element that is not known yet is named later.

        Types that are not known are passed over. A click that never comes leaves the action with the name
        ``something``.
        """
        records = frustration.records
        found = next((self._by_record[record] for record in records if record in self._by_record), None)
        place = found or Named("something", "", "")
        for kind in (_TYPES[name] for name in frustration.types if name in _TYPES):
            action = Action(frustration.at_ms, kind, place.text, place.selector, place.label)
            self._told.append((action, () if found else records))

    def counted(self) -> Iterator[Action]:
        """Give the frustrations by the SDK's word, then those by the rules that the SDK does not tell as well.

        The same kind within a second counts as the same frustration.
        """
        told = [action for action, _ in self._told]
        yield from told
        for action in self._by_rule:
            near = (each for each in told if each.kind == action.kind)
            if not any(abs(each.at_ms - action.at_ms) <= _RAGE_MS for each in near):
                yield action

    def _name_told(self, record: int, interaction: Interaction) -> None:
        """Name the element of frustrations whose click stands behind them in the recording.

        Only the newest thousand frustrations are looked at, so a hostile recording costs no more time.
        """
        for place, (action, records) in enumerate(self._told[-_REMEMBERED:], max(0, len(self._told) - _REMEMBERED)):
            if record in records:
                at, label, selector = named(interaction.node)
                self._told[place] = replace(action, text=at, label=label, selector=selector), ()
