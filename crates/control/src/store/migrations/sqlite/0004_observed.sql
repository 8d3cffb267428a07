-- Revisions of Helm releases that no deployment of their environment wrote: adopted ones, and those that others made later.
CREATE TABLE observed_revisions (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    cause TEXT NOT NULL,
    revision BIGINT NOT NULL,
    status TEXT NOT NULL,
    chart_name TEXT NOT NULL,
    chart_version TEXT NOT NULL,
    app_version TEXT,
    description_sealed BLOB NOT NULL,
    release_id TEXT REFERENCES releases (id),
    rendering_object TEXT,
    after_number BIGINT NOT NULL,
    made_at BIGINT NOT NULL,
    observed_at BIGINT NOT NULL,
    adopted_by TEXT
);
CREATE UNIQUE INDEX observed_revisions_once ON observed_revisions (environment_id, revision, made_at);
CREATE INDEX observed_revisions_environment ON observed_revisions (environment_id, id);
CREATE INDEX observed_revisions_after ON observed_revisions (environment_id, after_number, id);

-- The one that was the newest when the cluster was last looked at; none: a deployment of ours wrote that.
ALTER TABLE environments ADD COLUMN observed_id TEXT;

-- The last comparison of what runs in an environment with what was deployed there.
CREATE TABLE drift_checks (
    environment_id TEXT PRIMARY KEY REFERENCES environments (id),
    result_sealed BLOB NOT NULL,
    checked_at BIGINT NOT NULL,
    checked_by TEXT NOT NULL
);
