"""The schema of a ledger: its tables, and the names of the settings kept with an archive."""

from __future__ import annotations

from enum import StrEnum

# "RpFt": sqlite's application_id tells our files from any other database.
APPLICATION_ID = 0x52704674
FORMAT = 1

# 1. A view's row number orders all views ever planned; (session, view_id) finds duplicates without
#    holding them in memory. Session ids that differ in case only would share a file on macOS, hence NOCASE.
#    A session's number is the row that first named it.
# 2. Results stand apart from the plan, keyed by row: they arrive nearly in that order, and the plan
#    stays small enough to be loaded quickly.
# 3. unnamed is the redo list: the sessions of the latest record, whose staged files get their final names only
#    after it. ended_at, in seconds since 1970, is only for --refresh-window.
# 4. A list is the input of a run; a view remembers the last list that named it.
TABLES = """
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE list (
  list INTEGER PRIMARY KEY, fingerprint TEXT, rows INTEGER NOT NULL, views INTEGER NOT NULL, duplicates INTEGER NOT NULL
);
CREATE TABLE session (session INTEGER PRIMARY KEY, session_id TEXT NOT NULL UNIQUE COLLATE NOCASE);
CREATE TABLE view (
  session INTEGER NOT NULL, view_id TEXT NOT NULL, row INTEGER NOT NULL, list INTEGER NOT NULL, expected INTEGER,
  PRIMARY KEY (session, view_id)
) WITHOUT ROWID;
CREATE TABLE unnamed (session INTEGER PRIMARY KEY);
CREATE TABLE result (
  row INTEGER PRIMARY KEY, outcome TEXT, reason TEXT NOT NULL, source TEXT NOT NULL, shape TEXT NOT NULL,
  pages INTEGER NOT NULL, segments INTEGER NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL,
  checks TEXT NOT NULL, about TEXT NOT NULL, token TEXT, part INTEGER NOT NULL,
  whole_offset INTEGER, whole_length INTEGER, whole_sha256 TEXT,
  partial_offset INTEGER, partial_length INTEGER, partial_sha256 TEXT, ended_at INTEGER NOT NULL
);
"""

# 5. Dates and RUM events came later: a ledger that was made before gets the tables when it is next written to.
#    events_unnamed is for events what unnamed is for sessions.
# 6. erased holds the tombstones, by a hash of the session's id; erasing the sessions whose files are to go next.
LATER_TABLES = (
    "CREATE TABLE IF NOT EXISTS dated (row INTEGER PRIMARY KEY, at INTEGER NOT NULL)",
    """
    CREATE TABLE IF NOT EXISTS events (
      session INTEGER PRIMARY KEY, outcome TEXT NOT NULL, reason TEXT NOT NULL, n INTEGER NOT NULL,
      size INTEGER NOT NULL, sha256 TEXT NOT NULL, length INTEGER NOT NULL, stored_sha256 TEXT NOT NULL,
      asked_at INTEGER NOT NULL
    )
    """,
    "CREATE TABLE IF NOT EXISTS events_unnamed (session INTEGER PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS erased (mark BLOB PRIMARY KEY) WITHOUT ROWID",
    """
    CREATE TABLE IF NOT EXISTS erasing (
      session_id TEXT PRIMARY KEY COLLATE NOCASE, views INTEGER NOT NULL, segments INTEGER NOT NULL,
      size INTEGER NOT NULL, files INTEGER NOT NULL, stored INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
)

PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # A commit is on the disk when it returns: "finished" survives a power cut. Commits are grouped, so
    # its 0.3 ms are paid a few times a second.
    "PRAGMA synchronous = FULL",
    # Of use on macOS alone, where fsync leaves bytes in the disk's own cache.
    "PRAGMA fullfsync = ON",
    # Batches of a list lie in temporary tables: memory must not grow with the list.
    "PRAGMA temp_store = FILE",
    # In kB. `loading` brings rows into the order of the trees, so that this little is enough for millions of them.
    "PRAGMA cache_size = -2048",
    "PRAGMA busy_timeout = 10000",
)


class Setting(StrEnum):
    """Names the settings that a ledger keeps with its archive, each as a text of its own."""

    COMPRESSION = "compression"
    """Of all session files."""
    STATE = "state"
    """A `State`, or nothing in a new archive."""
    CHAINS = "chains"
    """Of what a paging token may depend, as JSON; where it changes, unfinished chains begin anew."""
    UNDERSTOOD = "understood"
    """Views whose raw pages go behind the latest commit, as JSON; nothing where there are none."""
    ASIDE = "aside"
    """What a rebuild has still to set aside, as JSON, before anything else is done to the files."""
    REBUILT_ASIDE = "rebuilt aside"
    """The name of the folder to which the latest rebuild set aside what it did not know of."""
    ERASURE = "erasure"
    """What the report of the erasure that is going on says, as JSON; empty while the last traces of ids are left."""
    DEMO = "demo"
    """There where ``replay-fetch demo`` made the archive: nobody's recordings are in it."""


class State(StrEnum):
    """Says whether session files and manifest agree with the ledger, so a run or verify knows whom to believe."""

    RUNNING = "running"
    """They may be behind it: a run is going on, or was killed."""
    CLEAN = "clean"
    REBUILT = "rebuilt"
    """They may be behind it: it is new, and was made from the manifest and what is good."""
    LOADED = "loaded"
    """The files are; of a list that came in since, the manifest knows nothing."""
