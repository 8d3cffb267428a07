-- The drift check of an environment that is under way, or the last one that did not end with a result.
CREATE TABLE drift_runs (
    environment_id TEXT COLLATE "C" PRIMARY KEY REFERENCES environments (id),
    began_at BIGINT NOT NULL,
    began_by TEXT COLLATE "C" NOT NULL,
    done BIGINT NOT NULL,
    total BIGINT NOT NULL,
    failure_sealed BYTEA
);
