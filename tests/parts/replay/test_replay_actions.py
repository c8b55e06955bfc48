"""What somebody did: in order, with the name and the selector of what it was done to, and no guessing."""

from __future__ import annotations

import json

import pytest
from made_recordings import (
    BODY,
    DOCUMENT,
    START,
    Json,
    account,
    add,
    change,
    click,
    element,
    end,
    full,
    full_change,
    increment,
    meta,
    mutation,
    segment,
    shadow,
    text,
)

from replay_fetch.replay.account import Account, Action

SHOP = [
    element(10, "header", {}, element(11, "a", {"href": "/"}, text(12, "Shop"))),
    element(20, "form", {"id": "pay"},
            element(21, "label", {}, text(22, "Full  name"), element(23, "input", {"name": "n"})),
            element(24, "label", {"for": "mail"}, text(25, "E-mail")),
            element(26, "input", {"id": "mail", "type": "email"}),
            element(27, "button", {}, element(28, "span", {}, text(29, "Pay"))),
            element(30, "input", {"type": "checkbox", "aria-label": "Terms"}),
            element(31, "select", {"name": "land"}, element(32, "option", {"value": "de"}, text(33, "Germany")))),
    element(40, "p", {}, text(41, "some words")),
    element(42, "p", {}, element(43, "i", {"role": "button", "title": "Close"})),
    element(44, "div", {}, shadow(45, element(46, "button", {}, text(47, "deep")))),
]  # fmt: skip


def told(account: Account) -> list[tuple[int, str, str]]:
    return [(action.at_ms - START, action.kind.value, action.text) for action in account.actions]


def acted(*records: Json) -> list[Action]:
    """What was done after the page was opened, without how the recording ends."""
    actions = account(segment(meta(), full(*SHOP), *records)).actions
    return [action for action in actions if action.kind.value not in {"page", "cut", "end"}]


@pytest.mark.parametrize(
    ("clicked", "said", "selector"),
    [
        (29, 'button "Pay"', "form#pay > button"),
        (27, 'button "Pay"', "form#pay > button"),
        (12, 'link "Shop"', "html > body > header > a"),
        (23, 'text field "Full name"', "form#pay > label:nth-of-type(1) > input"),
        (26, 'email field "E-mail"', "input#mail"),
        (30, 'checkbox "Terms"', "form#pay > input:nth-of-type(2)"),
        (31, 'list "land"', "form#pay > select"),
        (41, 'p "some words"', "html > body > p:nth-of-type(1)"),
        (43, 'button "Close"', "html > body > p:nth-of-type(2) > i"),
        (47, 'button "deep"', "button"),
        (DOCUMENT, "page", ""),
    ],
)
def test_a_click_names_the_clicked_element(clicked: int, said: str, selector: str) -> None:
    (action,) = acted(click(clicked, 100))
    assert (action.kind.value, action.text, action.selector, action.x, action.y) == ("click", said, selector, 5, 6)


def test_a_label_is_that_of_the_moment() -> None:
    first, second = acted(click(27, 100), mutation(at=200, texts={"29": "Paid"}), click(27, 300))
    assert (first.label, second.label) == ("Pay", "Paid")


def test_names_of_strangers_are_printable_and_selectors_are_css() -> None:
    records = full(element(5, "b", {"id": "a\x1b:b"}, text(6, "\x1b[31m\ud83d" + "x" * 200)))
    *_, action, _ = account(segment(meta(), records, click(6, 9))).actions
    assert action.selector == "b#a\\1b \\3a b"
    assert (action.label.isprintable(), len(action.label)) == (True, 60)


@pytest.mark.parametrize(
    ("number", "selector"),
    [
        ("7f3a-1", r"b#\37 f3a-1"),
        ("-1", r"b#\2d 1"),
        ("-", r"b#\2d "),
        ("x" * 100, "b#" + "x" * 100),
        ("x" * 101, "html > body > b"),
    ],
    ids=["a digit in front", "a dash and a digit", "a dash", "the longest", "longer"],
)
def test_an_id_in_a_selector_is_an_identifier_of_css(number: str, selector: str) -> None:
    """A selector with a plain digit behind its # finds nothing in a browser, but throws; a cut id finds nothing."""
    (action,) = account(segment(meta(), full(element(5, "b", {"id": number}, text(6, "x"))), click(6, 9))).actions[1:2]
    assert action.selector == selector


@pytest.mark.parametrize(("kind", "name"), [(3, "context menu"), (4, "double click"), (0, ""), (5, ""), (7, "")])
def test_of_interactions_only_presses_are_actions(kind: int, name: str) -> None:
    assert [action.kind.value for action in acted(click(27, 100, kind=kind))] == ([name] if name else [])


def test_typing_is_one_action_until_somebody_pauses_or_does_something_else() -> None:
    typed = [increment(5, at, id=23, text=words) for at, words in ((100, "a"), (900, "ab"), (7000, "abc"))]
    actions = acted(*typed, click(40, 7100), increment(5, 7200, id=23, text="abcd"))
    assert [(each.value, each.until_ms and each.until_ms - START) for each in actions if each.kind == "input"] == [
        ("ab", 900),
        ("abc", None),
        ("abcd", None),
    ]


def test_boxes_are_on_or_off_and_lists_say_their_value() -> None:
    actions = acted(increment(5, 10, id=30, isChecked=True), increment(5, 20, id=31, text="de"),
                    increment(5, 30, id=30, isChecked=False))  # fmt: skip
    assert [(each.text, each.value) for each in actions] == [
        ('checkbox "Terms"', "on"),
        ('list "land"', "de"),
        ('checkbox "Terms"', "off"),
    ]


def test_a_radio_that_its_group_switches_off_is_no_action() -> None:
    radios = [element(n, "input", {"type": "radio", "name": "g", "aria-label": str(n)}) for n in (5, 6)]
    ticked = increment(5, 10, id=5, isChecked=True), increment(5, 10, id=6, isChecked=False)
    actions = account(segment(meta(), full(*radios), *ticked)).actions
    assert [each.text for each in actions if each.kind == "input"] == ['radio "5"']


def test_scrolling_says_how_far_and_the_account_how_deep() -> None:
    scrolls = [increment(3, at, id=DOCUMENT, x=0, y=y) for at, y in ((10, 0), (20, 50), (90, 400), (150, 300))]
    found = account(segment(meta(), full(*SHOP), *scrolls, increment(3, 200, id=40, x=0, y=7)))
    assert [(each.text, each.value, each.until_ms) for each in found.actions if each.kind == "scroll"] == [
        ("page", "300", START + 150),
        ('p "some words"', "7", None),
    ]
    assert found.deepest == 1000


def test_a_page_is_an_action_where_its_address_is_another_one() -> None:
    records = meta(), full(), meta(at=50), meta("https://shop.example/pay", at=60), full(at=60)
    assert [action.text for action in account(segment(*records)).actions if action.kind == "page"] == [
        "https://shop.example/",
        "https://shop.example/pay",
    ]


def test_leaving_the_window_coming_back_and_its_size_are_actions() -> None:
    focus = [
        {"type": 6, "timestamp": START + at, "data": {"has_focus": has}}
        for at, has in ((5, True), (10, False), (20, True))
    ]
    actions = acted(*focus, increment(4, 30, width=400, height=300))
    assert [(each.kind.value, each.value) for each in actions] == [
        ("left", None),
        ("back", None),
        ("resize", "400 x 300"),
    ]


def test_media_are_played_and_paused() -> None:
    video = full(element(5, "video", {"title": "tour"}))
    actions = account(segment(meta(), video, increment(7, 10, id=5, type=0), increment(7, 20, id=5, type=1))).actions
    assert [(each.kind.value, each.text) for each in actions[1:3]] == [
        ("play", 'video "tour"'),
        ("pause", 'video "tour"'),
    ]


def test_three_clicks_within_a_second_on_one_thing_are_rage() -> None:
    three = [click(27, at) for at in (0, 400, 900)]
    assert [(each.kind.value, each.by) for each in acted(*three) if each.kind != "click"] == [("rage click", "rule")]
    for calm in ([click(27, at) for at in (0, 500, 1000)], [click(n, n) for n in (27, 11, 27)]):
        assert [each for each in acted(*calm) if each.kind == "rage click"] == []


def frustration(at: int, *records: int, kind: str = "rage_click") -> Json:
    data = {"frustrationTypes": [kind, "unheard of"], "recordIds": [*records]}
    return {"type": 9, "timestamp": START + at, "data": data}


@pytest.mark.parametrize("late", [True, False], ids=["behind its clicks", "in front of them"])
def test_a_rage_click_by_the_sdks_word_is_not_counted_again(late: bool) -> None:  # noqa: FBT001 - from the table
    """Its record stands out of time, on either side of the clicks that it names."""
    clicks = [click(27, at, record=at) for at in (1, 200, 400)]
    word = frustration(2, 1)
    rage = [each for each in acted(*(*clicks, word) if late else (word, *clicks)) if each.kind == "rage click"]
    assert [(each.text, each.by, each.at_ms - START) for each in rage] == [('button "Pay"', "record", 2)]


def test_frustrations_of_unknown_clicks_are_told_all_the_same() -> None:
    kinds = [("dead_click", "dead click"), ("error_click", "error click")]
    for kind, said in kinds:
        assert [(each.kind.value, each.text) for each in acted(frustration(5, 99, kind=kind))] == [(said, "something")]


def test_a_click_after_which_nothing_happens_for_a_second_is_dead() -> None:
    later = mutation(at=1500, n40={"class": "x"})
    assert [(each.kind.value, each.by) for each in acted(click(27, 100), later)][-1] == ("dead click", "rule")
    alive = mutation(at=1000, n40={"class": "x"})
    assert [each for each in acted(click(27, 100), alive, later) if each.kind == "dead click"] == []
    assert [each for each in acted(click(40, 100), later) if each.kind == "dead click"] == []
    assert [each for each in acted(click(27, 100)) if each.kind == "dead click"] == []


def test_half_a_minute_without_a_hand_is_idle() -> None:
    still = [mutation(at=at, n40={"class": str(at)}) for at in (10_000, 20_000, 30_000)]
    idle = [each for each in acted(*still, click(40, 30_000), *still, click(40, 59_999)) if each.kind == "idle"]
    assert [(each.at_ms - START, each.until_ms and each.until_ms - START) for each in idle] == [(0, 30_000)]


def test_a_view_ends_by_the_sdks_word_or_is_cut() -> None:
    assert told(account(segment(full(), end(50), mutation(at=60, n3={"a": "b"}))))[-1] == (50, "end", "the view ended")
    assert told(account(segment(full(), mutation(at=60, n3={"a": "b"}))))[-1][:2] == (60, "cut")
    assert account().actions == []


def test_missing_segments_are_an_action_and_stop_the_page_of_change_records() -> None:
    first = segment(full_change([1, "P"]), until=500)
    last = segment(change([1, [1, "B"]], at=3000), end(3100), index=3, start=3000, until=3200)
    found = account(first, last)
    (gap,) = found.gaps
    assert (gap.start_ms - START, gap.end_ms - START, gap.missing, gap.still_until_ms) == (500, 3000, (1, 2), None)
    assert (500, "gap", "2 segments are missing") in told(found)
    assert found.notes == {"a change behind missing ones": 1}
    again = segment(full_change([1, "P"], at=4000), index=4, start=4000)
    assert account(first, last, again).gaps[0].still_until_ms == START + 4000


def test_a_gap_does_not_count_as_idle_time() -> None:
    first, last = segment(full(), until=40_000), segment(click(BODY, 95_000), index=200, start=90_000)
    actions = account(first, last).actions
    idle = [(each.at_ms - START, each.until_ms and each.until_ms - START) for each in actions if each.kind == "idle"]
    assert idle == [(0, 40_000)]
    assert [each.text for each in actions if each.kind == "gap"] == ["199 segments are missing"]


def test_missing_segments_of_nested_records_stop_nothing() -> None:
    found = account(segment(full()), segment(mutation(at=3000, adds=[add(text(9, "on"))]), index=2, start=3000))
    assert found.gaps[0].still_until_ms == found.gaps[0].end_ms
    assert [seen.text for seen in found.seen] == ["on"]


def test_a_seen_text_is_told_once_with_its_first_time() -> None:
    records = full(element(5, "p", {}, text(6, " two \n words ")), element(7, "style", {}, text(8, "a{}")))
    found = account(segment(records, mutation(at=90, texts={"6": "new"}), mutation(at=95, texts={"6": "two words"})))
    assert [(seen.at_ms - START, seen.text) for seen in found.seen] == [(0, "two words"), (90, "new")]


def test_seen_texts_have_a_limit_and_say_so() -> None:
    texts = [element(100 + 2 * n, "p", {}, text(101 + 2 * n, f"{n} " + "x" * 900)) for n in range(1200)]
    found = account(segment(full(*texts)))
    assert (found.seen_cut, 1100 < len(found.seen) < 1200) == (True, True)


@pytest.mark.parametrize("attributes", [{"data-dd-privacy": "mask"}, {"class": "x dd-privacy-mask"}], ids=str)
def test_an_element_masked_by_its_attribute_is_told_with_its_selector(attributes: Json) -> None:
    found = account(segment(full(element(5, "p", attributes), element(6, "p", {"data-dd-privacy": "allow"}))))
    assert [(masked.selector, masked.how) for masked in found.masked] == [("html > body > p:nth-of-type(1)", "mask")]


def test_an_account_of_any_typed_text_is_ascii_json() -> None:
    actions = acted(increment(5, 10, id=23, text="\ud83d\n\x1b"), click(BODY, 20))
    assert json.dumps([each.value for each in actions]).isascii()
    assert actions[0].value == "\\ud83d \\x1b"
