"""Addresses of stores: what is taken, what is refused, and that no refusal repeats a password."""

from __future__ import annotations

import pickle

import pytest

from replay_fetch.errors import SettingsError
from replay_fetch.store.location import Location, is_url, parse, plain_http_allowed


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("s3://bucket/season", Location("s3", "bucket", "season")),
        ("S3://bucket/a/b c/", Location("s3", "bucket", "a/b c")),
        ("gs://bucket", Location("gs", "bucket")),
        ("gs://bucket/", Location("gs", "bucket")),
        ("az://container/lists/season.csv", Location("az", "container", "lists/season.csv")),
    ],
)
def test_an_address_names_scheme_bucket_and_prefix(url: str, location: Location) -> None:
    assert parse(url) == location
    assert parse(str(location)) == location


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://host/x", "ftp:// is no store"),
        ("s3:/bucket/x", "known are s3://"),
        ("s3://", "no bucket"),
        ("s3:///season", "no bucket"),
        ("s3://b/x", "no bucket"),
        ("s3://bucket//x", "empty part"),
        ("s3://bucket/a/../b", ".."),
        ("s3://bucket/a/./b", "."),
        ("s3://bucket/a%20b", "character"),
        ("s3://bucket/ a", "character"),
        ("s3://bucket/sæson", "character"),
        ("s3://bucket/a\nb", "character"),
        ("s3://bucket/" + "a" * 801, "longer than 800"),
    ],
)
def test_an_odd_address_is_refused_before_anything_is_asked(url: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says.replace(".", r"\.")):
        parse(url)


@pytest.mark.parametrize("url", ["s3://AKIAKEY:hidden@bucket/x", "az://bucket/x?sig=hidden", "gs://bucket/x#hidden"])
def test_a_password_in_an_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(SettingsError, match="environment") as refused:
        parse(url)
    assert "hidden" not in str(refused.value)
    assert "AKIAKEY" not in str(refused.value)


def test_a_path_of_this_machine_is_no_address() -> None:
    assert [is_url(text) for text in ("s3://b/x", "ftp://x", "season", "./s3:x", "C:\\x", "a/b://c")] == [
        True,
        True,
        False,
        False,
        False,
        False,
    ]


def test_the_address_of_a_list_is_its_folder_and_its_name() -> None:
    list_at = parse("s3://bucket/lists/season.csv")
    assert (list_at.parent, list_at.name) == (Location("s3", "bucket", "lists"), "season.csv")
    assert pickle.loads(pickle.dumps(list_at)) == list_at  # noqa: S301 - our own bytes


@pytest.mark.parametrize(
    ("scheme", "environ", "allowed"),
    [
        ("s3", {}, False),
        ("s3", {"AWS_ENDPOINT_URL": "https://minio.example"}, False),
        ("s3", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9000"}, True),
        ("s3", {"AWS_ENDPOINT_URL": "http://[::1]:9000"}, True),
        ("s3", {"AWS_ENDPOINT_URL": "http://localhost:9000"}, True),
        ("s3", {"AWS_ENDPOINT_URL": "http://minio:9000", "AWS_ALLOW_HTTP": "true"}, True),
        ("az", {"AZURE_STORAGE_USE_EMULATOR": "true"}, True),
        ("az", {"AZURE_STORAGE_ENDPOINT": "http://127.0.0.1:10000/devstoreaccount1"}, True),
    ],
)
def test_plain_http_goes_to_this_machine_alone_unless_the_vendors_variable_allows_it(
    scheme: str, environ: dict[str, str], *, allowed: bool
) -> None:
    assert plain_http_allowed(scheme, environ) is allowed


@pytest.mark.parametrize(
    ("endpoint", "says"),
    [
        ("http://minio:9000", "AWS_ALLOW_HTTP=true"),
        ("http://127.0.0.1.example:9000", "AWS_ALLOW_HTTP=true"),
        ("https://user:hidden@minio", "host and a port"),
        ("minio:9000", "no URL"),
    ],
)
def test_an_endpoint_that_would_show_secrets_is_refused(endpoint: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as refused:
        plain_http_allowed("s3", {"AWS_ENDPOINT_URL": endpoint})
    assert "hidden" not in str(refused.value)
