-- Landfall's tables. Times are UTC microseconds. Columns named *_sealed hold bytes encrypted with the
-- row's identity as associated data; columns named *_object hold addresses in the object store.
-- This file and its twin for the other database make the same schema; a test compares the two.

CREATE TABLE account (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    created_at BIGINT NOT NULL,
    key_check_sealed BLOB NOT NULL,
    setup_code_hash BLOB
);

CREATE TABLE people (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    role TEXT NOT NULL,
    password_hash TEXT,
    last_seen_at BIGINT,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    disabled_at BIGINT
);
CREATE UNIQUE INDEX people_email ON people (email_key);
CREATE INDEX people_name ON people (name_key, id);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    token_hash BLOB NOT NULL,
    person_id TEXT NOT NULL REFERENCES people (id),
    remote_address TEXT,
    user_agent TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE UNIQUE INDEX sessions_token ON sessions (token_hash);
CREATE INDEX sessions_person ON sessions (person_id, id);

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    token_hash BLOB NOT NULL,
    person_id TEXT NOT NULL REFERENCES people (id),
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    prefix TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT,
    revoked_at BIGINT
);
CREATE UNIQUE INDEX tokens_token ON tokens (token_hash);
CREATE INDEX tokens_person ON tokens (person_id, id);

CREATE TABLE signin_links (
    id TEXT PRIMARY KEY,
    token_hash BLOB NOT NULL,
    person_id TEXT NOT NULL REFERENCES people (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE UNIQUE INDEX signin_links_token ON signin_links (token_hash);

CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    by_kind TEXT NOT NULL,
    by_id TEXT,
    by_name TEXT NOT NULL,
    remote_address TEXT,
    action TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    subject_name TEXT NOT NULL,
    old_value TEXT NOT NULL,
    new_value TEXT NOT NULL
);
CREATE INDEX audit_by ON audit (by_id, id);
CREATE INDEX audit_action ON audit (action, id);
CREATE INDEX audit_subject ON audit (subject_id, id);

CREATE TABLE idempotency (
    actor TEXT NOT NULL,
    key TEXT NOT NULL,
    call TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    answer_sealed BLOB,
    PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_created ON idempotency (created_at);

-- Words that things are found by: prefix search through one index, on both databases alike.
CREATE TABLE search_terms (
    kind TEXT NOT NULL,
    term TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    PRIMARY KEY (kind, term, subject_id)
);

CREATE TABLE apps (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    chart TEXT NOT NULL,
    registry_username TEXT,
    registry_password_sealed BLOB,
    domain_template TEXT,
    settings TEXT NOT NULL,
    values_revision BIGINT NOT NULL,
    last_release BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL
);
CREATE UNIQUE INDEX apps_name ON apps (name_key);
CREATE INDEX apps_named ON apps (name_key, id);

CREATE TABLE app_values (
    app_id TEXT NOT NULL REFERENCES apps (id),
    revision BIGINT NOT NULL,
    values_object TEXT NOT NULL,
    note TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (app_id, revision)
);

CREATE TABLE releases (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id),
    ordinal BIGINT NOT NULL,
    tag TEXT NOT NULL,
    prerelease BOOLEAN NOT NULL,
    chart TEXT NOT NULL,
    chart_name TEXT NOT NULL,
    chart_version TEXT NOT NULL,
    chart_app_version TEXT,
    archive_sha256 TEXT NOT NULL,
    archive_size BIGINT NOT NULL,
    manifest_digest TEXT,
    values_object TEXT,
    changelog TEXT NOT NULL,
    archived_at BIGINT,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL
);
CREATE UNIQUE INDEX releases_tag ON releases (app_id, tag);
CREATE UNIQUE INDEX releases_ordinal ON releases (app_id, ordinal);
CREATE INDEX releases_newest ON releases (app_id, ordinal) WHERE archived_at IS NULL AND NOT prerelease;
CREATE INDEX releases_live ON releases (id) WHERE archived_at IS NULL;
CREATE INDEX releases_live_app ON releases (app_id, id) WHERE archived_at IS NULL;
CREATE INDEX releases_archived ON releases (id) WHERE archived_at IS NOT NULL;
CREATE INDEX releases_archived_app ON releases (app_id, id) WHERE archived_at IS NOT NULL;
CREATE INDEX releases_chart_version ON releases (app_id, chart_version);

CREATE TABLE clusters (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    admits TEXT NOT NULL,
    server TEXT,
    access_sealed BLOB,
    demands_impersonation BOOLEAN NOT NULL,
    version TEXT,
    checked_at BIGINT,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL
);
CREATE UNIQUE INDEX clusters_name ON clusters (name);
CREATE INDEX clusters_named ON clusters (name, id);

CREATE TABLE environments (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    app_id TEXT NOT NULL REFERENCES apps (id),
    cluster_id TEXT NOT NULL REFERENCES clusters (id),
    namespace TEXT NOT NULL,
    release_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    status TEXT NOT NULL,
    values_revision BIGINT NOT NULL,
    holds_app_values BIGINT,
    service_account TEXT,
    current_release_id TEXT REFERENCES releases (id),
    current_deployment_id TEXT,
    last_deployment_id TEXT,
    last_number BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    ready BIGINT,
    total BIGINT,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    deleted_at BIGINT
);
CREATE UNIQUE INDEX environments_name ON environments (name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX environments_place ON environments (cluster_id, namespace, release_name) WHERE deleted_at IS NULL;
-- The list of environments: every filter, alone and with a kind (which is all that some roles see), in both orders.
CREATE INDEX environments_last ON environments (last_at, id) WHERE deleted_at IS NULL;
CREATE INDEX environments_named ON environments (name, id) WHERE deleted_at IS NULL;
CREATE INDEX environments_kind_last ON environments (kind, last_at, id) WHERE deleted_at IS NULL;
CREATE INDEX environments_kind_named ON environments (kind, name, id) WHERE deleted_at IS NULL;
CREATE INDEX environments_app_last ON environments (app_id, last_at, id) WHERE deleted_at IS NULL;
CREATE INDEX environments_app_named ON environments (app_id, name, id) WHERE deleted_at IS NULL;
CREATE INDEX environments_app_kind_last ON environments (app_id, kind, last_at, id) WHERE deleted_at IS NULL;
CREATE INDEX environments_app_kind_named ON environments (app_id, kind, name, id) WHERE deleted_at IS NULL;
CREATE INDEX environments_cluster_last ON environments (cluster_id, last_at, id) WHERE deleted_at IS NULL;
CREATE INDEX environments_cluster_named ON environments (cluster_id, name, id) WHERE deleted_at IS NULL;
CREATE INDEX environments_cluster_kind_last ON environments (cluster_id, kind, last_at, id) WHERE deleted_at IS NULL;
CREATE INDEX environments_cluster_kind_named ON environments (cluster_id, kind, name, id) WHERE deleted_at IS NULL;
CREATE INDEX environments_release_last ON environments (current_release_id, last_at, id) WHERE deleted_at IS NULL;
CREATE INDEX environments_release_named ON environments (current_release_id, name, id) WHERE deleted_at IS NULL;
CREATE INDEX environments_release_kind_last ON environments (current_release_id, kind, last_at, id) WHERE deleted_at IS NULL;
CREATE INDEX environments_release_kind_named ON environments (current_release_id, kind, name, id) WHERE deleted_at IS NULL;
CREATE INDEX environments_status_last ON environments (status, last_at, id) WHERE deleted_at IS NULL;
CREATE INDEX environments_status_named ON environments (status, name, id) WHERE deleted_at IS NULL;
CREATE INDEX environments_status_kind_last ON environments (status, kind, last_at, id) WHERE deleted_at IS NULL;
CREATE INDEX environments_status_kind_named ON environments (status, kind, name, id) WHERE deleted_at IS NULL;
CREATE INDEX environments_holding ON environments (app_id, kind) WHERE deleted_at IS NULL AND holds_app_values IS NOT NULL;

CREATE TABLE environment_values (
    environment_id TEXT NOT NULL REFERENCES environments (id),
    revision BIGINT NOT NULL,
    values_object TEXT NOT NULL,
    note TEXT NOT NULL,
    deployment_id TEXT,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (environment_id, revision)
);

CREATE TABLE batches (
    id TEXT PRIMARY KEY,
    trigger_kind TEXT NOT NULL,
    app_id TEXT REFERENCES apps (id),
    state TEXT NOT NULL,
    at_once BIGINT NOT NULL,
    stop_after BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL
);

-- What deployments and previews consist of, by content. Rows never change.
CREATE TABLE contents (
    id TEXT PRIMARY KEY,
    release_id TEXT NOT NULL REFERENCES releases (id),
    archive_sha256 TEXT NOT NULL,
    app_values_revision BIGINT NOT NULL,
    app_values_object TEXT,
    release_values_object TEXT,
    domain_values_object TEXT,
    deployment_values_object TEXT,
    merged_object TEXT NOT NULL,
    rendering_object TEXT NOT NULL,
    context_object TEXT NOT NULL,
    plan_object TEXT NOT NULL,
    plan_hash TEXT NOT NULL,
    helm_mode TEXT NOT NULL,
    engine TEXT NOT NULL,
    changes TEXT NOT NULL,
    changed_values TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE previews (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    content_id TEXT NOT NULL REFERENCES contents (id),
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX previews_expiry ON previews (expires_at);

CREATE TABLE deployments (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    number BIGINT NOT NULL,
    app_id TEXT NOT NULL REFERENCES apps (id),
    kind TEXT NOT NULL,
    release_id TEXT NOT NULL REFERENCES releases (id),
    from_release_id TEXT REFERENCES releases (id),
    trigger_kind TEXT NOT NULL,
    repeats_id TEXT REFERENCES deployments (id),
    batch_id TEXT REFERENCES batches (id),
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    plan_policy TEXT NOT NULL,
    on_failure TEXT NOT NULL,
    values_object TEXT,
    app_values_revision BIGINT NOT NULL,
    content_id TEXT REFERENCES contents (id),
    preview_id TEXT REFERENCES previews (id),
    new_preview_id TEXT REFERENCES previews (id),
    rolled_back_to_id TEXT REFERENCES deployments (id),
    rollback_content_id TEXT REFERENCES contents (id),
    helm_revision BIGINT,
    changes TEXT,
    changed_values TEXT NOT NULL,
    culprit_sealed BLOB,
    failure_sealed BLOB,
    op_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT
);
CREATE UNIQUE INDEX deployments_number ON deployments (environment_id, number);
CREATE INDEX deployments_environment ON deployments (environment_id, id);
CREATE INDEX deployments_environment_release ON deployments (environment_id, release_id, number);
CREATE INDEX deployments_kind ON deployments (kind, id);
CREATE INDEX deployments_kind_state ON deployments (kind, state, id);
CREATE INDEX deployments_app ON deployments (app_id, id);
CREATE INDEX deployments_release ON deployments (release_id, id);
CREATE INDEX deployments_state ON deployments (state, id);
CREATE INDEX deployments_trigger ON deployments (trigger_kind, id);
CREATE INDEX deployments_batch ON deployments (batch_id, id) WHERE batch_id IS NOT NULL;
CREATE INDEX deployments_release_running ON deployments (release_id, kind) WHERE state = 'running';

CREATE TABLE ops (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    op_kind TEXT NOT NULL,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    environment_kind TEXT NOT NULL,
    deployment_id TEXT NOT NULL REFERENCES deployments (id),
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
    finished_at BIGINT
);
CREATE UNIQUE INDEX ops_id ON ops (id);
CREATE INDEX ops_environment ON ops (environment_id, seq);
-- The database itself forbids two Ops at a time in one environment.
CREATE UNIQUE INDEX ops_one_running ON ops (environment_id) WHERE state = 'running';
CREATE INDEX ops_queue ON ops (seq) WHERE state = 'queued';
CREATE INDEX ops_queue_environment ON ops (environment_id, seq) WHERE state = 'queued';
CREATE INDEX ops_leases ON ops (lease_until) WHERE state = 'running';
CREATE INDEX ops_running_kind ON ops (environment_kind) WHERE state = 'running';

CREATE TABLE op_steps (
    op_id TEXT NOT NULL,
    ordinal BIGINT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    done BIGINT,
    total BIGINT,
    note TEXT NOT NULL,
    PRIMARY KEY (op_id, ordinal)
);

CREATE TABLE op_objects (
    op_id TEXT NOT NULL,
    ordinal BIGINT NOT NULL,
    api_version TEXT NOT NULL,
    kind TEXT NOT NULL,
    namespace TEXT,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    ready BIGINT,
    total BIGINT,
    message TEXT NOT NULL,
    PRIMARY KEY (op_id, ordinal)
);

-- Segments of an Op's log, in rows while it runs, in the object store afterwards.
CREATE TABLE op_log (
    op_id TEXT NOT NULL,
    last_sequence BIGINT NOT NULL,
    first_sequence BIGINT NOT NULL,
    lines_sealed BLOB,
    lines_object TEXT,
    PRIMARY KEY (op_id, last_sequence)
);
