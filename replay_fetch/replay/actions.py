"""The log of actions: clicks, inputs, scrolls and pages, written while a recording is watched.

Recordings hold signs of a hand at a fine grain: each letter, each step of a wheel. One action here is one deed that a
person would name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from replay_fetch.printable import printable
from replay_fetch.replay.account import IDLE_MS, Account, Action, ActionKind, Gap
from replay_fetch.replay.changes import Changes
from replay_fetch.replay.forms import is_box, is_checked, is_radio, value_of
from replay_fetch.replay.frustrations import Frustrations
from replay_fetch.replay.labels import named
from replay_fetch.replay.page import DOCUMENT, Node, Page
from replay_fetch.replay.stage import Frustration, Interaction, Position, Watcher, Window

_KINDS = {2: ActionKind.CLICK, 3: ActionKind.CONTEXT_MENU, 4: ActionKind.DOUBLE_CLICK}
_CLICK, _TOUCH_END = 2, 9
# An event that follows sooner belongs to the same typing, the same scrolling.
_TYPING_MS, _SCROLLING_MS = 5_000, 2_000
_ACTIVE_MS = 4_000
_LONGEST_VALUE = 1_000


class ActionLog(Watcher):
    """A watcher that writes the actions of an account; an action of some length stands at its beginning.

    Inputs within 5 seconds in the same field are a single action, scrolls within 2 seconds on the same element as well.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._frustrations = Frustrations()
        self._window = Window()
        self._href: str | None = None
        self._by_hand_ms: int | None = None
        self._last: tuple[ActionKind, int, int] | None = None
        """Kind, node and place in the list of what may still go on."""
        self._has_focus = True
        self._down: dict[int, float] = {}
        """How far down nodes are scrolled; the document under its own id."""

    def snapshot(self, at_ms: int, page: Page) -> None:  # noqa: ARG002 - the same at any time
        """Take the document's place from a snapshot, so a page that opens scrolled is no scroll of a hand."""
        self._down = {page.root.id: page.scroll[1]} if page.root is not None else {}

    def opened(self, at_ms: int, window: Window) -> None:
        """Log a page whose address differs from the last; a page that is described again is no action.

        A page is also a sign that the last click was answered.
        """
        self._window = window
        if window.href != self._href:
            self._href = window.href
            self._frustrations.something_happened(at_ms)
            self._add(Action(at_ms, ActionKind.PAGE, printable(window.href, 2_000), value=_size(window)))

    def resized(self, at_ms: int, window: Window) -> None:
        """Log the window's new size, such as ``1280 x 720``: a window dragged, or a device turned."""
        self._window = window
        self._frustrations.something_happened(at_ms)
        self._add(Action(at_ms, ActionKind.RESIZE, "window", value=_size(window)))

    def interacted(self, at_ms: int, interaction: Interaction) -> None:
        """Log a click with the element under it, on mobile a tap; other interactions only show that a hand is there.

        Clicks are logged at once, with the element's name at that time. Whether one was a frustration is known later.
        """
        self._hand(at_ms)
        self._frustrations.interacted(interaction)
        kind = _KINDS.get(interaction.type)
        if self._account.mobile:
            kind = ActionKind.TAP if interaction.type == _TOUCH_END else None
        if kind is None:
            return
        at, label, selector = named(interaction.node)
        action = Action(at_ms, kind, at, selector, label, x=interaction.x, y=interaction.y)
        self._add(action)
        if interaction.type == _CLICK:
            self._frustrations.clicked(action, interaction)

    def moved(self, at_ms: int, positions: Sequence[Position], *, touch: bool) -> None:  # noqa: ARG002 - both are a hand's
        """Take a move of the pointer as a sign that a hand is there; moves are no action of their own."""
        if positions:
            self._hand(at_ms)

    def changed(self, at_ms: int, changes: Changes) -> None:
        """Log filled fields, scrolling and media of one record, as far as the nodes are still there.

        Any change also counts as the page's answer to the last click, so that click is no dead one.
        """
        self._frustrations.something_happened(at_ms)
        for node in changes.still_there(changes.filled.values()):
            self._filled(at_ms, node)
        for node in changes.still_there(changes.scrolled.values()):
            self._scrolled(at_ms, node, changes)
        for node in changes.still_there(changes.played.values()):
            kind = ActionKind.PAUSE if node.media == "paused" else ActionKind.PLAY
            at, label, selector = named(node)
            self._hand(at_ms)
            self._add(Action(at_ms, kind, at, selector, label))

    def focused(self, at_ms: int, *, has_focus: bool) -> None:
        """Log that the window lost the focus or got it back; the same state told again is no action."""
        if has_focus != self._has_focus:
            self._has_focus = has_focus
            self._frustrations.something_happened(at_ms)
            self._add(Action(at_ms, ActionKind.BACK if has_focus else ActionKind.LEFT, "window"))

    def frustrated(self, at_ms: int, frustration: Frustration) -> None:  # noqa: ARG002 - it has a time of its own
        """Take the SDK's own word for a frustration; the rules do not count the same clicks again."""
        self._frustrations.told(frustration)

    def missed(self, at_ms: int, gap: Gap) -> None:  # noqa: ARG002 - a gap has times of its own
        """Log a gap; actions within it are unknown, so idling is counted anew behind it."""
        text = f"{gap.segments} segment{'s are' if gap.segments != 1 else ' is'} missing"
        # Before the gap is logged: the idle stretch ends where it begins.
        self._idle(gap.start_ms)
        self._by_hand_ms = gap.end_ms
        self._add(Action(gap.start_ms, ActionKind.GAP, text, until_ms=gap.end_ms))

    def ended(self, at_ms: int) -> None:
        """Log the end of the view by the SDK's own word, once, though a record of type 7 may come again."""
        if not self._account.ended:
            self._account.ended = True
            self._add(Action(at_ms, ActionKind.END, "the view ended"))

    def over(self, at_ms: int) -> None:
        """Log a last idle stretch, a missing end and the frustrations; then bring all actions into order of time.

        An idle stretch and a frustration are known only afterwards, but belong where they began.
        """
        if self._account.records:
            self._idle(at_ms)
            if self._account.ended:
                self._frustrations.something_happened(at_ms)
            else:
                self._add(Action(at_ms, ActionKind.CUT, "the recording stops here; its end never arrived"))
        self._account.actions += self._frustrations.counted()
        self._account.actions.sort(key=lambda action: action.at_ms)

    def _filled(self, at_ms: int, node: Node) -> None:
        self._hand(at_ms)
        if is_radio(node) and not is_checked(node):
            return  # its group says which one is on
        on_off = "on" if is_checked(node) else "off"
        value = on_off if is_box(node) else printable(value_of(node), _LONGEST_VALUE)
        self._goes_on(_TYPING_MS, Action(at_ms, ActionKind.INPUT, "", value=value), node)

    def _scrolled(self, at_ms: int, node: Node, changes: Changes) -> None:
        is_document = node is changes.page.root or node is changes.page.html
        down = (node.scroll or (0, 0))[1]
        if is_document and changes.page.root is not None:
            node = changes.page.root
        if self._down.get(node.id, 0) == down:
            return  # told although nothing moved: SDKs tell the place of a page that opens
        self._down[node.id] = down
        self._hand(at_ms)
        if is_document:
            self._account.deepest = max(self._account.deepest, down + self._window.height)
        self._goes_on(_SCROLLING_MS, Action(at_ms, ActionKind.SCROLL, "", value=f"{down:g}"), node)

    def _goes_on(self, within_ms: int, action: Action, node: Node) -> None:
        """Add an action, or lengthen the last action of the same kind on the same node until now.

        Any other action between the two ends the first: typing, a click and more typing are three actions.
        """
        actions = self._account.actions
        if self._last is not None and self._last[:2] == (action.kind, node.id):
            earlier = actions[self._last[2]]
            if action.at_ms - (earlier.until_ms or earlier.at_ms) <= within_ms:
                actions[self._last[2]] = replace(earlier, value=action.value, until_ms=action.at_ms)
                return
        at, label, selector = ("page", "", "") if node.kind == DOCUMENT else named(node)
        self._add(replace(action, text=at, label=label, selector=selector))
        self._last = action.kind, node.id, len(actions) - 1

    def _add(self, action: Action) -> None:
        self._last = None
        self._account.actions.append(action)

    def _hand(self, at_ms: int) -> None:
        self._idle(at_ms)
        self._by_hand_ms = at_ms
        active = self._account.active
        if active and at_ms - active[-1][1] <= _ACTIVE_MS:
            active[-1] = active[-1][0], at_ms
        else:
            active.append((at_ms, at_ms))

    def _idle(self, at_ms: int) -> None:
        since = self._by_hand_ms if self._by_hand_ms is not None else self._account.start_ms
        if since is not None and at_ms - since >= IDLE_MS:
            self._account.actions.append(
                Action(since, ActionKind.IDLE, "nobody did anything", until_ms=at_ms, by="rule")
            )


def _size(window: Window) -> str:
    return f"{window.width:g} x {window.height:g}"
