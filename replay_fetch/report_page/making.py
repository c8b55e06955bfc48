"""The page: facts and charts put into the template, whose every value is escaped.

Reasons and ids are a stranger's words. The page has no script, and refers to nothing outside.
"""

from __future__ import annotations

from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from replay_fetch.archive.report import nothing_there
from replay_fetch.archive.shelf import Shelf, readable
from replay_fetch.inspect.entries import standing_of
from replay_fetch.model import Outcome
from replay_fetch.named_file import NamedFile
from replay_fetch.printable import printable
from replay_fetch.progress.units import count, duration, size, some
from replay_fetch.report_page import charts
from replay_fetch.report_page.archive_facts import ArchiveSums, archive_facts, by_views
from replay_fetch.report_page.run_facts import RunFacts, run_facts, shares, stretches_of

_TEMPLATE = "report.html.jinja"
_ROWS = 30
"""Of a table; a run in which everything fails has millions."""


def make_page(out: Shelf, target: NamedFile) -> None:
    """Write the page of an archive's last run to a file or a stream: one document that refers to nothing outside.

    Raises ArchiveError where there is no report yet, or for a report or manifest that cannot be read.
    """
    readable(out)
    page = render(out.title, run_facts(out), archive_facts(out), standing_of(out))
    target.write([page.encode("utf-8", "replace")])


def render(name: str, run: RunFacts, archive: ArchiveSums, standing: str = "") -> str:
    """Fill the template with the facts of run and archive, every value escaped; returns the page as text.

    ``standing`` says where a run is going on, or was killed; the verdict of a run is then one of the run before.
    """
    # StrictUndefined: a name that the facts no longer have is a defect here, not a blank on the page.
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"count": count, "some": some, "size": size, "duration": duration, "words": printable}
    template = environment.from_string(files(__package__).joinpath(_TEMPLATE).read_text("utf-8"))
    return template.render(
        name=name,
        run=run,
        archive=archive,
        charts=_charts(run, archive),
        standing=standing[:1].upper() + standing[1:],
        verdict=verdict(run) if run.started or not standing else "",
        nothing_there=nothing_there(run.outcomes, run.views, run.segments),
        outcomes=[
            (str(outcome), run.outcomes[outcome], outcome.finished) for outcome in Outcome if outcome in run.outcomes
        ],
        limits=shares(stretches_of(run.pacing)),
        unfinished=by_views(archive.unfinished)[:_ROWS],
        hidden_reasons=max(len(archive.unfinished) - _ROWS, 0),
        bad_rows=run.bad_row_reasons[:_ROWS],
    )


def verdict(run: RunFacts) -> str:
    """Say the run in a sentence, for people; the exit code says the same to a script.

    The most serious comes first: stopped, interrupted, not one view there, views that are not finished.
    """
    if run.stopped:
        return f"Stopped: {run.stopped}"
    if run.interrupted:
        return "Interrupted; the same command goes on where it ended."
    if nothing_there(run.outcomes, run.views, run.segments):
        return (
            "Not one view of the list is there. Are the session and the view column exchanged? Is --site right, and "
            "are the keys those of the organisation that recorded them?"
        )
    if run.unfinished:
        return f"{some(run.unfinished, 'view is', 'views are')} not finished; the same command asks again."
    return f"Every view {_but(run) or 'of the list ended well'}."


def _but(run: RunFacts) -> str:
    """Name what is lacking of a run whose views all ended well; empty where nothing is."""
    if run.bad_rows:
        return f"ended well, but {some(run.bad_rows, 'row')} of the list cannot be used"
    if run.without_events:
        return f"ended well, but the RUM events of {some(run.without_events, 'session')} are not there yet"
    return ""


def _charts(run: RunFacts, archive: ArchiveSums) -> dict[str, str]:
    """Draw the charts for which there are figures, by name; the rate once for screens and once for phones."""
    drawn: dict[str, str] = {}
    if stretches := stretches_of(run.pacing):
        drawn["rate"] = charts.rate_chart(stretches, charts.WIDE)
        drawn["rate_narrow"] = charts.rate_chart(stretches, charts.NARROW)
    if archive.lengths:
        drawn["lengths"] = charts.lengths_chart(archive.lengths)
    if archive.sizes:
        drawn["sizes"] = charts.sizes_chart(archive.sizes)
    # Our own figures and words alone stand in them: nothing that a stranger wrote.
    return {name: Markup(svg) for name, svg in drawn.items()}  # noqa: S704 - for the reason above
