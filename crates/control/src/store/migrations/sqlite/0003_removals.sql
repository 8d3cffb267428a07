-- Ops that remove an environment carry no deployment; what was asked for and what was left stands in `removals`.
-- SQLite cannot drop NOT NULL from a column: the table is made anew, its rows keep their numbers.
CREATE TABLE ops_new (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    op_kind TEXT NOT NULL,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    environment_kind TEXT NOT NULL,
    deployment_id TEXT REFERENCES deployments (id),
    state TEXT NOT NULL,
    worker TEXT,
    fence BIGINT NOT NULL,
    lease_until BIGINT,
    step TEXT,
    done BIGINT,
    total BIGINT,
    percent BIGINT NOT NULL,
    deadline BIGINT,
    culprits_sealed BLOB,
    cursor_sealed BLOB,
    last_sequence BIGINT NOT NULL,
    cancel_by TEXT,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    CHECK ((op_kind = 'deployment') = (deployment_id IS NOT NULL))
);
INSERT INTO ops_new (seq, id, op_kind, environment_id, environment_kind, deployment_id, state, worker, fence, lease_until, step,
    done, total, percent, deadline, culprits_sealed, cursor_sealed, last_sequence, cancel_by, created_at,
    started_at, finished_at)
SELECT seq, id, op_kind, environment_id, environment_kind, deployment_id, state, worker, fence, lease_until, step,
    done, total, percent, deadline, culprits_sealed, cursor_sealed, last_sequence, cancel_by, created_at,
    started_at, finished_at FROM ops;
DROP TABLE ops;
ALTER TABLE ops_new RENAME TO ops;
CREATE UNIQUE INDEX ops_id ON ops (id);
CREATE INDEX ops_environment ON ops (environment_id, seq);
-- The database itself forbids two Ops at a time in one environment.
CREATE UNIQUE INDEX ops_one_running ON ops (environment_id) WHERE state = 'running';
CREATE INDEX ops_queue ON ops (seq) WHERE state = 'queued';
CREATE INDEX ops_queue_environment ON ops (environment_id, seq) WHERE state = 'queued';
CREATE INDEX ops_leases ON ops (lease_until) WHERE state = 'running';
CREATE INDEX ops_running_kind ON ops (environment_kind) WHERE state = 'running';

CREATE TABLE removals (
    op_id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    forget BOOLEAN NOT NULL,
    reason TEXT NOT NULL,
    left_sealed BLOB,
    failure_sealed BLOB,
    created_by TEXT NOT NULL
);

ALTER TABLE environments ADD COLUMN removal_id TEXT;
-- The list of deleted environments.
CREATE INDEX environments_deleted_last ON environments (last_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX environments_deleted_named ON environments (name, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX environments_deleted_kind_last ON environments (kind, last_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX environments_deleted_kind_named ON environments (kind, name, id) WHERE deleted_at IS NOT NULL;
