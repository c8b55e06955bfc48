"""A recording that would call home, and run its own scripts, in every way that an element knows."""

from __future__ import annotations

import json

from recorded_pages import VIEW_END, Author, Json, at, opened

_LINKS = (
    "stylesheet",
    "preload",
    "prefetch",
    "preconnect",
    "dns-prefetch",
    "modulepreload",
    "icon",
    "manifest",
    "prerender",
    "alternate stylesheet",
    "apple-touch-icon",
    "PREFETCH stylesheet",
)
_EVIL = "top.PWNED=1;parent.PWNED=1;window.PWNED=1"


def hostile_records(host: str) -> list[dict[str, object]]:
    """The records of a page that asks ``host`` for things; three seconds long."""
    author = Author()
    body = author.element("div", {"id": "stage", "onclick": _EVIL}, author.text("innocent"), *_body(author, host))
    page = author.page(
        body,
        author.text("</script><script>top.PWNED=1</script><!--"),
        head=_head(author, host),
        attributes={"onload": _EVIL, "background": f"http://{host}/background"},
    )
    late = author.element("div", {"style": f"background:url(http://{host}/late-style)"}, *_body(author, f"{host}/late"))
    return [
        at(0, opened(f"javascript:{_EVIL}//</title><script>{_EVIL}</script>")),
        at(0, page),
        at(
            1,
            {
                "type": 3,
                "data": {
                    "source": 0,
                    "adds": [_add(body, late)],
                    "removes": [],
                    "texts": [],
                    "attributes": [
                        {
                            "id": body["id"],
                            "attributes": {"style": f"background:url(http://{host}/attribute)", "onclick": _EVIL},
                        }
                    ],
                },
            },
        ),
        at(1.2, {"type": 3, "data": {"source": 2, "type": 2, "id": body["id"], "x": 5, "y": 5}}),
        at(3, VIEW_END),
    ]


def _add(parent: Json, node: Json) -> dict[str, object]:
    return {"parentId": parent["id"], "nextId": None, "node": node}


def _head(author: Author, host: str) -> list[dict[str, object]]:
    def url(name: str) -> str:
        return f"http://{host}/{name}"

    style = (
        f"@import url({url('import')});@import '{url('import2')}';@font-face{{font-family:x;src:url({url('font')})}}"
        f"body{{background:url({url('css')});font-family:x}} .a::before{{content:url('{url('content')}')}}"
        f".a{{cursor:url({url('cursor')}),auto;mask:url({url('mask')});list-style-image:url({url('list')});"
        f"border-image:url({url('border')}) 1;background-image:image-set('{url('set')}' 1x)}}"
    )
    return [
        author.element("meta", {"http-equiv": "refresh", "content": f"0;url={url('refresh')}"}),
        author.element("meta", {"http-equiv": "Content-Security-Policy", "content": "default-src *"}),
        author.element("base", {"href": url("base/"), "target": "_top"}),
        *(
            author.element("link", {"rel": rel, "href": url(f"link-{n}"), "as": "image"})
            for n, rel in enumerate(_LINKS)
        ),
        author.element("style", {"_cssText": style}),
        author.element("style", {}, author.text(style)),
        author.element("script", {"src": url("script")}),
        author.element("script", {}, author.text(_EVIL)),
        author.element("title", {}, author.text(f"</title><img src={url('title')}>")),
    ]


def _body(author: Author, host: str) -> list[dict[str, object]]:
    def url(name: str) -> str:
        return f"http://{host}/{name}"

    make = author.element
    inline = f"<img src={url('inline')} onerror='{_EVIL}'><script>{_EVIL}</script>"
    shapes = [
        make("image", {"href": url("svg"), "xlink:href": url("svg-xlink")}, isSVG=True),
        make("use", {"href": url("use#a")}, isSVG=True),
        make("script", {"href": url("svg-script")}, author.text(_EVIL), isSVG=True),
        make("feImage", {"href": url("fe")}, isSVG=True),
        make("a", {"xlink:href": f"javascript:{_EVIL}"}, isSVG=True),
        make("animate", {"attributeName": "href", "values": f"javascript:{_EVIL}", "onbegin": _EVIL}, isSVG=True),
    ]
    return [
        make("img", {"src": url("img"), "srcset": f"{url('srcset')} 2x", "onerror": _EVIL, "onload": _EVIL}),
        make("picture", {}, make("source", {"srcset": url("source")}), make("img", {"src": url("picture")})),
        make(
            "video",
            {
                "src": url("video"),
                "poster": url("poster"),
                "autoplay": "",
                "preload": "auto",
                "rr_mediaState": "played",
            },
            make("source", {"src": url("video-source")}),
            make("track", {"src": url("track"), "default": ""}),
        ),
        make("audio", {"src": url("audio"), "preload": "auto", "autoplay": "", "oncanplay": _EVIL}),
        make("iframe", {"src": url("iframe")}),
        make("iframe", {"srcdoc": inline}),
        make("iframe", {"src": f"javascript:{_EVIL}"}),
        make("iframe", {"src": f"data:text/html,{inline}"}),
        make("object", {"data": url("object")}),
        make("embed", {"src": url("embed")}),
        make("portal", {"src": url("portal")}),
        make("fencedframe", {"src": url("fenced")}),
        make("input", {"type": "image", "src": url("input")}),
        make("form", {"action": url("form")}, make("button", {"autofocus": "", "onfocus": _EVIL}, author.text("send"))),
        make("a", {"href": url("link"), "ping": url("ping"), "class": "a", "style": f"background:url({url('style')})"}),
        make("a", {"href": f"javascript:{_EVIL}", "id": "bait"}, author.text("press me")),
        make(
            "table",
            {"background": url("table")},
            make("tbody", {}, make("tr", {}, make("td", {"background": url("td")}))),
        ),
        make("div", {"style": f"background-image:image-set(url({url('image-set')}) 1x)"}),
        make("details", {"open": "", "ontoggle": _EVIL}, author.text("details")),
        make("x-a", {"onanimationstart": _EVIL, "onfocusin": _EVIL}),
        make("template", {}, make("img", {"src": url("template")})),
        make("math", {}, make("mi", {"href": f"javascript:{_EVIL}"}, author.text("m"))),
        make("bgsound", {"src": url("bgsound")}),
        make("link", {"rel": "stylesheet", "href": url("body-link")}),
        make("noscript", {}, make("img", {"src": url("noscript")})),
        make("svg", {"onload": _EVIL}, *shapes, isSVG=True),
    ]


def ways(host: str) -> int:
    """In how many places the recording names the host."""
    return json.dumps(hostile_records(host)).count(host)
