"""Archives in an object store: S3 and its likes, Azure, GCS. Begin reading at `keep`, then `log`, then `objects`.

From the top down, each module using those below:

* `keep` opens an archive for a run and makes its commits count; `moving` carries the bytes. `scratch` is the seam to
  the archive's side, which stages files, records them in a ledger, and may lose both with its machine. `restoring`
  brings an empty scratch up to date, also for readers. `opening` refuses stores and archives before anything is asked
  of the API.
* `shelf` reads an archive for all commands that look at it, on no lease and with no ledger.
* `log`, with its `entries`, is the truth; `lease` is politeness; `checkpoint` is a shortcut; `parts` and `lists` hold
  bytes for which the log gives the place.
* `objects` writes on conditions, waits for an ill store (`retries`), and recognises its own writes after lost answers.
* `driver` describes single requests, `door` sends them over obstore, `failures` puts refusals into our words, and
  `location` reads addresses. No other module knows the library.

The objects below an archive's address::

    sessions/<session_id>.ndjson…              as on a disk; metadata: epoch of the run, sha256 of the bytes
    events/  manifest-events.ndjson            RUM events, where these are stored
    manifest.ndjson  report.json  reports/…    made from the ledger at the end of a run
    erasures/2026-11-28T12-00-00Z.json         reports of erasures, by marks
    .replay-fetch/archive.json                 what all runs must agree about; created once
    .replay-fetch/lease.json                   the run at work, its last beat and progress
    .replay-fetch/log/000000000042             facts of a commit; created once, never deleted
    .replay-fetch/parts/000000000042-7         lines of unfinished views: commit 42 of the run with epoch 7
    .replay-fetch/staged/000000000042-7-0      a session file on its way to replace an older version
    .replay-fetch/checkpoint/…500.sqlite.zst   the ledger as of log part 500; the last two stay
    .replay-fetch/lists/0001.csv.zst           rows of a list, from which views have their numbers

Why safety lies in the log: all runs agree on the number of its next part, and a store creates an object for a single
writer. The loser of a race learns of its loss in the answer, however long it slept before. A lease cannot do as much,
since a stopped process believes its lease until it looks again, and two clocks never agree. So a commit has happened
when its log part exists. Bytes named by the log are replaced only behind a later part. A run takes over by writing a
part, ``open``, in the place of its predecessor's next commit. Epochs come from the log too, so a removed lease changes
nothing.

An erasure is a part of the log with the marks of sessions. Behind that part `erasing` removes all traces of these
sessions from the objects. Older parts of the log lose entries, too, and keep their names: runs agree about the number
of a part, and not about its content.

Known limits. A file above 64 MiB is written without a condition, behind a look at the epoch. On S3 an etag is made
from the bytes, so a condition cannot tell a version from a later one with equal bytes. GCS is untested.
"""
