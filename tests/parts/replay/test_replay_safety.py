"""A recording is a stranger's page: nothing of it may call out or run, in events or in a static page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from hostile import HOME, MARK, T, by_changes, nested

from replay_fetch.replay.css import harmless
from replay_fetch.replay.recording import Recording
from replay_fetch.replay.static import POLICY

HOSTILE = pytest.mark.parametrize("recording", [nested, by_changes])
# Rules and functions that no browser knows: what stands in them is read by nobody.
INERT = re.compile(r"@x-import[^;}]*;?|x-image\([^)]*\)")


def strings_in(value: Any) -> Iterator[tuple[str, str]]:  # Any: JSON
    """Every text of an event with the key it stands under."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from [(key, each)] if isinstance(each, str) else strings_in(each)
            yield "a name", key
    elif isinstance(value, list):
        for each in value:
            yield from strings_in(each)


def events_of(segment: bytes) -> list[Any]:  # Any: JSON
    chunks = Recording([segment]).chunks(size=1)
    return [json.loads(event.json) for chunk in chunks for event in chunk.events]


@HOSTILE
def test_no_event_names_an_address_or_a_script_of_the_stranger(recording: Callable[[], bytes]) -> None:
    """A text that is shown may hold anything, and so may a page's own address: both are never followed."""
    for event in events_of(recording()):
        for key, text in strings_in(event):
            if key in {"textContent", "value"} and not re.search(r"@import|url\(", text, re.IGNORECASE):
                continue
            if key != "href" or event["type"] != 4:
                assert "stranger.invalid" not in INERT.sub("", text)
            assert MARK not in text
            assert not re.fullmatch(r"on[a-z]+|srcdoc|ping|http-equiv", text, re.IGNORECASE) or key != "a name"


@HOSTILE
def test_no_event_holds_a_script_that_runs(recording: Callable[[], bytes]) -> None:
    tags = [text.lower() for event in events_of(recording()) for key, text in strings_in(event) if key == "tagName"]
    assert "noscript" in tags
    assert "script" not in tags


@HOSTILE
def test_a_style_split_over_texts_imports_nothing(recording: Callable[[], bytes]) -> None:
    for event in events_of(recording()):
        text = "".join(text for key, text in strings_in(event) if key == "textContent")
        assert not re.search(r"@import|url\(\s*['\"]?http", text, re.IGNORECASE)


class Read(HTMLParser):
    """Tags and attributes of a page, in its order."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@HOSTILE
def test_a_static_page_has_no_script_and_no_way_out(recording: Callable[[], bytes]) -> None:
    page = Recording([recording()]).page_at(T + 10)
    tags = Read(page).tags
    assert {"script", "base", "link", "noscript", "portal"} & {tag for tag, _ in tags} == set()
    attributes = [(tag, name, value or "") for tag, there in tags for name, value in there.items()]
    assert [each for each in attributes if each[1].startswith("on") and each[1] != "one"] == []
    assert [each for each in attributes if "stranger.invalid" in each[2] or MARK in each[2]] == []
    assert {value for _, name, value in attributes if name == "href"} <= {"#"}
    assert {value for _, name, value in attributes if name in {"src", "srcset", "action", "data"}} == set()
    styles = re.findall(r"<style[^>]*>(.*?)</style>", page, re.DOTALL)
    assert len(styles) > 3
    assert [style for style in styles if re.search(r"<(?=[a-z/!?])|url\(\s*['\"]?http", style, re.IGNORECASE)] == []


@HOSTILE
def test_the_policy_stands_in_front_of_everything_but_the_html_elements_attributes(
    recording: Callable[[], bytes],
) -> None:
    tags = Read(Recording([recording()]).page_at(T + 10)).tags
    assert [tag for tag, _ in tags[:4]] == ["html", "head", "meta", "meta"]
    assert tags[3][1] == {"http-equiv": "Content-Security-Policy", "content": POLICY}
    assert [there for tag, there in tags if tag == "meta" and "http-equiv" in there] == [tags[3][1]]


@pytest.mark.parametrize(
    ("css", "left"),
    [
        ("p{color:red}", "p{color:red}"),
        ("p{background:url(data:image/png;base64,AA)}", "p{background:url(data:image/png;base64,AA)}"),
        ("p{fill:url(#a)}", "p{fill:url(#a)}"),
        ("@media (min-width:1px){p{width:calc(1px)}}", "@media (min-width:1px){p{width:calc(1px)}}"),
        (f"p{{background:url({HOME})}}", 'p{background:url("data:,")}'),
        (f"p{{background:url( '{HOME}/)' )}}", 'p{background:url("data:,")}'),
        (f"p{{background:\\55\\000052 L({HOME})}}", 'p{background:url("data:,")}'),
        ("p{background:url(../a.png)}", 'p{background:url("data:,")}'),
        ("p{background:url(data:text/html,x)}", 'p{background:url("data:,")}'),
        ("@import 'a.css';p{}", "@x-import 'a.css';p{}"),
        ("@i\\6d port 'a.css'", "@x-import 'a.css'"),
        ("p{background:-webkit-image-set('a' 1x)}", "p{background:-webkit-x-image('a' 1x)}"),
    ],
)
def test_a_sheet_keeps_what_fetches_nothing(css: str, left: str) -> None:
    assert harmless(css) == left
