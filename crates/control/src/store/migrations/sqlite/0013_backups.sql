-- Backups: numbered per environment. What one holds of Helm is the content of the deployment that ran; data that commands gave
-- stands in the object store, a part for each method.
CREATE TABLE backups (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    number BIGINT NOT NULL,
    cause TEXT NOT NULL,
    deployment_id TEXT NOT NULL REFERENCES deployments (id),
    release_id TEXT NOT NULL REFERENCES releases (id),
    content_id TEXT NOT NULL REFERENCES contents (id),
    methods TEXT NOT NULL,
    note TEXT NOT NULL,
    state TEXT NOT NULL,
    failure_sealed BLOB,
    bytes BIGINT NOT NULL,
    stored_bytes BIGINT NOT NULL,
    op_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    deleted_at BIGINT,
    purge_at BIGINT
);
CREATE UNIQUE INDEX backups_number ON backups (environment_id, number);
CREATE UNIQUE INDEX backups_op ON backups (op_id);
CREATE INDEX backups_environment ON backups (environment_id, id) WHERE deleted_at IS NULL;
-- Data that nobody can restore any more and that has not been deleted yet.
CREATE INDEX backups_purge ON backups (purge_at) WHERE purge_at IS NOT NULL;

CREATE TABLE backup_parts (
    backup_id TEXT NOT NULL REFERENCES backups (id),
    ordinal BIGINT NOT NULL,
    method TEXT NOT NULL,
    stream TEXT NOT NULL,
    chunks BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    stored_bytes BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (backup_id, ordinal)
);

CREATE TABLE backup_schedules (
    environment_id TEXT PRIMARY KEY REFERENCES environments (id),
    every_hours BIGINT,
    keep BIGINT NOT NULL,
    before_deployments BOOLEAN NOT NULL,
    next_at BIGINT,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL
);
CREATE INDEX backup_schedules_due ON backup_schedules (next_at) WHERE next_at IS NOT NULL;

ALTER TABLE environments ADD COLUMN last_backup BIGINT NOT NULL DEFAULT 0;
ALTER TABLE apps ADD COLUMN backup_methods TEXT NOT NULL DEFAULT '[]';
ALTER TABLE apps ADD COLUMN backup_methods_revision BIGINT NOT NULL DEFAULT 0;
-- The backup that a deployment restores, and the one that is to be made before it.
ALTER TABLE deployments ADD COLUMN backup_id TEXT;
ALTER TABLE deployments ADD COLUMN backup_before_id TEXT;
CREATE INDEX deployments_backup ON deployments (backup_id) WHERE backup_id IS NOT NULL;
