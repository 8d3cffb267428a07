-- The drift check of an environment that is under way, or the last one that did not end with a result.
CREATE TABLE drift_runs (
    environment_id TEXT PRIMARY KEY REFERENCES environments (id),
    began_at INTEGER NOT NULL,
    began_by TEXT NOT NULL,
    done INTEGER NOT NULL,
    total INTEGER NOT NULL,
    failure_sealed BLOB
);
