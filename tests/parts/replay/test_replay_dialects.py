"""What each dialect says, and what rrweb is told of it: one claim for each way to get it wrong."""

from __future__ import annotations

import json

import pytest
from made_recordings import (
    BODY,
    DOCUMENT,
    HTML,
    START,
    account,
    add,
    change,
    element,
    full,
    full_change,
    increment,
    meta,
    mutation,
    played,
    segment,
    shadow,
    static,
    text,
)
from rrweb_page import RrwebNode, RrwebPage, held

from replay_fetch.replay.changes import Changes
from replay_fetch.replay.css import canvas_rules
from replay_fetch.replay.forms import value_of
from replay_fetch.replay.page import Page
from replay_fetch.replay.recording import Recording
from replay_fetch.replay.stage import Watcher
from replay_fetch.replay.strings import Strings
from replay_fetch.replay.values import BadValue


def node(page: RrwebPage, number: int) -> RrwebNode:
    """A node by the SDK's number; rrweb counts from 1."""
    return page.nodes[number + 1]


def words(page: RrwebPage) -> list[str]:
    assert page.root is not None
    return [str(each.source["textContent"]) for each in page.root.walk() if each.source["type"] == 3]


def test_new_siblings_come_in_their_order_whatever_the_order_of_the_record() -> None:
    adds = [add(element(12, "p"), before=None), add(element(11, "p"), before=12), add(element(10, "p"), before=11)]
    page = played(full(), mutation(adds=adds))
    assert [child.id - 1 for child in node(page, BODY).children] == [10, 11, 12]


def test_nodes_of_a_change_record_stand_where_their_insertion_points_say() -> None:
    """0: behind the node before; positive: a child of the one so far back; negative: in front of it."""
    page = played(
        full_change([1, "#text", "b"]), change([1, [-1, "#text", "a"], [3, "P"], [1, "#text", "c"], [0, "#text", "d"]])
    )
    assert words(page) == ["a", "b", "c", "d"]
    assert [child.id - 1 for child in node(page, 6).children] == [7, 8]


def test_a_cdata_section_is_a_node_without_words() -> None:
    page = played(full_change([1, "#cdata-section"], [0, "#text", "x"]))
    assert [(child.source["type"], child.source["textContent"]) for child in node(page, BODY).children] == [
        (4, ""),
        (3, "x"),
    ]


def test_a_bad_node_takes_its_number_all_the_same() -> None:
    page = played(full_change(), change([1, ["nowhere", "P"], [2, "#text", "counted"]]))
    assert [child.id - 1 for child in node(page, BODY).children] == [5]


@pytest.mark.parametrize(
    "reference", ["literal", 0, {"role": "t", "string": 0}, {"role": "t", "string": "literal"}], ids=str
)
def test_a_string_is_itself_a_number_or_has_a_role(reference: object) -> None:
    page = played(full_change([1, "#text", reference], items=()), change([0, "later"]))
    assert words(page) == (["literal"] if "literal" in str(reference) else [])
    page = played(full_change(), change([11, [4, "literal", "x"], [5, "y"]]), change([1, [1, "#text", reference]]))
    assert words(page) == ["literal"]


def test_cleared_strings_are_counted_from_the_front_again() -> None:
    page = played(full_change(), change([0, "old"]), change([14], [0, "new"], [1, [1, "#text", 0]]))
    assert words(page) == ["new"]


def test_old_strings_are_found_as_young_ones_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replay_fetch.replay.strings._YOUNG", 3)
    strings, told = Strings(), ["a", "", "é\ud83d", None, "e", "f", "g", "h", "東"]
    for each in told:
        strings.add([each])
    assert [strings.text(number) for number in range(9)] == ["a", "", "é\ud83d", "", "e", "f", "g", "h", "東"]
    for unknown in (-1, 9, 1.5, None, True, {"string": 9}, {}):
        with pytest.raises(BadValue):
            strings.text(unknown)
    strings.clear()
    strings.add(["new"])
    assert strings.text(0) == "new"


def test_a_view_of_sdk_6_may_begin_with_a_change_record() -> None:
    whole = full_change([1, "#text", "first"])
    page = played(meta(), {"type": 12, "timestamp": START, "data": whole["data"]})
    assert words(page) == ["first"]


def test_an_element_of_svg_or_mathml_goes_by_its_own_name() -> None:
    page = played(full_change([1, "svg>svg"], [1, "svg>linearGradient"], [3, "math>mi"]))
    assert (node(page, 5).tag, node(page, 5).source.get("isSVG")) == ("linearGradient", True)
    assert (node(page, 6).tag, node(page, 6).source.get("isSVG")) == ("mi", None)


def test_a_name_that_no_browser_takes_becomes_a_box() -> None:
    assert node(played(full(element(5, "<b>"))), 5).tag == "div"


def test_a_shadow_root_is_a_mark_on_its_host_and_on_its_children() -> None:
    host = element(5, "div", {}, text(6, "light"), shadow(7, element(8, "slot"), text(9, "deep")))
    page = played(full(host, element(10, "p")))
    assert node(page, 5).source["isShadowHost"] is True
    assert [(child.id - 1, child.source["isShadow"]) for child in node(page, 5).shadow] == [(8, True), (9, True)]
    assert [child.id - 1 for child in node(page, 5).children] == [6]


def test_nodes_in_a_shadow_root_go_with_it() -> None:
    page = played(full_change([1, "DIV"], [1, "#shadow-root"], [1, "P"], [1, "#text", "deep"]), change([2, 5]))
    assert (node(page, 4).shadow, words(page)) == ([], [])


def test_a_shadow_root_is_never_the_neighbour_of_a_new_node() -> None:
    host = element(5, "div", {}, shadow(7, text(8, "deep")), text(9, "light"))
    page = played(full(host), mutation(adds=[add(element(10, "b"), 5, before=7)], removes=[8]))
    assert [child.id - 1 for child in node(page, 5).children] == [10, 9]
    assert node(page, 5).shadow == []


def test_a_shadow_root_where_no_browser_has_one_is_left_out() -> None:
    """Else rrweb would stop at it."""
    page = played(full(element(5, "input", {}, shadow(7, text(8, "deep")))), mutation(texts={"8": "x"}, removes=[8]))
    assert words(page) == []


@pytest.mark.parametrize("sdk_5_numbers_it", [0, 900])
def test_the_document_is_known_by_its_place_and_not_by_a_number(sdk_5_numbers_it: int) -> None:
    whole = full()
    whole["data"]["node"]["id"] = sdk_5_numbers_it
    page = played(whole, increment(3, id=sdk_5_numbers_it, x=0, y=90))
    assert page.root is not None
    assert page.root.scroll == [0, 90]


@pytest.mark.parametrize(("scrolls", "left"), [([DOCUMENT, HTML], 20), ([HTML, DOCUMENT], 20), ([HTML], 10)])
def test_of_the_document_and_its_html_element_the_later_says_how_far_it_is_scrolled(
    scrolls: list[int], left: int
) -> None:
    records = [increment(3, at, id=number, x=0, y=at) for at, number in zip((10, 20), scrolls, strict=False)]
    chunk = list(Recording([segment(full(top=5), *records, mutation(at=30, n3={"a": "b"}))]).chunks(size=1))[-1]
    snapshot = next(json.loads(e.json) for e in chunk.events[: chunk.checkpoint] if b'"type":2' in e.json[:10])
    assert snapshot["data"]["initialOffset"]["top"] == left


def test_an_elements_scroll_is_kept_by_checkpoints() -> None:
    page = played(full(element(5, "div")), increment(3, id=5, x=1, y=7), mutation(at=20, n5={"class": "x"}))
    assert node(page, 5).scroll == [1, 7]


def test_an_attribute_that_is_false_is_left_out() -> None:
    page = played(full(element(5, "input", {"type": "checkbox", "checked": False, "size": 3, "required": True})))
    assert node(page, 5).attributes == {"type": "checkbox", "size": "3", "required": ""}


def test_a_hidden_element_keeps_its_size_and_an_inline_one_becomes_a_block() -> None:
    hidden = {"data-dd-privacy": "hidden", "rr_width": "20px", "rr_height": "30px"}
    page = played(full(element(5, "span", hidden), element(6, "div", hidden)), mutation(n6={"rr_width": "40px"}))
    assert node(page, 5).attributes["style"] == "width:20px;height:30px;display:inline-block"
    assert node(page, 6).attributes["style"] == "width:40px;height:30px"
    assert node(played(full_change([1, "DIV"], items=[[5, [4, 20, 30.5]]])), 4).attributes["style"] == (
        "width:20px;height:30.5px"
    )


RADIOS = [
    element(number, "input", {"type": "radio", "name": "g"} | ({"checked": ""} if number == 5 else {}))
    for number in (5, 6, 7)
]


def test_a_chosen_radio_takes_the_mark_of_its_group() -> None:
    page = played(full(element(4, "form", {}, *RADIOS), element(8, "input", {"type": "radio", "name": "g"})),
                  increment(5, id=6, isChecked=True), increment(5, 20, id=8, text="on", isChecked=True),
                  mutation(at=30, n6={"class": "x"}))  # fmt: skip
    assert [held(node(page, number)) for number in (5, 6, 7, 8)] == [False, True, False, True]


class Values(Watcher):
    """What the lists of a page say, after its snapshot and after each change."""

    def __init__(self) -> None:
        self.values: list[str] = []

    def snapshot(self, at_ms: int, page: Page) -> None:  # noqa: ARG002 - whenever it is
        self.values += [value_of(each) for each in page.nodes.values() if each.name == "select"]

    def changed(self, at_ms: int, changes: Changes) -> None:
        self.snapshot(at_ms, changes.page)


def test_choosing_an_option_is_the_value_of_its_list() -> None:
    options = [[1, "OPTION", ["value", "a"], ["selected", ""]], [2, "OPTION"], [1, "#text", " b  c "]]
    chosen = full_change([1, "SELECT"], *options), change([13, [0, 6], [1, 5]])
    page = played(*chosen, change([3, [4, ["class", "x"]]], at=20))
    assert held(node(page, 4)) == "b c"
    assert static(*chosen).count("selected") == 1


def test_of_two_chosen_options_the_last_is_shown() -> None:
    first, late = element(6, "option", {"value": "1", "selected": ""}), element(7, "option", {"selected": ""})
    recording, watched = (
        Recording([segment(full(element(5, "select", {}, first)), mutation(adds=[add(late, 5)]))]),
        Values(),
    )
    recording.watch(watched)
    assert watched.values == ["1", ""]


def test_a_fields_value_is_told_again_by_checkpoints() -> None:
    fields = element(5, "input", {"value": "old"}), element(6, "textarea", {"value": "t"})
    typed = increment(5, id=5, text="new"), increment(5, 20, id=6, text="\ud83d")
    page = played(full(*fields), *typed, mutation(at=30, n5={"a": "b"}))
    assert (held(node(page, 5)), held(node(page, 6))) == ("new", "\ud83d")


def test_lone_surrogates_are_written_as_ascii() -> None:
    events = list(Recording([segment(full(text(5, "\ud83d é")))]).events())
    assert b"\\ud83d \\u00e9" in events[-1].json


def test_text_in_a_style_element_makes_its_inserted_rules_void() -> None:
    rules = increment(8, id=5, adds=[{"rule": "p{}", "index": [0, 1]}], removes=[{"index": 2}])
    style = element(5, "style", {"_cssText": "a{}"})
    page = played(full(head=[style]), rules, mutation(at=20, n3={"a": "b"}))
    assert node(page, 5).rules == [{"removes": [{"index": 2}], "adds": [{"rule": "p{}", "index": [0, 1]}]}]
    page = played(
        full(head=[style]), rules, mutation(at=20, adds=[add(text(6, "b{}"), 5)]), mutation(at=30, n3={"a": "b"})
    )
    assert node(page, 5).rules == []


SHEETS = [[7, ["a{} b{}"], ["i{}", ["print", "screen"]], [["c{}", "d{}"], [], True], [["e{}", "f{}"]]]]


def test_attached_sheets_of_an_element_are_its_text_and_disabled_ones_are_left_out() -> None:
    page = played(
        full_change([1, "LINK"], items=SHEETS), change([8, [4, 0, 1, 2, 3]]), change([3, [3, ["a", "b"]]], at=20)
    )
    assert node(page, 4).attributes["_cssText"] == "a{} b{}@media print, screen { i{} }e{}f{}"


def test_sheets_of_a_document_and_of_a_shadow_root_are_adopted() -> None:
    """Several rules in one string are wrapped: ``insertRule`` takes one."""
    page = played(
        full_change([1, "DIV"], [1, "#shadow-root"], items=SHEETS), change([8, [0, 2, 0], [5, 3, 1]]),
        change([3, [3, ["a", "b"]]], at=20),
    )  # fmt: skip
    assert page.root is not None
    assert page.root.sheets == [["@media all { a{} b{} }"]]
    assert node(page, 4).sheets == [["e{}", "f{}"], ["@media print, screen { i{} }"]]


def test_canvases_have_the_size_of_their_attributes_without_scripts() -> None:
    told = account(segment(full(element(5, "canvas", {"width": "120", "height": "x}y"}))))
    rules = canvas_rules(told.canvas_sizes)
    assert rules[1:] == [':where(canvas[width="120"]){width:120px}']
    assert rules[1] in static(full(element(5, "canvas", {"width": "120"})))


def test_records_that_point_at_unknown_nodes_are_counted() -> None:
    told = account(segment(full(), increment(3, id=70, x=0, y=0), mutation(removes=[71], texts={"72": "x"}), meta()))
    assert told.notes == {"an unknown node": 3}


def test_a_full_snapshot_with_a_bad_scroll_place_is_shown_and_ends_the_dialect_before() -> None:
    """Read by the numbers of the page before, the change would put its text on the new page unseen."""
    old = full_change([1, "P"])
    new = full(element(5, "p", {}, text(6, "new")), at=10)
    new["data"]["initialOffset"] = {"left": "far"}
    found = account(segment(old, new, change([1, [1, "#text", "lost"]], at=20)))
    assert [each.text for each in found.seen] == ["new"]
    assert found.notes == {"no number": 1, "a change of a page that came otherwise": 1}


def test_a_full_snapshot_without_a_list_of_children_leaves_the_page_before_as_it_is() -> None:
    broken = {"type": 2, "timestamp": START, "data": {"node": {"type": 0, "id": 0, "childNodes": {"a": 1}}}}
    page = played(full_change(), broken, change([1, [1, "#text", "goes on"]]))
    assert words(page) == ["goes on"]


def test_a_node_that_went_with_another_is_no_unknown_one() -> None:
    told = account(segment(full_change([1, "P"], [1, "#text", "x"]), change([2, 4, 5])))
    assert told.notes == {}


def test_a_moved_node_keeps_its_number() -> None:
    page = played(full(element(5, "p"), element(6, "b")), mutation(removes=[6], adds=[add(element(6, "b"), before=5)]))
    assert [child.id - 1 for child in node(page, BODY).children] == [6, 5]


def test_a_page_deeper_than_python_calls_may_go_is_written() -> None:
    records = full_change(*[[1, "DIV"]] * 3000), change([1, [1, "#text", "bottom"]])
    assert static(*records).endswith("bottom" + "</div>" * 3000 + "</body></html>\n")
    *_, first, second = Recording([segment(*records)]).events()
    assert (first.json.count(b'"div"'), second.json.count(b"bottom")) == (3000, 1)


@pytest.mark.parametrize(
    ("item", "note"),
    [
        (["x"], "a change that is no list"),
        ([99], "a kind of change that is not known"),
        ([1, "x"], "no list"),
        ([1, [1, "P", "x"]], "an attribute that is no list"),
        ([1, [77, "P"]], "an unknown node"),
        ([1, [-6, "P"]], "a node beside the document"),
        ([2, 0], "the document cannot be removed"),
        ([5, [5]], "a change that is too short"),
        ([8, [4, 3]], "an unknown style sheet"),
        ([9, [4]], "no whole number"),
    ],
)
def test_a_bad_change_is_counted_and_the_others_of_its_record_apply(item: list[object], note: str) -> None:
    records = full_change([1, "P"], [1, "#text", "before"]), change(item, [4, [5, "seen"]])
    assert account(segment(*records)).notes == {note: 1}
    assert words(played(*records)) == ["seen"]


def test_a_node_of_no_known_kind_is_counted_and_its_neighbours_stay() -> None:
    odd = {"type": 99, "id": 80, "childNodes": []}
    assert account(segment(full(), mutation(adds=[add(odd)]))).notes == {"a kind of node that is not known": 1}
    page = played(full(), mutation(adds=[add(odd), add(element(10, "p"))]))
    assert [child.id - 1 for child in node(page, BODY).children] == [10]


def test_a_full_snapshot_whose_top_is_no_document_leaves_the_page_before_as_it_is() -> None:
    top = {"type": 2, "timestamp": START, "data": {"node": element(1, "p")}}
    assert account(segment(full(element(5, "p", {}, text(6, "seen"))), top)).notes == {
        "a full snapshot without a document": 1
    }
    assert words(played(full(element(5, "p", {}, text(6, "seen"))), top)) == ["seen"]
