"""The door to obstore: what a store refuses comes out in our words, with no credential in them."""

from __future__ import annotations

import logging
import pickle
import threading
import traceback
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from replay_fetch.errors import ReplayFetchError, SettingsError
from replay_fetch.store import door
from replay_fetch.store.failures import StoreDead, StoreError, judge
from replay_fetch.store.location import Location
from replay_fetch.store.objects import Objects
from replay_fetch.store.retries import Retries

pytestmark = pytest.mark.anyio

PLACE = Location("s3", "bucket", "season")
SECRETS = ("AKIAHIDDEN", "hiddenkey", "hiddentoken", "hidden+account/key==")


_AZURES_SKEW = (
    "<Code>AuthenticationFailed</Code><AuthenticationErrorDetail>Request date header too old: "
    "'Sat, 28 Nov 2026 01:00:00 GMT'</AuthenticationErrorDetail>"
)


class OneAnswer(ThreadingHTTPServer):
    """A store that gives every request the same answer, in which it repeats the access key as S3 does."""

    status, code = 200, ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        assert isinstance(self.server, OneAnswer)
        self.rfile.read(int(self.headers.get("content-length") or 0))
        code = self.server.code
        said = f"<Error><Code>{code}</Code><AWSAccessKeyId>AKIAHIDDEN</AWSAccessKeyId></Error>" if code else ""
        self.send_response(self.server.status)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said.encode())

    do_GET = do_PUT = do_HEAD = do_DELETE = _answer  # noqa: N815 - names of the base class

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base
        del format, args


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[OneAnswer]:
    server = OneAnswer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAHIDDEN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hiddenkey")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "hiddentoken")
    monkeypatch.setattr(door, "_RETRIES", {"max_retries": 0, "retry_timeout": timedelta(seconds=1)})
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "code", "error", "says"),
    [
        (404, "NoSuchBucket", SettingsError, r"the bucket does not exist \(NoSuchBucket\); make it"),
        (403, "AccessDenied", StoreError, "is not open to these credentials"),
        (403, "InvalidAccessKeyId", StoreError, "does not know these credentials"),
        (403, "SignatureDoesNotMatch", StoreError, "does not know these credentials"),
        (403, "RequestTimeTooSkewed", StoreError, "clock is wrong"),
        (400, "ExpiredToken", StoreError, "have expired"),
        (301, "PermanentRedirect", SettingsError, "another region; set AWS_REGION"),
        (400, "AuthorizationHeaderMalformed", SettingsError, "another region"),
        (501, "NotImplemented", SettingsError, "cannot write on a condition"),
        (403, "", StoreError, r"is not open to these credentials \(403\)"),
        (400, "InvalidDigest", StoreError, r"refuses a request \(InvalidDigest\)"),
        (503, "SlowDown", StoreDead, "nothing but faults for more than 0 s, the last one: status 503"),
    ],
)
async def test_a_refusal_says_which_bucket_what_it_said_and_what_to_do(
    answering: OneAnswer, status: int, code: str, error: type[ReplayFetchError], says: str
) -> None:
    answering.status, answering.code = status, code
    objects = Objects(door.connected(PLACE), PLACE, give_up_after=0)
    with pytest.raises(error, match=says) as raised:
        await objects.create("log/1", b"x", 1)
    assert str(raised.value).startswith("s3://bucket/season: ")
    shown = "".join(traceback.format_exception(raised.value))
    assert not [secret for secret in SECRETS if secret in shown]


async def test_a_listing_is_refused_in_the_same_words(answering: OneAnswer) -> None:
    answering.status, answering.code = 403, "AccessDenied"
    with pytest.raises(StoreError, match="not open to these credentials"):
        [listed async for listed in Objects(door.connected(PLACE), PLACE, give_up_after=0).list("log")]


async def test_a_bucket_that_vanishes_in_a_run_ends_it_with_3_not_2(answering: OneAnswer) -> None:
    objects = Objects(door.connected(PLACE), PLACE, give_up_after=0)
    answering.status, answering.code = 404, ""
    assert await objects.head("log/1") is None
    answering.code = "NoSuchBucket"
    with pytest.raises(StoreError, match="does not exist"):
        await objects.create("log/1", b"x", 1)


async def test_a_store_that_is_not_there_is_dead(
    answering: OneAnswer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    del answering
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with caplog.at_level(logging.DEBUG), pytest.raises(StoreDead, match="no answer"):
        await Objects(door.connected(PLACE), PLACE, give_up_after=0).head("log/1")
    assert not [secret for secret in SECRETS if secret in caplog.text]


def test_a_connection_shows_no_credential_and_is_not_pickled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAHIDDEN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hiddenkey")
    driver = door.connected(PLACE)
    objects = Objects(driver, PLACE, give_up_after=0)
    assert (repr(driver), repr(objects)) == ("<ObstoreDriver>", "<Objects s3://bucket/season, 0 requests>")
    for holder in (driver, objects):
        with pytest.raises(TypeError, match="send its address"):
            pickle.dumps(holder)


@pytest.mark.parametrize(
    ("location", "environ"),
    [
        (Location("az", "container"), {"AZURE_STORAGE_ACCOUNT_KEY": "hidden+account/key=="}),
        (Location("gs", "bucket"), {"GOOGLE_SERVICE_ACCOUNT_KEY": "hiddenkey"}),
    ],
)
def test_an_environment_that_cannot_be_used_is_a_mistake_in_settings_and_not_shown(
    location: Location, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match="environment's settings for this store") as raised:
        door.connected(location)
    assert not [secret for secret in SECRETS if secret in "".join(traceback.format_exception(raised.value))]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("PUT http://169.254.169.254/latest/api/token - HTTP error: error sending request", "there are no credentials"),
        ("status code: 404 Not Found: <Code>ContainerNotFound</Code>", "does not exist"),
        ("status code: 403 Forbidden: <Code>AuthorizationPermissionMismatch</Code>", "not open to these credentials"),
        ("status code: 401 Unauthorized: ", "does not know these credentials"),
        (f"status code: 403 Forbidden: {_AZURES_SKEW}", "clock is wrong"),
        ("status code: 429 Too Many Requests: ", None),
        ("status code: 503 Service Unavailable: <Code>ServerBusy</Code>", None),
        ("HTTP error: operation timed out", None),
    ],
)
def test_errors_of_a_store_that_may_pass_are_told_from_those_that_stay(text: str, says: str | None) -> None:
    refusal = judge(text).refusal
    assert (refusal is None) if says is None else (refusal is not None and says in refusal.said)


@pytest.mark.usefixtures("virtual_clock")
async def test_a_role_that_cannot_be_renewed_is_waited_for_in_a_run_and_refused_at_its_beginning() -> None:
    refused = judge("PUT http://169.254.169.254/latest/api/token").refusal
    assert refused is not None
    answers: list[Exception | None] = [refused, refused, None]

    async def request() -> str:
        failure = answers.pop(0)
        if failure is not None:
            raise failure
        return "answered"

    retries = Retries(PLACE, 600)
    with pytest.raises(StoreError, match="there are no credentials; set those"):
        await retries.ask("GET", request)
    answers.insert(0, None)
    assert await retries.ask("GET", request) == "answered"
    assert await retries.ask("GET", request) == "answered"
