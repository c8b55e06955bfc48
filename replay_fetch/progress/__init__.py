"""Progress of a run for people and programs: counters, a bar, log lines, metrics, and a history for the report.

Begin with `stats`: workers and writer count there. A `snapshot` puts the counters of a moment into words,
`bottleneck` says why the run goes no faster, and `reporters` shows snapshots by the clock, as a bar or as log lines.
`console` owns stderr, so bar and log lines never mix.
"""
