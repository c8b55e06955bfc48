"""The benchmarks over TLS: the same server and clients, and a certificate that all of them check."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import environment

from benchmarks import tls
from benchmarks.contestants import CONTESTANTS, OURS, Contestant, ours, over_tls
from benchmarks.fetch import CLIENTS
from benchmarks.measure import Measure
from benchmarks.programs import FailedError
from benchmarks.server import serving
from benchmarks.tls import Certificate, certified

ROOT = Path(__file__).parents[3]
ASKING = [each for each in (*CLIENTS, *CONTESTANTS) if each in CLIENTS or each.name == OURS]


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measure]:
    folder = tmp_path_factory.mktemp("tls")
    with (
        certified(wanted=True) as certificate,
        serving(folder / "pages", [2_000], ["plain"], certificate) as (_, urls),
    ):
        yield Measure(folder, "2000/plain", urls["2000/plain"], certificate=certificate)


@pytest.mark.parametrize(
    "contestant", [each for each in ASKING if each.tls and each.installed], ids=lambda each: each.name
)
def test_every_contestant_over_tls_trusts_the_certificate(over: Measure, contestant: Contestant) -> None:
    assert over._run(contestant, sessions=1).requests == 5


def test_no_contestant_asks_a_server_whose_certificate_is_not_trusted(
    over: Measure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Certificate, "environment", {})
    with pytest.raises(FailedError, match="certificate"):
        over._run(CLIENTS[0], sessions=1)


def test_a_contestant_that_takes_no_ca_is_left_out_with_a_word() -> None:
    notes: list[str] = []
    told, untold = Contestant("told", ours()), Contestant("untold", ours(), tls=False)
    assert over_tls([told, untold], notes) == [told]
    assert notes == ["Left out, since the environment cannot name them a CA: untold."]


def test_tls_without_trustme_is_left_out_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "find_spec", lambda _: None)
    with certified(wanted=False) as certificate:
        assert certificate is None
    with pytest.raises(FailedError, match="trustme is not installed"), certified(wanted=True):
        pass


@pytest.mark.parametrize("benchmark", ["fetch", "pipeline"])
def test_results_over_tls_lie_beside_results_without(tmp_path: Path, benchmark: str) -> None:
    command = ["benchmarks", benchmark, "--tls", "--quick", "--sizes", "2000", "--only", "bare aiohttp"]
    subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-m", *command, "--out", tmp_path],
        cwd=ROOT,
        env=environment(),
        check=True,
        capture_output=True,
    )
    (written,) = tmp_path.iterdir()
    assert written.name == f"{benchmark}-tls.md"
    notes = written.read_text().split("\n\n")
    assert any("TLS 1.3" in note for note in notes)
