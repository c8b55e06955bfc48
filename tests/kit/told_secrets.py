"""Keys like no other text, in every form in which they may come out, and the check that none did."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from urllib.parse import quote

# Like no real key, so that whatever finds one in a log finds these: everything that gets escaped somewhere.
API_KEY = "Zq9-apikey+/=&%22'\\\"<{7}>"
APP_KEY = "Zq9-appkey;|`$(id)#?@!~^,[]:*"
BEARER = "Zq9.bearer.token/+=%41&x='\"\\"
# As the vendor makes them.
REAL_API_KEY = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
REAL_APP_KEY = "c0ffee00c0ffee11c0ffee22c0ffee33c0ffee44"
SECRETS = (API_KEY, APP_KEY, BEARER, REAL_API_KEY, REAL_APP_KEY)


def forms(secret: str) -> set[bytes]:
    """A secret as it may come out: plain, in a URL, in JSON, in a repr, in base64."""
    raw = secret.encode()
    escaped = (quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1])
    return {raw, *(form.encode() for form in escaped), base64.b64encode(raw), base64.urlsafe_b64encode(raw)}


def found_in(text: bytes) -> list[str]:
    return [secret for secret in SECRETS if any(form in text for form in forms(secret))]


def check_no_secret(out: Path, *texts: str) -> None:
    """Nothing that a run wrote or printed holds a key in any form."""
    for text in texts:
        assert not found_in(text.encode()), text
    for path in out.parent.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not found_in(content), path
            if content.startswith(b"\x1f\x8b"):
                assert not found_in(gzip.decompress(content)), path
            assert not found_in(path.name.encode()), path
