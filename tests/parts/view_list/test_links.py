"""Replay links, as tickets, chats and spreadsheets hold them."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay_fetch.errors import InputError
from replay_fetch.sites import SITES, site_of_host
from replay_fetch.view_list.links import Link, SiteCheck, has_link, read_link

S, V = "1f46e825-067f-4850-9b0a-58b0ef0c14f1", "8fbd8d7a-6bb6-4a2e-b62e-5cc7d3ece4da"
PATH = f"/rum/replay/sessions/{S}"
EU = f"https://app.datadoghq.eu{PATH}"


@pytest.mark.parametrize(
    ("text", "link"),
    [
        (f"{EU}?seed={V}&from=1764230400000", Link(S, V, "datadoghq.eu")),
        (f"{EU}?from=1764230400000&view_id={V}&seek=1200", Link(S, V, "datadoghq.eu")),
        (EU, Link(S, None, "datadoghq.eu")),
        (f"{EU}/?seed=", Link(S, None, "datadoghq.eu")),
        (f"https://us3.datadoghq.com{PATH}?seed={V}#top", Link(S, V, "us3.datadoghq.com")),
        (f"https://acme.us5.datadoghq.com{PATH}", Link(S, None, "us5.datadoghq.com")),
        (f"https://acme.datadoghq.com{PATH}", Link(S, None, "datadoghq.com")),
        (f"HTTPS://APP.DATADOGHQ.COM{PATH}", Link(S, None, "datadoghq.com")),
        (f"seen here: <{EU}?seed={V}>.", Link(S, V, "datadoghq.eu")),
        (f"[the replay]({EU}?seed={V})", Link(S, V, "datadoghq.eu")),
        (f'=HYPERLINK("{EU}?seed={V}","replay")', Link(S, V, "datadoghq.eu")),
        (f"{EU}?from=1&amp;seed={V}, and again {EU}?from=2&seed={V}", Link(S, V, "datadoghq.eu")),
        (f"\u201c{EU}?seed={V}\u201d", Link(S, V, "datadoghq.eu")),
        (f"did you see **{EU}?seed={V}**?", Link(S, V, "datadoghq.eu")),
        (f"\uff08{EU}?seed={V}\uff09\u3002", Link(S, V, "datadoghq.eu")),
        (f"{EU[:-4]}\u200b{EU[-4:]}?seed={V}\u2060", Link(S, V, "datadoghq.eu")),
        (quote(f"{EU}?from=1&seed={V}", safe=""), Link(S, V, "datadoghq.eu")),
        (
            f"https://eur01.safelinks.example/?url={quote(f'{EU}?seed={V}', safe='')}&data=05%7C&seed=other",
            Link(S, V, "datadoghq.eu"),
        ),
        # An address in a parameter of a link is no part of what the link names, and does not cut it short.
        (f"{EU}?back={quote('https://shop.example/a?b=c', safe='')}&seed={V}", Link(S, V, "datadoghq.eu")),
    ],
)
def test_a_link_gives_its_session_its_view_and_its_site(text: str, link: Link) -> None:
    assert has_link(text)
    assert read_link(text) == link


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"https://app.datadoghq.eu.evil.example{PATH}", "none of Datadog's sites"),
        (f"https://evildatadoghq.eu{PATH}", "none of Datadog's sites"),
        (f"{EU} {EU.replace('1f46', '2f46')}", "2 different replay links"),
        ("https://app.datadoghq.eu/rum/replay/sessions/..%2f..%2fetc", "character outside"),
        (f"{EU}?seed=../../x", "character outside"),
        (f"{EU}?seed={'x' * 129}", "129 characters"),
        ("https://app.datadoghq.eu/rum/sessions/x", "no replay link"),
        (f"https://[::1{PATH}", "no replay link"),
        (f"https://app.datadoghq.eu/x{PATH}", "is no replay link"),
        (f"https://app.datadoghq.eu\u2100.x{PATH}", "is no URL"),
        (quote(f"https://app.datadoghq.eu.evil.example{PATH}", safe=""), "none of Datadog's sites"),
        (quote(f"{EU}?seed=../../x", safe=""), "character outside"),
    ],
)
def test_a_link_that_cannot_be_used_is_refused_with_a_printable_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        read_link(text)
    assert str(caught.value).isprintable()


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading_of_links(text: str) -> None:
    for each in (text, f"https://{text}{PATH}", f"{EU}?seed={text}", f"{EU}{text}"):
        try:
            link = read_link(each)
        except ValueError:
            continue
        assert link.site in SITES


@pytest.mark.parametrize("site", SITES)
def test_every_site_is_known_by_the_host_of_its_pages(site: str) -> None:
    assert site_of_host(f"app.{site}") == site_of_host(site.upper()) == site


def test_a_link_to_another_site_than_the_one_that_is_asked_is_refused_and_both_are_named() -> None:
    check = SiteCheck("tickets.csv", "datadoghq.com")
    check.check("datadoghq.com", 2)
    with pytest.raises(InputError, match=r"tickets.csv, line 3: the link leads to datadoghq.eu, and datadoghq.com "):
        check.check("datadoghq.eu", 3)


def test_links_of_several_sites_are_refused_whatever_server_is_asked() -> None:
    check = SiteCheck("tickets.csv")
    check.check("us5.datadoghq.com", 2)
    with pytest.raises(InputError, match=r"line 9: .*datadoghq.eu, that of line 2 to us5.datadoghq.com"):
        check.check("datadoghq.eu", 9)
