-- Landfall's tables. Times are UTC microseconds. Columns named *_sealed hold bytes encrypted with the
-- row's identity as associated data; columns named *_object hold addresses in the object store.
-- This file and its twin for the other database make the same schema; a test compares the two.

CREATE TABLE account (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    created_at BIGINT NOT NULL,
    key_check_sealed BYTEA NOT NULL,
    setup_code_hash BYTEA
);

CREATE TABLE people (
    id TEXT COLLATE "C" PRIMARY KEY,
    email TEXT COLLATE "C" NOT NULL,
    email_key TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    password_hash TEXT COLLATE "C",
    last_seen_at BIGINT,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    disabled_at BIGINT
);
CREATE UNIQUE INDEX people_email ON people (email_key);
CREATE INDEX people_name ON people (name_key, id);

CREATE TABLE sessions (
    id TEXT COLLATE "C" PRIMARY KEY,
    token_hash BYTEA NOT NULL,
    person_id TEXT COLLATE "C" NOT NULL REFERENCES people (id),
    remote_address TEXT COLLATE "C",
    user_agent TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE UNIQUE INDEX sessions_token ON sessions (token_hash);
CREATE INDEX sessions_person ON sessions (person_id, id);

CREATE TABLE tokens (
    id TEXT COLLATE "C" PRIMARY KEY,
    token_hash BYTEA NOT NULL,
    person_id TEXT COLLATE "C" NOT NULL REFERENCES people (id),
    name TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    prefix TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT,
    revoked_at BIGINT
);
CREATE UNIQUE INDEX tokens_token ON tokens (token_hash);
CREATE INDEX tokens_person ON tokens (person_id, id);

CREATE TABLE signin_links (
    id TEXT COLLATE "C" PRIMARY KEY,
    token_hash BYTEA NOT NULL,
    person_id TEXT COLLATE "C" NOT NULL REFERENCES people (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE UNIQUE INDEX signin_links_token ON signin_links (token_hash);

CREATE TABLE audit (
    id TEXT COLLATE "C" PRIMARY KEY,
    at BIGINT NOT NULL,
    by_kind TEXT COLLATE "C" NOT NULL,
    by_id TEXT COLLATE "C",
    by_name TEXT COLLATE "C" NOT NULL,
    remote_address TEXT COLLATE "C",
    action TEXT COLLATE "C" NOT NULL,
    subject_kind TEXT COLLATE "C" NOT NULL,
    subject_id TEXT COLLATE "C" NOT NULL,
    subject_name TEXT COLLATE "C" NOT NULL,
    old_value TEXT COLLATE "C" NOT NULL,
    new_value TEXT COLLATE "C" NOT NULL
);
CREATE INDEX audit_by ON audit (by_id, id);
CREATE INDEX audit_action ON audit (action, id);
CREATE INDEX audit_subject ON audit (subject_id, id);

CREATE TABLE idempotency (
    actor TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    call TEXT COLLATE "C" NOT NULL,
    body_hash BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    answer_sealed BYTEA,
    PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_created ON idempotency (created_at);

-- Words that things are found by: prefix search through one index, on both databases alike.
CREATE TABLE search_terms (
    kind TEXT COLLATE "C" NOT NULL,
    term TEXT COLLATE "C" NOT NULL,
    subject_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (kind, term, subject_id)
);

CREATE TABLE apps (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    chart TEXT COLLATE "C" NOT NULL,
    registry_username TEXT COLLATE "C",
    registry_password_sealed BYTEA,
    domain_template TEXT COLLATE "C",
    settings TEXT COLLATE "C" NOT NULL,
    values_revision BIGINT NOT NULL,
    last_release BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX apps_name ON apps (name_key);
CREATE INDEX apps_named ON apps (name_key, id);

CREATE TABLE app_values (
    app_id TEXT COLLATE "C" NOT NULL REFERENCES apps (id),
    revision BIGINT NOT NULL,
    values_object TEXT COLLATE "C" NOT NULL,
    note TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (app_id, revision)
);

CREATE TABLE releases (
    id TEXT COLLATE "C" PRIMARY KEY,
    app_id TEXT COLLATE "C" NOT NULL REFERENCES apps (id),
    ordinal BIGINT NOT NULL,
    tag TEXT COLLATE "C" NOT NULL,
    prerelease BOOLEAN NOT NULL,
    chart TEXT COLLATE "C" NOT NULL,
    chart_name TEXT COLLATE "C" NOT NULL,
    chart_version TEXT COLLATE "C" NOT NULL,
    chart_app_version TEXT COLLATE "C",
    archive_sha256 TEXT COLLATE "C" NOT NULL,
    archive_size BIGINT NOT NULL,
    manifest_digest TEXT COLLATE "C",
    values_object TEXT COLLATE "C",
    changelog TEXT COLLATE "C" NOT NULL,
    archived_at BIGINT,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL
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
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    admits TEXT COLLATE "C" NOT NULL,
    server TEXT COLLATE "C",
    access_sealed BYTEA,
    demands_impersonation BOOLEAN NOT NULL,
    version TEXT COLLATE "C",
    checked_at BIGINT,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX clusters_name ON clusters (name);
CREATE INDEX clusters_named ON clusters (name, id);

CREATE TABLE environments (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    app_id TEXT COLLATE "C" NOT NULL REFERENCES apps (id),
    cluster_id TEXT COLLATE "C" NOT NULL REFERENCES clusters (id),
    namespace TEXT COLLATE "C" NOT NULL,
    release_name TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    values_revision BIGINT NOT NULL,
    holds_app_values BIGINT,
    service_account TEXT COLLATE "C",
    current_release_id TEXT COLLATE "C" REFERENCES releases (id),
    current_deployment_id TEXT COLLATE "C",
    last_deployment_id TEXT COLLATE "C",
    last_number BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    ready BIGINT,
    total BIGINT,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
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
    environment_id TEXT COLLATE "C" NOT NULL REFERENCES environments (id),
    revision BIGINT NOT NULL,
    values_object TEXT COLLATE "C" NOT NULL,
    note TEXT COLLATE "C" NOT NULL,
    deployment_id TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (environment_id, revision)
);

CREATE TABLE batches (
    id TEXT COLLATE "C" PRIMARY KEY,
    trigger_kind TEXT COLLATE "C" NOT NULL,
    app_id TEXT COLLATE "C" REFERENCES apps (id),
    state TEXT COLLATE "C" NOT NULL,
    at_once BIGINT NOT NULL,
    stop_after BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL
);

-- What deployments and previews consist of, by content. Rows never change.
CREATE TABLE contents (
    id TEXT COLLATE "C" PRIMARY KEY,
    release_id TEXT COLLATE "C" NOT NULL REFERENCES releases (id),
    archive_sha256 TEXT COLLATE "C" NOT NULL,
    app_values_revision BIGINT NOT NULL,
    app_values_object TEXT COLLATE "C",
    release_values_object TEXT COLLATE "C",
    domain_values_object TEXT COLLATE "C",
    deployment_values_object TEXT COLLATE "C",
    merged_object TEXT COLLATE "C" NOT NULL,
    rendering_object TEXT COLLATE "C" NOT NULL,
    context_object TEXT COLLATE "C" NOT NULL,
    plan_object TEXT COLLATE "C" NOT NULL,
    plan_hash TEXT COLLATE "C" NOT NULL,
    helm_mode TEXT COLLATE "C" NOT NULL,
    engine TEXT COLLATE "C" NOT NULL,
    changes TEXT COLLATE "C" NOT NULL,
    changed_values TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE previews (
    id TEXT COLLATE "C" PRIMARY KEY,
    environment_id TEXT COLLATE "C" NOT NULL REFERENCES environments (id),
    content_id TEXT COLLATE "C" NOT NULL REFERENCES contents (id),
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX previews_expiry ON previews (expires_at);

CREATE TABLE deployments (
    id TEXT COLLATE "C" PRIMARY KEY,
    environment_id TEXT COLLATE "C" NOT NULL REFERENCES environments (id),
    number BIGINT NOT NULL,
    app_id TEXT COLLATE "C" NOT NULL REFERENCES apps (id),
    kind TEXT COLLATE "C" NOT NULL,
    release_id TEXT COLLATE "C" NOT NULL REFERENCES releases (id),
    from_release_id TEXT COLLATE "C" REFERENCES releases (id),
    trigger_kind TEXT COLLATE "C" NOT NULL,
    repeats_id TEXT COLLATE "C" REFERENCES deployments (id),
    batch_id TEXT COLLATE "C" REFERENCES batches (id),
    reason TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    plan_policy TEXT COLLATE "C" NOT NULL,
    on_failure TEXT COLLATE "C" NOT NULL,
    values_object TEXT COLLATE "C",
    app_values_revision BIGINT NOT NULL,
    content_id TEXT COLLATE "C" REFERENCES contents (id),
    preview_id TEXT COLLATE "C" REFERENCES previews (id),
    new_preview_id TEXT COLLATE "C" REFERENCES previews (id),
    rolled_back_to_id TEXT COLLATE "C" REFERENCES deployments (id),
    rollback_content_id TEXT COLLATE "C" REFERENCES contents (id),
    helm_revision BIGINT,
    changes TEXT COLLATE "C",
    changed_values TEXT COLLATE "C" NOT NULL,
    culprit_sealed BYTEA,
    failure_sealed BYTEA,
    op_id TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
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
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL,
    op_kind TEXT COLLATE "C" NOT NULL,
    environment_id TEXT COLLATE "C" NOT NULL REFERENCES environments (id),
    environment_kind TEXT COLLATE "C" NOT NULL,
    deployment_id TEXT COLLATE "C" NOT NULL REFERENCES deployments (id),
    state TEXT COLLATE "C" NOT NULL,
    worker TEXT COLLATE "C",
    fence BIGINT NOT NULL,
    lease_until BIGINT,
    step TEXT COLLATE "C",
    done BIGINT,
    total BIGINT,
    percent BIGINT NOT NULL,
    deadline BIGINT,
    culprits_sealed BYTEA,
    cursor_sealed BYTEA,
    last_sequence BIGINT NOT NULL,
    cancel_by TEXT COLLATE "C",
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
    op_id TEXT COLLATE "C" NOT NULL,
    ordinal BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    done BIGINT,
    total BIGINT,
    note TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (op_id, ordinal)
);

CREATE TABLE op_objects (
    op_id TEXT COLLATE "C" NOT NULL,
    ordinal BIGINT NOT NULL,
    api_version TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    namespace TEXT COLLATE "C",
    name TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    ready BIGINT,
    total BIGINT,
    message TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (op_id, ordinal)
);

-- Segments of an Op's log, in rows while it runs, in the object store afterwards.
CREATE TABLE op_log (
    op_id TEXT COLLATE "C" NOT NULL,
    last_sequence BIGINT NOT NULL,
    first_sequence BIGINT NOT NULL,
    lines_sealed BYTEA,
    lines_object TEXT COLLATE "C",
    PRIMARY KEY (op_id, last_sequence)
);
