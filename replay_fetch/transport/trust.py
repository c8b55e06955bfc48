"""Trust in certificates: the CAs that count, and advice where a certificate is refused."""

from __future__ import annotations

import os
import ssl
from urllib.parse import urlsplit

from replay_fetch.errors import SettingsError
from replay_fetch.settings import FetchSettings

# Variables by which other programs are told of a company's CA; OpenSSL's own, SSL_CERT_FILE and SSL_CERT_DIR, are read.
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# X509_V_ERR_…, as OpenSSL numbers them.
_NOT_YET_VALID, _EXPIRED = 9, 10
_OTHER_NAME = (62, 63, 64)  # host name, e-mail, IP address


def trust_in(origin: str, fetch: FetchSettings) -> ssl.SSLContext | bool:
    """Return what the connections to ``origin`` are checked by: a context, or True for plain http, which needs none.

    Raises SettingsError where ``--ca-file`` cannot be used.
    """
    # http has no proxy either, so no connection is ever secured, and 22 ms of CPU for reading the CAs would be lost.
    if urlsplit(origin).scheme == "http":
        check_ca_file(fetch)
        return True
    return _context(fetch)


def _context(fetch: FetchSettings) -> ssl.SSLContext:
    """Make the context that checks the chain to a trusted CA, the name, and the dates.

    The system's CAs stay trusted beside those of ``--ca-file``.
    """
    context = ssl.create_default_context()
    # Python 3.13 sets it by default. It asks for fields that many a company's CA lacks (a key identifier, a critical
    # basic constraint) and that prove nothing of whom a certificate was given to.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    _trust_file_too(context, fetch)
    return context


def check_ca_file(fetch: FetchSettings) -> None:
    """Raise SettingsError where ``--ca-file`` cannot be used.

    The system's CAs, which take some 20 ms of CPU to read, are left out: connections have a context of their own.
    """
    _trust_file_too(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), fetch)


def _trust_file_too(context: ssl.SSLContext, fetch: FetchSettings) -> None:
    if fetch.ca_file is None:
        return
    try:
        context.load_verify_locations(cafile=fetch.ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise SettingsError(f"--ca-file {fetch.ca_file}: {error.strerror or 'not a PEM bundle'}") from None


def advice_on(certificate_error: Exception, ca_file: object) -> str:
    """Say why a certificate is refused and how to help: a clock, a name, a CA each need other advice."""
    code = getattr(certificate_error, "verify_code", None)
    reason = getattr(certificate_error, "verify_message", "") or "certificate verify failed"
    if code in (_NOT_YET_VALID, _EXPIRED):
        return f"({reason}); look at this machine's clock: where it is right, the certificate must be renewed"
    if code in _OTHER_NAME:
        return f"({reason}); look at --site and --base-url, and at what stands in between"
    named = next((name for name in _BUNDLES if os.environ.get(name)), "")
    if named and str(ca_file) != os.environ[named]:
        return f"({reason}); {named} is not read here: --ca-file {os.environ[named]}"
    return f"({reason}); name its CA with --ca-file"
