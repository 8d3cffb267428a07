-- Ops that remove an environment carry no deployment; what was asked for and what was left stands in `removals`.
ALTER TABLE ops ALTER COLUMN deployment_id DROP NOT NULL;
ALTER TABLE ops ADD CHECK ((op_kind = 'deployment') = (deployment_id IS NOT NULL));

CREATE TABLE removals (
    op_id TEXT COLLATE "C" PRIMARY KEY,
    environment_id TEXT COLLATE "C" NOT NULL REFERENCES environments (id),
    forget BOOLEAN NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    left_sealed BYTEA,
    failure_sealed BYTEA,
    created_by TEXT COLLATE "C" NOT NULL
);

ALTER TABLE environments ADD COLUMN removal_id TEXT COLLATE "C";
-- The list of deleted environments.
CREATE INDEX environments_deleted_last ON environments (last_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX environments_deleted_named ON environments (name, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX environments_deleted_kind_last ON environments (kind, last_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX environments_deleted_kind_named ON environments (kind, name, id) WHERE deleted_at IS NOT NULL;
