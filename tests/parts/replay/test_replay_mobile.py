"""Wireframes of mobile SDKs, by the published schema, as boxes of a page."""

from __future__ import annotations

import pytest
from made_recordings import START, Json, account, end, played, segment, static

from replay_fetch.replay.wireframes import style_of


def wireframe(number: int, kind: str = "shape", **more: object) -> Json:
    return {"id": number, "x": 10, "y": 20.333, "width": 100, "height": 30, "type": kind, **more}


def label(number: int, words: str, **more: object) -> Json:
    return wireframe(number, "text", text=words, textStyle={"family": "f", "size": 16, "color": "#112233FF"}, **more)


def screen(*wireframes: Json) -> tuple[Json, Json]:
    window = {"type": 4, "timestamp": START, "data": {"width": 390, "height": 844}}
    return window, {"type": 10, "timestamp": START, "data": {"wireframes": [*wireframes]}}


def increment(source: int, at: int = 10, **data: object) -> Json:
    return {"type": 11, "timestamp": START + at, "data": {"source": source, **data}}


def shown(*records: Json) -> list[str]:
    """The words of a page's boxes from the back to the front; a box without words is its number."""
    page = static(*records)
    boxes = page.split("<div ")[1:]
    return [box.split(">")[1].split("<")[0] or box.split('data-wireframe="')[1].split('"')[0] for box in boxes]


def test_wireframes_are_drawn_in_their_order_at_their_place() -> None:
    records = screen(wireframe(1, shapeStyle={"backgroundColor": "#ABCDEF80", "cornerRadius": 4}), label(2, "Pay"))
    assert shown(*records) == ["1", "Pay"]
    style = str(played(*records).nodes[6].attributes["style"])
    assert "left:10px;top:20.33px;width:100px;height:30px;background:#ABCDEF80;border-radius:4px" in style
    assert account(segment(*records)).mobile


def test_wireframes_come_go_and_change() -> None:
    records = screen(label(1, "one"), label(2, "two"), label(3, "three"))
    changed = increment(
        0,
        removes=[{"id": 2}],
        adds=[{"previousId": 1, "wireframe": label(4, "four")}, {"wireframe": label(5, "first")}],
        updates=[{"id": 1, "type": "text", "text": "ONE"}],
    )
    assert shown(*records, changed) == ["first", "ONE", "four", "three"]
    played(*records, changed, increment(0, 20, removes=[{"id": 3}]))


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (wireframe(1, "placeholder", label="Hidden"), "Hidden"),
        (wireframe(1, "webview", slotId="w1"), "web view w1"),
        (wireframe(1, "image", resourceId="r"), "picture"),
        (wireframe(1, "image", isEmpty=True), "1"),
    ],
)
def test_a_wireframe_without_recorded_content_shows_a_word_for_its_kind(told: Json, said: str) -> None:
    assert shown(*screen(told)) == [said]


def test_a_picture_in_the_record_is_shown_and_nothing_else_becomes_an_address() -> None:
    good, bad = wireframe(1, "image", base64="AAAA", mimeType="image/png"), wireframe(2, "image", base64='A" onload="x')
    page = static(*screen(good, bad))
    assert page.count("data:image/png;base64,AAAA") == 1
    assert "onload" not in page


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({"border": {"width": 2, "color": "#000000FF"}}, "border:2px solid #000000FF"),
        ({"border": {"width": 2, "color": "red;x:url(y)"}}, "border:2px solid transparent"),
        ({"clip": {"top": 1, "left": 2}}, "clip-path:inset(1px 0px 0px 2px)"),
        ({"shapeStyle": {"opacity": 0.5}}, "opacity:0.5"),
        (
            {"shapeStyle": {"backgroundGradient": {"startPoint": {"x": 0, "y": 0}, "endPoint": {"x": 0, "y": 1},
             "stops": [{"color": "#000000FF", "position": 0}, {"color": "#FFFFFFFF", "position": 1}]}}},
            "background:linear-gradient(180.0deg,#000000FF 0.0%,#FFFFFFFF 100.0%)",
        ),
    ],
)  # fmt: skip
def test_a_wireframes_look_is_a_style(more: Json, rule: str) -> None:
    assert rule in style_of(wireframe(1, **more))


def test_text_stands_where_its_alignment_says() -> None:
    aligned = {"alignment": {"horizontal": "right", "vertical": "top"}, "padding": {"left": 3}}
    style = style_of(label(1, "x", textPosition=aligned))
    assert "font:16px/1.2 sans-serif;color:#112233FF" in style
    assert "align-items:flex-start;justify-content:flex-end;padding:0px 0px 0px 3px" in style


def test_taps_name_the_topmost_words_under_the_finger() -> None:
    down = increment(9, 100, pointerEventType="down", x=50, y=30)
    up = increment(9, 150, pointerEventType="up", x=50, y=30)
    boxes = screen(wireframe(1), label(2, "Pay"), wireframe(3), wireframe(4, x=900))
    found = account(segment(*boxes, down, increment(9, 120, pointerEventType="move", x=51, y=31), up, end(200)))
    assert [(each.kind.value, each.label) for each in found.actions] == [("page", ""), ("tap", "Pay"), ("end", "")]


def test_an_invisible_web_view_is_hidden_and_takes_no_tap() -> None:
    web_view = wireframe(2, "webview", slotId="7", isVisible=False)
    up = increment(9, 150, pointerEventType="up", x=50, y=30)
    found = account(segment(*screen(label(1, "Pay"), web_view), up, end(200)))
    assert [each.label for each in found.actions if each.kind.value == "tap"] == ["Pay"]
    assert "visibility:hidden" in style_of(web_view)
    assert "visibility" not in style_of(web_view | {"isVisible": True})


def test_an_updated_wireframe_stays_under_the_wireframes_in_front_of_it() -> None:
    up = increment(9, 150, pointerEventType="up", x=50, y=30)
    ground = increment(0, 100, updates=[{"id": 1, "text": "another ground"}])
    found = account(segment(*screen(label(1, "ground"), label(2, "Pay")), ground, up, end(200)))
    assert [each.label for each in found.actions if each.kind.value == "tap"] == ["Pay"]


def test_a_wireframe_that_cannot_be_drawn_is_counted() -> None:
    bad = [wireframe(1) | {"x": "left"}, wireframe(2), wireframe(2), {"id": 3}]
    records = [
        *screen(*bad),
        increment(0, updates=[{"id": 9}, {"id": 2, "width": "x"}], removes=[{"id": 7}]),
        increment(5),
    ]
    assert account(segment(*records)).notes == {
        "no number": 3,
        "an id that is given twice": 1,
        "an unknown wireframe": 2,
        "a mobile record that is not known": 1,
    }
    assert shown(*records) == ["2"]
    assert account(segment(increment(0, adds=[{"wireframe": wireframe(1)}]))).notes == {"a wireframe without a page": 1}


def test_the_window_turns() -> None:
    assert played(*screen(wireframe(1)), increment(4, width=844, height=390)).window == (844, 390)


def test_a_mobile_record_with_values_of_wrong_types_is_counted_and_stops_nothing() -> None:
    odd = [wireframe(1, "shape") | {"type": ["text"]}, wireframe(2) | {"x": 10**400}]
    records = [*screen(*odd), increment(9, 20, pointerEventType=[], x=1, y=1)]
    assert account(segment(*records)).notes == {"no number of pixels": 1}
