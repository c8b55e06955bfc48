"""Strings of a scrubbed copy: what each role of a string makes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay_fetch.replay.scrub.attributes import attribute
from replay_fetch.replay.scrub.css import css, is_closed
from replay_fetch.replay.scrub.words import address, masked, names, tag

READ = "Zq7Jane"


@given(st.text())
def test_a_masked_text_is_as_long_and_breaks_where_it_did(text: str) -> None:
    written = masked(text)
    assert len(written) == len(text)
    assert [char.isspace() for char in written] == [char.isspace() for char in text]
    assert set(written) <= set("x\uff58 \t\n\r\f\u00a0\u3000")


def test_wide_characters_stay_wide() -> None:
    assert masked("山田 Jo,\n1") == "\uff58\uff58 xxx\nx"


@pytest.mark.parametrize(
    ("href", "shape"),
    [
        ("https://shop.example/item/7?mail=jane%40a.example#top", "https://shop.example/xxxx/x"),
        ("https://jane:secret@shop.example:8443/jane", "https://shop.example:8443/xxxx"),
        ("https://shop.example@evil@host.example/", "https://host.example/"),
        ("https://shop.example", "https://shop.example"),
        ("//cdn.example/a/b.png", "//cdn.example/x/xxxxx"),
        ("/item/7?q=jane", "/xxxx/x"),
        ("?q=jane", ""),
        ("#jane", ""),
        ("jane/doe", "xxxx/xxx"),
        ("https://Jane Doe/x", ""),
        ("https://jäne.example/x", ""),
        ("mailto:jane@a.example", ""),
        (" JavaScript:jane", ""),
        ("data:text/plain,jane", ""),
        ("\\\\jane\\doe", ""),
        ("", ""),
    ],
)
def test_an_address_keeps_its_origin_and_the_shape_of_its_path(href: str, shape: str) -> None:
    assert address(href) == shape


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        (
            "class",
            "card  md:w-[10px] hover:bg-red-500/50 jane@a.example 'jane'",
            "card md:w-[10px] hover:bg-red-500/50",
        ),
        ("id", "jane doe's", "jane"),
        ("title", "Hi Jane", "xx xxxx"),
        ("ARIA-Label", "Jane", "xxxx"),
        ("value", "42", "xx"),
        ("placeholder", "", ""),
        ("href", "/a?q=jane", "/x"),
        ("xlink:href", "#icon", "#icon"),
        ("href", "#jane@a.example", ""),
        ("type", "checkbox", "checkbox"),
        ("type", "Jane", None),
        ("data-state", "open", "open"),
        ("data-user", "jane", None),
        ("data-v-7ba5bd90", "", ""),
        ("aria-expanded", "true", "true"),
        ("checked", "jane", ""),
        ("width", "100%", "100%"),
        ("width", "Jane", None),
        ("viewBox", "0 0 64 48", "0 0 64 48"),
        ("transform", "translate(1.5e-3, 4) rotate(45deg)", "translate(1.5e-3, 4) rotate(45deg)"),
        ("d", "M4 44L24-22l1e-2.5Zm1,2 3,4z", "M4 44L24-22l1e-2.5Zm1,2 3,4z"),
        ("d", "Zach calls at all", None),
        ("fill", "hsl(0 60% 80%)", "hsl(0 60% 80%)"),
        ("fill", "url(#a)", "url()"),
        ("style", "content:'jane';color:red", "content:'xxxx';color:red"),
        ("lang", "pt-BR", "pt-BR"),
        ("lang", "jane", None),
        ("rr_width", "12.5px", "12.5px"),
        ("rr_dataURL", "data:image/png;base64,x", None),
        ("content", "jane", None),
        ("onclick", "jane()", None),
        ("srcdoc", "<p>jane", None),
        ("jane", "open", None),
        ("data-jane@a.example", "open", None),
    ],
)
def test_an_attribute_is_kept_where_its_name_and_value_are_structure(
    name: str, value: str, written: str | None
) -> None:
    assert attribute(name, value) == written


@pytest.mark.parametrize("length", [5, 500, 50_000])
def test_a_value_of_figures_is_judged_in_time_that_grows_with_its_length(length: int) -> None:
    """A pattern that tries again and again would take for ever at the last character."""
    assert attribute("d", "M" + "1" * length + "!") is None
    assert attribute("points", "1," * length + "!") is None
    assert css("\\a" * length + "\\:") is not None


@pytest.mark.parametrize(
    ("sheet", "written"),
    [
        (".card{color:red}", ".card{color:red}"),
        ("a::before{content:'Jane\\'s \\201C'}", "a::before{content:'xxxxxx x'}"),
        ('a{content:""}', 'a{content:""}'),
        ("/* Jane */a{b:c}", "/**/a{b:c}"),
        ("a{b:c}/* Jane", "a{b:c}/**/"),
        ("a{b:url(http://Jane)}", "a{b:url()}"),
        ("a{b:\\75 rl(http://Jane)}", "a{b:url()}"),
        ("a{b:URL( 'Jane)x' )}", "a{b:url()}"),
        ("a{b:url(http://Jane", "a{b:url()"),
        ("@import 'Jane;x' screen;a{b:c}", "a{b:c}"),
        ('@\\69mport "Jane";a{b:c}', "a{b:c}"),
        ('[type="checkbox"]{a:b}', '[type="checkbox"]{a:b}'),
        ("[href='Jane']{a:b}", '[href="xxxx"]{a:b}'),
        ("[class*=col-]{a:b}", '[class*="col-"]{a:b}'),
        ("[data-a]{a:b}", "[data-a]{a:b}"),
        ("[a='Jane' b]{a:b}", "[x]{a:b}"),
        (".md\\:w-\\[10px\\]:not(.a){a:b}", ".md\\:w-\\[10px\\]:not(.a){a:b}"),
        ("a{--x:Jane Doe;--y:#fff 1px red var(--z) f(1rem*2)}", "a{--x:xxxx xxx;--y:#fff 1px red var(--z) f(1rem*2)}"),
        ("a{--x:{Jane};b:c}", "a{--x:{xxxx};b:c}"),
        ("a{--x:42Jane #Jane 'Jane'}", "a{--x:xxxxxx #xxxx 'xxxx'}"),
        ("a{grid-template-areas:'head head' '. main'}", "a{grid-template-areas:'head head' '. main'}"),
        ("a{font-family:'Segoe UI','Jane Sans',serif}", "a{font-family:'Segoe UI','xxxx xxxx',serif}"),
        ('@property --a{syntax:"<length> | <color>"}', '@property --a{syntax:"<length> | <color>"}'),
        ('a\\"{content:"Jane"}', 'a\\"{content:"xxxx"}'),
        ("a{content:'Jane\nDoe'}", "a{content:"),
        ("a{content:'Jane\n}b{content:'Doe'}", "a{content:"),
        (".Jäne{a:b}", ".Jxne{a:b}"),
    ],
)  # fmt: skip
def test_a_sheet_keeps_its_rules_and_loses_its_words(sheet: str, written: str) -> None:
    assert css(sheet) == written
    assert css(sheet + " " * 5000).rstrip() == written.rstrip()


@pytest.mark.parametrize(
    ("sheet", "closed"),
    [("a{b:'c'}", True), ("a{b:'c", False), ("/* a", False), ("/* a */", True), ("a{b:url(c", False),
     ("a{b:'c\\'", False), ("[a", False), ("", True), ("a{b:c}/", False), ("a\\", False)],
)  # fmt: skip
def test_a_text_that_leaves_something_open_is_seen(sheet: str, closed: bool) -> None:  # noqa: FBT001 - from the table
    assert is_closed(sheet) is closed


@given(before=st.text(max_size=8), after=st.text(max_size=8), quote=st.sampled_from("'\""))
def test_a_string_of_a_sheet_is_masked_between_any_texts_that_are_closed(before: str, after: str, quote: str) -> None:
    if is_closed(before):
        assert READ not in css(f"{before}{quote}{READ}{quote}{after}")


@pytest.mark.parametrize(
    ("name", "written"),
    [("DIV", "DIV"), ("svg>path", "svg>path"), ("help-widget", "help-widget"), ("Jane", "div"), ("jane doe", "div"),
     ("x>p", "div"), ("linearGradient", "linearGradient"), ("", "div")],
)  # fmt: skip
def test_an_element_keeps_a_known_name_or_one_with_a_dash(name: str, written: str) -> None:
    assert tag(name) == written


def test_names_have_the_form_of_names() -> None:
    assert names('a  b_c -d @md:e 2xl jane@f +49123 "g" h\'i é') == "a b_c -d @md:e 2xl"
