"""The tables of `galago.db`, and how the database is set up.

Source of the pragmas: sqlite.org/pragma.html and sqlite.org/wal.html. FULL costs nine per cent more
writing than NORMAL once commits are grouped, and loses no committed event in a power cut.
"""

SCHEMA_VERSION = 1  # PRAGMA user_version

PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA journal_size_limit = 4194304;
PRAGMA foreign_keys = ON;
"""

TABLES = """
CREATE TABLE store (
    epoch TEXT NOT NULL                      -- makes ids of this store different from any other's
) STRICT;

CREATE TABLE events (
    number INTEGER PRIMARY KEY,              -- never used again: the newest rows never go
    time_ms INTEGER NOT NULL,                -- UTC, since 1970
    label TEXT NOT NULL,
    score REAL NOT NULL,
    previous TEXT,
    seconds REAL NOT NULL,
    snapshot TEXT,                           -- snapshots.name, also after that is gone
    model TEXT NOT NULL,                     -- sha256
    device TEXT NOT NULL,
    region TEXT
) STRICT;

CREATE TABLE snapshots (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL,                      -- event, uncertain
    time_ms INTEGER NOT NULL,
    label TEXT NOT NULL,                     -- what the model said
    score REAL NOT NULL,
    region TEXT,
    model TEXT NOT NULL,
    bytes INTEGER NOT NULL,                  -- on the disk, all its files
    clip INTEGER NOT NULL,                   -- whether there is a film
    truth TEXT                               -- what a person said it is; '' for "not that"
) STRICT, WITHOUT ROWID;

-- For galago.edge.snapshots.shelf to find what goes next; a twentieth of a score is one step there.
CREATE INDEX snapshots_by_age ON snapshots (kind, label, time_ms) WHERE truth IS NULL;
CREATE INDEX snapshots_by_worth
ON snapshots (kind, label, CAST(score * 20 AS INTEGER), time_ms) WHERE truth IS NULL;
CREATE INDEX snapshots_marked ON snapshots (time_ms) WHERE truth IS NOT NULL;

CREATE TABLE minutes (
    minute INTEGER PRIMARY KEY,              -- UTC, since 1970
    frames INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    p50_us INTEGER NOT NULL,
    p99_us INTEGER NOT NULL,
    celsius REAL,
    health TEXT NOT NULL                     -- names of what was wrong, by spaces
) STRICT;

CREATE TABLE shares (
    minute INTEGER NOT NULL,
    region TEXT NOT NULL,                    -- '' for the whole picture
    label TEXT NOT NULL,
    seconds REAL NOT NULL,
    PRIMARY KEY (minute, region, label)
) STRICT, WITHOUT ROWID;

CREATE TABLE publishers (
    name TEXT PRIMARY KEY,
    acknowledged INTEGER NOT NULL,           -- all events up to this number have arrived
    dropped INTEGER NOT NULL                 -- how many were given up because the backlog was full
) STRICT, WITHOUT ROWID;
"""

# From each version to the next, by the version that it starts from.
MIGRATIONS: dict[int, str] = {}
