"""A page as it stood, as one HTML document."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from made_recordings import (
    START,
    Json,
    add,
    change,
    element,
    full,
    full_change,
    increment,
    meta,
    mutation,
    segment,
    shadow,
    static,
    text,
)

from replay_fetch.replay.css import with_inserted
from replay_fetch.replay.recording import Recording


def body(page: str) -> str:
    return page.split("<body>")[1].split("</body>", maxsplit=1)[0]


def test_a_page_is_that_of_its_time() -> None:
    records = meta(), full(text(5, "one")), mutation(at=100, texts={"5": "two"}), mutation(at=200, texts={"5": "three"})
    assert [body(static(*records, at=at)) for at in (0, 99, 100, 500)] == ["one", "one", "two", "three"]
    assert static(*records, at=-1) == ""


def test_no_more_is_read_than_is_needed() -> None:
    read: list[int] = []

    def segments() -> Iterator[bytes]:
        for number in range(5):
            read.append(number)
            yield segment(full(at=number * 1000), index=number, start=number * 1000)

    Recording(segments()).page_at(START + 1500)
    assert read == [0, 1, 2]


def test_the_first_lines_say_when_and_how_it_was_seen() -> None:
    page = static(meta(), full(top=264), at=1500)
    assert page.startswith(
        '<!-- 2023-11-14T22:13:21.500Z, window 800 x 600, scrolled to 0, 264 -->\n<html><head><meta charset="utf-8">'
    )


@pytest.mark.parametrize(
    ("told", "written"),
    [
        ({"name": "html", "publicId": "", "systemId": ""}, "<!DOCTYPE html>\n"),
        ({"name": "html", "publicId": "-//W3C//DTD HTML 4.01//EN", "systemId": "http://x/strict.dtd"},
         '<!DOCTYPE html PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://x/strict.dtd">\n'),
        ({"name": "html", "publicId": '"><script>', "systemId": ""}, "<!DOCTYPE html>\n"),
    ],
)  # fmt: skip
def test_the_document_type_decides_how_a_page_is_laid_out(told: Json, written: str) -> None:
    whole = full()
    whole["data"]["node"]["childNodes"].insert(0, {"type": 1, "id": 90} | told)
    assert static(whole).startswith(f"{written}<!-- ")


def test_fields_hold_what_was_typed() -> None:
    fields = [
        element(5, "input", {"value": "old"}),
        element(6, "textarea", {}, text(7, "old")),
        element(8, "input", {"type": "checkbox", "checked": ""}),
        element(
            9,
            "select",
            {},
            element(10, "option", {"value": "a", "selected": ""}),
            element(11, "option", {"value": "b"}),
        ),
    ]
    typed = [increment(5, id=5, text='<"new">'), increment(5, id=6, text="\nnew"), increment(5, id=8, isChecked=False)]
    assert body(static(full(*fields), *typed, increment(5, id=9, text="b"))) == (
        '<input value="&lt;&quot;new&quot;&gt;"><textarea>\n\nnew</textarea><input type="checkbox">'
        '<select><option value="a"></option><option value="b" selected=""></option></select>'
    )


def test_shadow_roots_are_written_as_templates_with_their_sheets() -> None:
    root = shadow(6, element(7, "slot"), adoptedStyleSheets=[{"cssRules": ["a{}", "b{}"]}])
    assert body(static(full(element(5, "x-y", {}, text(8, "light"), root)))) == (
        '<x-y><template shadowrootmode="open"><slot></slot><style>a{}b{}</style></template>light</x-y>'
    )


def test_a_documents_adopted_sheets_stand_behind_all_others() -> None:
    page = static(full_change([2, "STYLE"], [1, "#text", "first{}"], items=[[7, ["late{}"]], [8, [0, 0]]]))
    assert "<style>first{}</style><style>late{}</style></head>" in page


def test_inserted_rules_stand_where_they_were_inserted() -> None:
    style = element(5, "style", {"media": "print", "_cssText": "a{} @media x{b{}} c{}"})
    edits = [increment(8, id=5, adds=[{"rule": "n{}", "index": 1}]), increment(8, id=5, removes=[{"index": 3}])]
    assert '<style media="print">a{}\nn{}\n@media x{b{}}</style>' in static(full(head=[style]), *edits)


@pytest.mark.parametrize(
    ("css", "left"),
    [
        ("a{content:'}'} b{}", "a{content:'}'}"),
        ("/* } */ a{} b{}", "/* } */ a{}"),
        ("@import 'x'; a{}", "@import 'x';"),
        ("a{} b{", "a{}"),
    ],
)
def test_a_rule_is_deleted_as_browsers_count_them(css: str, left: str) -> None:
    assert with_inserted(css, [{"removes": [{"index": 1}]}]) == left


def test_a_sheets_text_is_no_tag_when_read_as_html() -> None:
    """Ranges of media queries and pictures in addresses keep their meaning."""
    css = "@media (300px<width<900px){a{content:'</style>'}}b{background:url(\"data:image/svg+xml,<svg/>\")}"
    assert (
        "@media (300px< width<900px){a{content:'\\3c /style>'}}b{background:url(\"data:image/svg+xml,\\3c svg/>\")}"
    ).replace("width<900", "width<900") in static(full(head=[element(5, "style", {"_cssText": css})]))


def test_scripts_and_what_only_scripts_need_are_left_out() -> None:
    hidden = [element(n, tag, {}, text(n + 50, "x")) for n, tag in enumerate(("script", "noscript", "template"), 10)]
    assert body(static(full(*hidden, element(20, "iframe", {"src": "x"}, text(21, "x"))))) == "<iframe></iframe>"


def test_links_lead_nowhere_and_keep_their_look() -> None:
    page = body(static(full(element(5, "a", {"href": "/x", "class": "c"}), element(6, "a"))))
    assert page == '<a href="#" class="c"></a><a></a>'


def test_a_first_line_break_of_preformatted_text_is_kept() -> None:
    assert body(static(full(element(5, "pre", {}, text(6, "\nx"))))) == "<pre>\n\nx</pre>"


def test_text_that_utf_8_cannot_take_is_what_the_browser_shows() -> None:
    assert body(static(full(text(5, "a\ud83d<b>")))) == "a\ufffd&lt;b&gt;"


def test_a_page_without_a_body_is_written_as_it_is() -> None:
    page = static(full_change(), change([2, 3]), mutation(adds=[add(text(9, "x"), 1)]))
    assert page.endswith("</head>x</html>\n")
