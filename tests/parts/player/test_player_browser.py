"""The player in Chromium: what it shows, what its keys do, and that a recording reaches nothing and runs nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pytest
from made_archives import START, segment, write_archive
from player_browser import Watch
from playwright.sync_api import BrowserContext
from recorded_pages import FOCUS, VIEW_END, Author, Json, added, at, changed_text, clicked, opened, samples

from benchmarks.player.browser import Player
from benchmarks.player.recordings import read_sdks, read_truth, read_views, write_page
from benchmarks.player.truth import BY_DESIGN, Tally, compare
from replay_fetch.simulator.recordings import load_recordings

SAMPLES = Path(__file__).parents[3] / "sample_inputs" / "recordings"
HARDER = SAMPLES.with_name("recordings-hard")
SESSIONS = sorted({recorded.view.session_id for recorded in load_recordings()})
SHOWN = "[...document.querySelectorAll('#list time')].map(one => one.textContent)"


def story(records: Sequence[Json], *more: bytes, end: float = 10.0) -> dict[tuple[str, str], list[bytes]]:
    """An archive's one session; the view's first segment ends at ``end`` with a record that shows nothing."""
    return {("story", "v1"): [segment(0, 0, end, [*records, at(end, FOCUS)]), *more]}


def cart(*seconds: float) -> tuple[list[Json], Json]:
    """A page whose number goes up at these seconds, with a button pressed at each, and the number's element."""
    author = Author()
    number = author.text("0 items")
    button = author.element("button", {"id": "add"}, author.text("Add to cart"))
    records: list[Json] = [at(0, opened()), at(0, author.page(author.element("p", {}, number), button))]
    for place, second in enumerate(seconds, start=1):
        records += [at(second, clicked(button)), at(second, changed_text(number, f"{place} items"))]
    return records, number


# The recordings of real pages.


@pytest.mark.parametrize("session_id", SESSIONS)
def test_a_recorded_session_shows_what_the_page_showed_and_the_console_stays_empty(
    chromium: BrowserContext, tmp_path: Path, session_id: str
) -> None:
    points = read_truth(SAMPLES).get(session_id, [])
    page = write_page(tmp_path / "page.html", session_id, read_views(SAMPLES)[session_id])
    tally = Tally()
    with Player(chromium, tmp_path / "page.html") as player:
        player.open()
        for view in page.playable:
            start = (view.start_ms - page.playable[0].start_ms) / 1000
            player.seek(view.record.planned.view.view_id, start)
            player.seek(view.record.planned.view.view_id, start + 3600)
        compare(player, points, tally)
        assert tally.left == {}
        assert tally.points == len(points) - tally.unrecorded.total()
        assert (player.console, player.requests) == ([], [player.page.url.split("#")[0]])


@pytest.mark.parametrize("sdk", sorted(set(read_sdks(HARDER).values())))
def test_pages_made_to_be_hard_have_their_boxes_and_colours(chromium: BrowserContext, tmp_path: Path, sdk: str) -> None:
    """All points take minutes: ``python -m benchmarks.player.truth sample_inputs/recordings-hard``."""
    tally = Tally()
    for session_id, points in read_truth(HARDER).items():
        chosen = [point for point in points if point["n"] in {0, 2, 11}]
        if read_sdks(HARDER)[session_id] == sdk:
            write_page(tmp_path / "page.html", session_id, read_views(HARDER)[session_id])
            with Player(chromium, tmp_path / "page.html") as player:
                compare(player.open(), chosen, tally)
                assert player.console == []
    assert tally.points in {5, 6}
    assert set(tally.left) == BY_DESIGN
    assert all(tally.score(kind).of > 200 for kind in ("boxes", "looks"))


def test_every_sample_session_has_points_to_compare() -> None:
    assert set(read_truth(SAMPLES)) == set(SESSIONS)


# What the page does.


def test_play_goes_through_the_events_to_the_end_and_says_that_the_recording_ends_there(
    watch: Watch, tmp_path: Path
) -> None:
    records, _ = cart(0.2, 0.4, 0.6)
    player = watch(write_archive(tmp_path / "a", story(records, end=1.0)), "story")
    assert player.words().startswith("0 items")
    player.page.keyboard.press("Space")
    player.page.wait_for_selector("#notice:not([hidden])")
    assert player.text("#notice") == "Recording ends here: the SDK sent no more of this view."
    assert player.words().startswith("3 items")
    assert player.page.get_by_role("button", name="Play", exact=True).is_visible()
    assert player.console == []


def test_a_view_that_ended_says_nothing_of_an_end(watch: Watch, tmp_path: Path) -> None:
    records, _ = cart(0.2)
    player = watch(write_archive(tmp_path / "a", story([*records, at(1, VIEW_END)], end=0.9)), "story", "t=1")
    assert player.page.locator("#notice").is_hidden()


def test_seeking_forth_and_back_gives_the_same_picture(watch: Watch, tmp_path: Path) -> None:
    records, _ = cart(1, 2, 3)
    player = watch(write_archive(tmp_path / "a", story(records)), "story")
    seen = []
    for second in (2.5, 0.5, 3.5, 1.0, 0.999, 2.0):
        player.seek("v1", second)
        seen.append(player.words().split()[0])
    assert seen == ["2", "0", "3", "1", "0", "2"]


def test_keys_step_through_the_events_and_the_seconds(watch: Watch, tmp_path: Path) -> None:
    records, _ = cart(2, 4)
    player = watch(write_archive(tmp_path / "a", story(records)), "story", "t=0")

    def pressed(key: str) -> str:
        player.page.evaluate("delete document.getElementById('stage').dataset.at")
        player.page.keyboard.press(key)
        player.page.wait_for_selector("#stage[data-at]", state="attached")
        return player.text("#now")

    keys = ("n", "n", "p", "ArrowRight", "ArrowLeft", "ArrowLeft")
    assert [pressed(key) for key in keys] == ["0:02.0", "0:04.0", "0:02.0", "0:07.0", "0:02.0", "0:00.0"]


def test_keys_type_in_the_search_field(watch: Watch, tmp_path: Path) -> None:
    player = watch(write_archive(tmp_path / "a", story(cart(2)[0])), "story", "t=1")
    player.page.keyboard.press("/")
    player.page.keyboard.type("n p")
    assert player.page.locator("#query").input_value() == "n p"
    assert player.text("#now") == "0:01.0"


def test_space_plays_after_a_click_and_presses_what_the_keyboard_reached(watch: Watch, tmp_path: Path) -> None:
    player = watch(write_archive(tmp_path / "a", story(cart(2, 4)[0])), "story", "t=0")
    row = player.page.locator("#list button", has_text="Add to cart").nth(1)
    row.click()
    player.until("document.getElementById('now').textContent === '0:04.0'")
    player.page.keyboard.press("Space")
    player.page.get_by_role("button", name="Pause").wait_for()
    player.page.keyboard.press("Space")
    player.page.get_by_role("button", name="Play", exact=True).wait_for()
    player.page.locator("#query").focus()
    player.page.keyboard.press("Tab")
    assert player.page.evaluate("document.activeElement.className") == "chip gap"
    player.page.keyboard.press("Space")
    assert player.page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "false"
    assert player.page.get_by_role("button", name="Play", exact=True).is_visible()


def test_keys_play_after_a_speed_was_chosen_with_the_pointer(watch: Watch, tmp_path: Path) -> None:
    player = watch(write_archive(tmp_path / "a", story(cart(2, 4)[0])), "story", "t=0")
    player.page.locator("#now").click()
    player.page.locator("#speed").focus()
    player.page.locator("#speed").select_option("8")
    player.page.keyboard.press("n")
    player.until("document.getElementById('now').textContent === '0:02.0'")


def test_the_address_remembers_the_time(watch: Watch, tmp_path: Path) -> None:
    player = watch(write_archive(tmp_path / "a", story(cart(2)[0])), "story", "t=1.5")
    assert player.text("#now") == "0:01.5"
    player.page.locator("#list button", has_text="Add to cart").click()
    player.until("location.hash === '#t=2'")
    assert player.words().startswith("1 items")


def test_search_finds_a_seen_text_and_goes_to_its_first_time(watch: Watch, tmp_path: Path) -> None:
    records, _ = cart(2, 4)
    player = watch(write_archive(tmp_path / "a", story(records)), "story")
    player.page.locator("#query").fill("2 ITEMS")
    player.page.locator("#found").get_by_text("1 text seen, 0 events.").wait_for()
    player.page.locator("#list button").click()
    player.until("document.getElementById('now').textContent === '0:04.0'")
    assert player.words().startswith("2 items")


def test_chips_choose_the_kinds_of_events_that_are_listed(watch: Watch, tmp_path: Path) -> None:
    player = watch(write_archive(tmp_path / "a", story(cart(2, 4)[0])), "story")
    chip = player.page.get_by_role("button", name=re.compile("^Clicks"))
    assert chip.get_attribute("aria-pressed") == "true"
    before = player.page.evaluate(SHOWN)
    chip.click()
    after = player.page.evaluate(SHOWN)
    assert set(before) - set(after) == {"0:02.0", "0:04.0"}


def test_a_missing_segment_is_told_of_while_its_time_is_shown(watch: Watch, tmp_path: Path) -> None:
    records, number = cart(1)
    after = segment(2, 6, 8, [at(7, changed_text(number, "9 items")), at(8, FOCUS)])
    player = watch(write_archive(tmp_path / "a", story(records, after, end=2.0)), "story", "t=4")
    assert player.text("#notice") == "Segment 1 is missing: what happened from 0:02 to 0:06 is not known."
    player.seek("v1", 7.5)
    assert player.page.locator("#notice").is_hidden()
    assert player.words().startswith("9 items")


def test_idle_time_is_skipped_and_said(watch: Watch, tmp_path: Path) -> None:
    records, _ = cart(0.2, 60.2)
    player = watch(write_archive(tmp_path / "a", story([*records, at(61, VIEW_END)], end=60.9)), "story", "t=0")
    player.page.keyboard.press("Space")
    player.page.wait_for_selector(".flash")
    assert re.fullmatch(r"Skipped 5\d s without anything done", player.text(".flash"))
    player.until("document.getElementById('now').textContent.startsWith('1:0')")


def test_times_past_an_hour_keep_clear_of_the_words_beside_them(watch: Watch, tmp_path: Path) -> None:
    player = watch(write_archive(tmp_path / "a", story(cart(2, 36_010)[0], end=36_011)), "story", "t=0")
    edges = (
        "[...document.querySelectorAll('#list button')].map(row => [...row.children].map(part => {"
        "const range = document.createRange(); range.selectNodeContents(part);"
        "const { left, right } = range.getBoundingClientRect(); return [left, right]; }))"
    )
    rows = player.page.evaluate(edges)
    assert "10:00:10.0" in player.page.evaluate(SHOWN)
    assert [row for row in rows if row[0][1] >= row[1][0]] == []


def test_tabs_that_overlap_are_lanes_of_their_own_and_shown_one_at_a_time(watch: Watch, tmp_path: Path) -> None:
    first, _ = cart(2, 8)
    author = Author()
    other: list[Json] = [at(4, opened("https://shop.example/help")), at(4, author.page(author.text("Help")))]
    archive = write_archive(
        tmp_path / "a",
        {
            ("story", "v1"): [segment(0, 0, 10, [*first, at(10, FOCUS)])],
            ("story", "v2"): [segment(0, 4, 6, [*other, at(6, FOCUS)])],
        },
    )
    player = watch(archive, "story", "t=5&view=v1")
    assert (player.text("#place"), player.words().split()[0]) == ("View 1 of 2", "1")
    player.page.locator(".lane .name").nth(1).click()
    player.page.get_by_text("View 2 of 2").wait_for()
    assert player.words() == "Help"
    assert [lane.get_attribute("aria-current") for lane in player.page.locator(".lane .name").all()] == [
        "false",
        "true",
    ]


def test_playing_goes_on_with_the_view_that_began_next(watch: Watch, tmp_path: Path) -> None:
    author = Author()
    later: list[Json] = [
        at(1, opened("https://shop.example/paid")),
        at(1, author.page(author.text("Paid"))),
        at(2, FOCUS),
    ]
    first = [*cart(0.2)[0], at(0.9, VIEW_END)]
    views = {("story", "v1"): [segment(0, 0, 1, first)], ("story", "v2"): [segment(0, 1, 2, later)]}
    player = watch(write_archive(tmp_path / "a", views), "story", "t=0")
    player.page.keyboard.press("Space")
    player.page.get_by_text("View 2 of 2").wait_for()
    player.page.wait_for_selector("#notice:not([hidden])")
    assert player.words() == "Paid"


def test_a_recording_of_a_phone_is_drawn_as_boxes_and_says_so(watch: Watch, tmp_path: Path) -> None:
    box = {"id": 1, "x": 10, "y": 20, "width": 100, "height": 30, "type": "text", "text": "Pay"}
    look = {"textStyle": {"family": "f", "size": 16, "color": "#112233FF"}}
    down = {"source": 9, "pointerEventType": "down", "pointerType": "touch", "pointerId": 1, "x": 50, "y": 30}
    records: list[Json] = [
        at(0, {"type": 4, "data": {"width": 390, "height": 844}}),
        at(0, {"type": 10, "data": {"wireframes": [box | look]}}),
        at(1, {"type": 11, "data": down}),
        at(1.1, {"type": 11, "data": {"source": 0, "updates": [{"id": 1, "type": "text", "text": "Paid"}]}}),
    ]
    player = watch(write_archive(tmp_path / "a", story(records, end=2.0)), "story", "t=0.5")
    assert "drawn as boxes" in player.text("#facts")
    assert (player.words().strip(), player.text("#size")[:9]) == ("Pay", "390 \u00d7 844")
    player.seek("v1", 1.5)
    assert player.words().strip() == "Paid"
    assert player.console == []


def test_any_segment_left_out_is_shown_and_crashes_nothing(chromium: BrowserContext, tmp_path: Path) -> None:
    """Of the recording with the most segments, the second, one in the middle, and the two before the last."""
    session_id, view_id, whole = max(
        ((session, view, views[view]) for session, views in read_views(SAMPLES).items() for view in views),
        key=lambda found: len(found[2]),
    )
    for missing in ({1}, {6}, {len(whole) - 3, len(whole) - 2}, set(range(2, 9))):
        kept = [each for number, each in enumerate(whole) if number not in missing]
        write_page(tmp_path / "page.html", session_id, {view_id: kept})
        with Player(chromium, tmp_path / "page.html") as player:
            view = player.open().index()["views"][0]
            assert [gap[2] for gap in view["gaps"]] == [sorted(missing)]
            start, end, *_ = view["gaps"][0]
            player.seek(view_id, ((start + end) / 2 - view["start"]) / 1000)
            assert re.match(
                r"(Segments? [\d, ]+ (is|are)|7 segments are) missing: what happened from", player.text("#notice")
            )
            player.seek(view_id, (view["end"] - view["start"]) / 1000)
            assert player.console == []


def test_a_picture_that_was_fetched_keeps_its_place(watch: Watch, tmp_path: Path) -> None:
    author = Author()
    size = {"width": "120", "height": "60"}
    first = author.element("img", {"src": "https://shop.example/a.png", "alt": "a picture", **size})
    inside = author.element("img", {"src": "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=", **size})
    body = author.element("div", {}, first, inside)
    late = author.element("img", {"src": "/late.png", **size})
    changed = {"source": 0, "adds": [], "removes": [], "texts": []}
    attributes = [{"id": first["id"], "attributes": {"src": "https://shop.example/b.png"}}]
    records = [at(0, opened()), at(0, author.page(body)), at(1, added(body, late))]
    records.append(at(1, {"type": 3, "data": {**changed, "attributes": attributes}}))
    player = watch(write_archive(tmp_path / "a", story(records)), "story", "t=2")
    boxes = "document => [...document.images].map(({ width, height, complete }) => [width, height, complete])"
    assert player.ask(boxes) == [[120, 60, True]] * 3
    marks = "document => [...document.images].map(one => getComputedStyle(one).outlineStyle)"
    assert player.ask(marks) == ["dashed", "none", "dashed"]
    assert player.console == []


def test_content_that_the_site_hid_is_hatched_and_counted(watch: Watch, tmp_path: Path) -> None:
    author = Author()
    hidden = author.element("div", {"data-dd-privacy": "hidden", "rr_width": "120px", "rr_height": "40px"})
    records = [at(0, opened()), at(0, author.page(author.text("Pay"), hidden))]
    player = watch(write_archive(tmp_path / "a", story(records)), "story")
    assert "kept back by the site: 1 \u00d7 hidden" in player.text("#legend")
    look = "document => getComputedStyle(document.querySelector('[data-dd-privacy]')).backgroundImage"
    assert player.ask(look).startswith("repeating-linear-gradient")
    player.page.get_by_label("Outline masked").check()
    assert (
        player.ask("document => getComputedStyle(document.querySelector('[data-dd-privacy]')).outlineStyle") == "dashed"
    )


def test_fields_that_were_filled_in_unseen_are_counted_once_each(watch: Watch, tmp_path: Path) -> None:
    author = Author()
    fields = [author.element("input", {"type": kind, "aria-label": kind}) for kind in ("password", "email", "text")]
    records = [at(0, opened()), at(0, author.page(*fields))]
    for second, (field, value) in enumerate([(0, "***"), (1, "***"), (2, "plain"), (0, "***")], start=1):
        typed = {"source": 5, "id": fields[field]["id"], "text": value, "isChecked": False}
        records.append(at(second * 10, {"type": 3, "data": typed}))
    player = watch(write_archive(tmp_path / "a", story(records, end=50.0)), "story")
    assert "2 fields filled in unseen: ***" in player.text("#legend")


def test_errors_of_the_rum_events_stand_in_the_list(watch: Watch, tmp_path: Path) -> None:
    events = tmp_path / "rum.ndjson"
    events.write_text(
        f'{{"type":"error","date":{START + 1500},"session":{{"id":"story"}},"view":{{"id":"v1"}},'
        '"error":{"message":"<b>x</b> is not a function"}}\n'
    )
    archive = write_archive(tmp_path / "a", story(cart(1)[0]))
    player = watch(archive, "story", events=events)
    row = player.page.locator("#list button.problem")
    assert row.inner_text().split("\n")[-1] == "<b>x</b> is not a function"
    row.click()
    player.until("document.getElementById('now').textContent === '0:01.5'")


def test_a_long_recording_is_played_over_the_edges_of_its_chunks(watch: Watch, tmp_path: Path) -> None:
    author = Author()
    number, box = author.text("0"), author.element("div", {})
    records: list[Json] = [at(0, opened()), at(0, author.page(author.element("p", {}, number), box))]
    for place in range(1, 41):
        row = author.element("p", {}, author.text(f"row {place} " + "padding " * 8_000))
        records += [at(place / 10, added(box, row)), at(place / 10, changed_text(number, str(place)))]
    player = watch(write_archive(tmp_path / "a", story(records, end=4.1)), "story", "t=0")
    assert len(player.index()["views"][0]["chunks"]) > 2
    player.page.locator("#speed").select_option("8")
    player.page.keyboard.press("Space")
    player.page.wait_for_selector("#notice:not([hidden])")
    assert player.words().split()[0] == "40"
    player.seek("v1", 0.35)
    assert player.words().split()[0] == "3"
    assert player.console == []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_its_window_in_both_colours(
    watch: Watch, tmp_path: Path, width: int, scheme: Literal["light", "dark"]
) -> None:
    archive = samples(tmp_path / "a", SESSIONS[0])
    player = watch(archive, SESSIONS[0], look=(width, scheme))
    assert player.page.evaluate("document.documentElement.scrollWidth") <= width
    assert player.page.evaluate("document.documentElement.dataset.theme") == scheme
    assert player.page.evaluate("document.querySelector('.host').getBoundingClientRect().right") <= width


def test_everything_that_can_be_pressed_has_a_name_and_is_reached_by_the_keyboard(watch: Watch, tmp_path: Path) -> None:
    player = watch(write_archive(tmp_path / "a", story(cart(1)[0])), "story")
    nameless = (
        "[...document.querySelectorAll('button, input, select, [role=slider]')].filter(one => one.offsetParent"
        " && !(one.getAttribute('aria-label') || one.textContent.trim() || one.closest('label'))).length"
    )
    assert player.page.evaluate(nameless) == 0
    assert player.page.get_by_role("button", name="Clicks 1", exact=True).is_visible()
    player.page.locator("#scrubber").focus()
    player.page.keyboard.press("End")
    player.until("document.getElementById('scrubber').getAttribute('aria-valuenow') === '10'")
    assert player.page.locator("#scrubber").get_attribute("aria-valuetext") == "0:10 of 0:10"


def test_the_tab_key_goes_from_top_to_bottom_and_shows_where_it_is(watch: Watch, tmp_path: Path) -> None:
    player = watch(write_archive(tmp_path / "a", story(cart(1)[0])), "story")
    stop = "(one => [one.id || one.className, getComputedStyle(one).outlineStyle])(document.activeElement)"
    stops = []
    for _ in range(13):
        player.page.keyboard.press("Tab")
        stops.append(player.page.evaluate(stop))
    reached, outlines = zip(*stops, strict=True)
    bar = ("scrubber", "play", "previous", "next", "speed", "skip", "full")
    assert reached == ("skip", "help", "theme", *bar, "name", "query", "chip gap")
    assert set(outlines) == {"solid"}


def test_elements_of_the_recorded_page_cannot_be_focused(watch: Watch, tmp_path: Path) -> None:
    player = watch(write_archive(tmp_path / "a", story(cart(1)[0])), "story")
    player.page.evaluate("document.querySelector('.host iframe').focus()")
    assert player.page.evaluate("document.activeElement.tagName") == "BODY"
    assert player.page.evaluate("document.querySelector('.host iframe').sandbox.value") == "allow-same-origin"
