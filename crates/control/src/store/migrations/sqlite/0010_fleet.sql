-- What a new revision of an App's values would change in its fleet, worked out in the background: the question, its
-- groups of environments that change alike, and the environments. The id of a member is its environment's.
CREATE TABLE fleet_previews (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id),
    based_on BIGINT NOT NULL,
    values_object TEXT NOT NULL,
    production BOOLEAN NOT NULL,
    state TEXT NOT NULL,
    done BIGINT NOT NULL,
    total BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    failure_sealed BLOB,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX fleet_previews_app ON fleet_previews (app_id, created_at);
CREATE INDEX fleet_previews_open ON fleet_previews (lease_until) WHERE state = 'running';

CREATE TABLE fleet_preview_groups (
    preview_id TEXT NOT NULL REFERENCES fleet_previews (id),
    group_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    production BIGINT NOT NULL,
    sandbox BIGINT NOT NULL,
    told_sealed BLOB,
    PRIMARY KEY (preview_id, group_key)
);

CREATE TABLE fleet_preview_members (
    preview_id TEXT NOT NULL REFERENCES fleet_previews (id),
    id TEXT NOT NULL REFERENCES environments (id),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    group_key TEXT NOT NULL,
    PRIMARY KEY (preview_id, id)
);
CREATE INDEX fleet_preview_members_group ON fleet_preview_members (preview_id, group_key, name, id);

-- One act that makes many deployments makes each when its turn comes. The id of a member is its environment's.
ALTER TABLE batches ADD COLUMN app_values_revision BIGINT NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE batches ADD COLUMN sandbox_first BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE batches ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN tally TEXT NOT NULL DEFAULT '[]';
ALTER TABLE batches ADD COLUMN sandbox BIGINT NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN let_go_by TEXT;
ALTER TABLE batches ADD COLUMN steered_by TEXT;
ALTER TABLE batches ADD COLUMN finished_at BIGINT;
CREATE INDEX batches_app ON batches (app_id, id);
CREATE INDEX batches_open ON batches (id) WHERE state <> 'ended';

CREATE TABLE batch_members (
    batch_id TEXT NOT NULL REFERENCES batches (id),
    id TEXT NOT NULL REFERENCES environments (id),
    ordinal BIGINT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    deployment_id TEXT REFERENCES deployments (id),
    note TEXT NOT NULL,
    PRIMARY KEY (batch_id, id)
);
CREATE INDEX batch_members_order ON batch_members (batch_id, ordinal, id);
CREATE INDEX batch_members_kind ON batch_members (batch_id, kind, ordinal, id);
CREATE INDEX batch_members_state ON batch_members (batch_id, state, ordinal, id);
CREATE INDEX batch_members_kind_state ON batch_members (batch_id, kind, state, ordinal, id);
CREATE INDEX batch_members_environment ON batch_members (id, state);
