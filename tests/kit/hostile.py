"""A recording of a page that would call home, or run something, in every way an element can."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

HOME = "http://stranger.invalid"
MARK = "PWNED"
T = 1_795_000_000_000
Json = dict[str, Any]  # Any: JSON

RELS = ("stylesheet", "preload", "prefetch", "preconnect", "dns-prefetch", "modulepreload", "icon", "manifest",
        "prerender", "alternate stylesheet", "PREFETCH stylesheet", "x prefetch")  # fmt: skip
SHEET = (
    f"@import url({HOME}/i);@IMPORT '{HOME}/i2';@\\69mport \"{HOME}/i3\";@font-face{{font-family:x;src:url({HOME}/f)}}"
    f"body{{background:url( '{HOME}/b' )}}.a::before{{content:URL({HOME}/c)}}.b{{cursor:u\\72l({HOME}/d),auto}}"
    f".c{{background:\\75 rl({HOME}/e)}}.d{{background:image-set('{HOME}/g' 1x)}}.e{{mask:url({HOME}/unclosed"
)
CALLS = [
    ("img", {"src": "/img", "srcset": "/set 2x", "onerror": MARK, "longdesc": "/l", "lowsrc": "/low"}),
    ("source", {"srcset": "/source"}),
    ("video", {"src": "/video", "poster": "/poster", "autoplay": ""}),
    ("track", {"src": "/track", "default": ""}),
    ("audio", {"src": "/audio"}),
    ("iframe", {"src": "/iframe", "srcdoc": f"<script>{MARK}</script>"}),
    ("iframe", {"src": f"java\nscript:{MARK}"}),
    ("frame", {"src": f" JavaScript:{MARK}"}),
    ("iframe", {"src": f"data:text/html,<script>{MARK}</script>"}),
    ("object", {"data": "/object", "codebase": "/base", "classid": "/class"}),
    ("embed", {"src": "/embed"}),
    ("applet", {"code": "/applet", "archive": "/archive"}),
    ("input", {"type": "image", "src": "/input", "formaction": "/formaction"}),
    ("form", {"action": "/form"}),
    ("button", {"autofocus": "", "onfocus": MARK, "formaction": f"javascript:{MARK}"}),
    ("a", {"href": "/a", "ping": "/ping", "target": "_top", "style": "background:url({home}/inline)"}),
    ("a", {"href": f"javascript:{MARK}", "attributionsrc": "/attribution"}),
    ("area", {"href": "//stranger.invalid/area"}),
    ("table", {"background": "/table"}),
    ("details", {"open": "", "ontoggle": MARK}),
    ("x-a", {"onAnimationStart": MARK, "rr_dataURL": "/canvas"}),
    ("canvas", {"rr_dataURL": "/canvas"}),
    ("portal", {"src": "/portal"}),
    ("fencedframe", {"src": "/fenced"}),
    ("bgsound", {"src": "/sound"}),
    ("link", {"rel": "stylesheet", "href": "/late"}),
    ("base", {"href": "/base/"}),
    ("meta", {"http-equiv": "refresh", "content": "0;url={home}/refresh"}),
    ("meta", {"http-equiv": "Content-Security-Policy", "content": "default-src *"}),
]  # fmt: skip
DRAWN = [
    ("image", {"href": "/svg", "xlink:href": "/xlink"}),
    ("use", {"href": "/use#a"}),
    ("feImage", {"href": "/feimage"}),
    ("rect", {"fill": "url({home}/fill)", "filter": "url('{home}/filter')"}),
    ("animate", {"attributeName": "href", "to": "{home}/to"}),
    ("set", {"attributeName": "onclick", "to": "alert(1)"}),
    ("script", {"href": "/script"}),
]  # fmt: skip
TEXTS = [
    ("script", f"window.{MARK}=1"),
    ("noscript", f"<img src={HOME}/noscript onerror={MARK}>"),
    ("style", SHEET),
    ("style", f"</style><script>{MARK}</script><img src={HOME}/style>"),
    ("xmp", f"</xmp><script>{MARK}</script>"),
    ("textarea", f"</textarea><script>{MARK}</script>"),
    ("title", f"</title><script>{MARK}</script>"),
    ("iframe", f"</iframe><script>{MARK}</script>"),
    ("plaintext", f"<script>{MARK}</script>"),
    ("template", f"<script>{MARK}</script>"),
    ("p", f"</p><script>{MARK}</script>"),
]  # fmt: skip


def filled(attributes: Json) -> Json:
    """Addresses lead home; content of other attributes may name it."""
    addresses = (value.replace("{home}", HOME) for value in attributes.values())
    told = (f"{HOME}{value}" if value.startswith("/") and value[1:2] != "/" else value for value in addresses)
    return dict(zip(attributes, told, strict=True))


def nested() -> bytes:
    """As SDK 6 would have recorded it, a part of it in later mutations."""
    ids = count(1)

    def element(tag: str, attributes: Json, *children: Json, svg: bool = False) -> Json:
        made = {"type": 2, "id": next(ids), "tagName": tag, "attributes": attributes, "childNodes": list(children)}
        return made | ({"isSVG": True} if svg else {})

    def text(words: str) -> Json:
        return {"type": 3, "id": next(ids), "textContent": words}

    def everything() -> list[Json]:
        made = [element(tag, filled(attributes)) for tag, attributes in CALLS]
        made += [element(tag, {}, text(words)) for tag, words in TEXTS]
        made += [element("link", {"rel": rel, "href": f"{HOME}/{rel}", "imagesrcset": f"{HOME}/s 1x"}) for rel in RELS]
        made.append(element("link", {"rel": "stylesheet", "href": f"{HOME}/sheet", "_cssText": SHEET}))
        drawn = [element(tag, filled(attributes), svg=True) for tag, attributes in DRAWN]
        drawn.append(element("style", {}, text(f"<img src={HOME}/x onerror={MARK}>"), svg=True))
        made.append(element("math", {}, element("style", {}, text(f"<img src={HOME}/m onerror={MARK}>"))))
        made.append(
            element("style", {}, text("@imp"), text(f"ort '{HOME}/cut';.x{{background:u"), text(f"rl({HOME}/y)}}"))
        )
        return [*made, element("svg", {}, *drawn, svg=True)]

    body = element("body", {"onload": MARK, "background": f"{HOME}/body"}, *everything())
    html = element("html", {"manifest": f"{HOME}/manifest", "onclick": MARK}, element("head", {}, *everything()), body)
    document = {"type": 0, "id": 0, "childNodes": [html]}
    late = [{"parentId": body["id"], "nextId": None, "node": each} for each in everything()]
    adopting = element("div", {}, {**element("x", {}), "type": 11, "isShadowRoot": True,
                                   "adoptedStyleSheets": [{"cssRules": [SHEET]}]})  # fmt: skip
    late.append({"parentId": body["id"], "nextId": None, "node": adopting})
    changed = {"style": f"background:url({HOME}/late)", "onclick": MARK, "background": f"{HOME}/late"}
    attributes = [{"id": body["id"], "attributes": changed}]
    attributes += [{"id": each["id"], "attributes": each["attributes"]} for each in body["childNodes"]]
    sheet = next(each for each in body["childNodes"] if each["tagName"] == "style")
    return segment([
        {"type": 4, "timestamp": T, "data": {"href": f"javascript:{MARK}", "width": 800, "height": 600}},
        {"type": 2, "timestamp": T, "data": {"node": document, "initialOffset": {"left": 0, "top": 0}}},
        increment(0, adds=late, removes=[], texts=[], attributes=attributes),
        increment(8, id=sheet["id"], adds=[{"rule": SHEET, "index": 0}]),
        increment(2, id=body["id"], type=2, x=1, y=1),
    ])  # fmt: skip


def by_changes() -> bytes:
    """As SDK 7 would have recorded it."""
    nodes: list[list[object]] = [[None, "#document"], [1, "HTML"], [1, "HEAD"], [2, "BODY"]]

    def put(tag: str, attributes: Json, words: str = "") -> None:
        nodes.append([len(nodes) - 3, tag, *map(list, attributes.items())])
        if words:
            nodes.append([1, "#text", words])

    for tag, attributes in CALLS:
        put(tag.upper(), filled(attributes))
    for tag, attributes in DRAWN:
        put(f"svg>{tag}", filled(attributes))
    for tag, words in TEXTS:
        put(tag.upper(), {}, words)
    put("LINK", {"rel": "stylesheet", "href": f"{HOME}/sheet"})
    link = len(nodes) - 1
    sheets = [[7, [SHEET]], [8, [link, 0], [0, 0]]]
    changes = [[3, [3, ["onclick", MARK], ["background", f"{HOME}/late"], ["style", f"background:url({HOME}/l)"]]]]
    return segment([
        {"type": 4, "timestamp": T, "data": {"href": f"{HOME}/", "width": 800, "height": 600}},
        {"type": 2, "format": 1, "timestamp": T, "data": [[1, *nodes], *sheets]},
        {"type": 12, "timestamp": T + 1, "data": changes},
    ])  # fmt: skip


def increment(source: int, **data: object) -> Json:
    return {"type": 3, "timestamp": T + 1, "data": {"source": source, **data}}


def segment(records: list[Json]) -> bytes:
    return json.dumps({"records": records, "start": T, "end": T + 1, "index_in_view": 0}).encode()


def addresses() -> Iterator[str]:
    """What none of the outputs may hold."""
    yield from ("stranger.invalid", MARK)
