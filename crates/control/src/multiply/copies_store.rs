//! What of copied rows differs from what they are copies of, and by which rows that are sent it is told.

use super::store::{Copies, World, copy};
use crate::store::Tx;
use crate::store::ids::ClusterId;
use crate::store::sql::StoreError;

/// What is sent of an environment.
pub(super) const PLACE: &[(&str, &str)] = &[
    ("id", "TEXT"),
    ("template", "TEXT"),
    ("name", "TEXT"),
    ("cluster", "TEXT"),
    ("kind", "TEXT"),
    ("state", "TEXT"),
    ("status", "TEXT"),
    ("release", "TEXT"),
    ("current", "TEXT"),
    ("last", "TEXT"),
    ("number", "BIGINT"),
    ("last_at", "BIGINT"),
    ("made_at", "BIGINT"),
    ("made_by", "TEXT"),
    ("deleted_at", "BIGINT"),
];

/// An environment.
pub(super) const ENVIRONMENTS: Copies<'_> = Copies {
    table: "environments",
    differ: &[
        ("id", "m.id"),
        ("name", "m.name"),
        ("release_name", "m.name"),
        ("cluster_id", "m.cluster"),
        ("kind", "m.kind"),
        ("state", "m.state"),
        ("status", "m.status"),
        ("current_release_id", "m.release"),
        ("current_deployment_id", "m.current"),
        ("last_deployment_id", "m.last"),
        ("last_number", "m.number"),
        ("last_at", "m.last_at"),
        ("created_at", "m.made_at"),
        ("created_by", "m.made_by"),
        ("deleted_at", "m.deleted_at"),
        ("holds_app_values", "NULL"),
        ("observed_id", "NULL"),
        ("removal_id", "NULL"),
    ],
    from: "multiplied_environments m JOIN environments t ON t.id = m.template",
};

/// Its values.
pub(super) const VALUES: Copies<'_> = Copies {
    table: "environment_values",
    differ: &[("environment_id", "m.id"), ("deployment_id", "NULL"), ("created_by", "m.made_by")],
    from: "multiplied_environments m JOIN environment_values t ON t.environment_id = m.template",
};

/// What is sent of a deployment.
pub(super) const DEPLOYMENT: &[(&str, &str)] = &[
    ("id", "TEXT"),
    ("op", "TEXT"),
    ("content", "TEXT"),
    ("source", "TEXT"),
    ("environment", "TEXT"),
    ("number", "BIGINT"),
    ("app", "TEXT"),
    ("kind", "TEXT"),
    ("release", "TEXT"),
    ("from_release", "TEXT"),
    ("made_by_trigger", "TEXT"),
    ("repeats", "TEXT"),
    ("batch", "TEXT"),
    ("place", "BIGINT"),
    ("reason", "TEXT"),
    ("state", "TEXT"),
    ("at", "BIGINT"),
    ("started", "BIGINT"),
    ("finished", "BIGINT"),
    ("made_by", "TEXT"),
    ("shown", "BOOLEAN"),
    ("rendering", "TEXT"),
    ("context", "TEXT"),
    ("plan", "TEXT"),
    ("own_name", "TEXT"),
    ("culprit", "BLOB"),
    ("failure", "BLOB"),
];

/// What a deployment is copied from, `s` being the deployment itself.
pub(super) const OF_DEPLOYMENTS: [Copies<'_>; 7] = [
    Copies {
        table: "contents",
        differ: &[
            ("id", "m.content"),
            ("release_id", "m.release"),
            ("created_at", "m.at"),
            ("rendering_object", "COALESCE(m.rendering, t.rendering_object)"),
            ("context_object", "COALESCE(m.context, t.context_object)"),
            ("plan_object", "COALESCE(m.plan, t.plan_object)"),
        ],
        from: "multiplied_deployments m JOIN deployments s ON s.id = m.source JOIN contents t ON t.id = s.content_id \
               WHERE m.content IS NOT NULL",
    },
    Copies {
        table: "deployments",
        differ: &[
            ("id", "m.id"),
            ("environment_id", "m.environment"),
            ("number", "m.number"),
            ("app_id", "m.app"),
            ("kind", "m.kind"),
            ("release_id", "m.release"),
            ("from_release_id", "m.from_release"),
            ("trigger_kind", "m.made_by_trigger"),
            ("repeats_id", "m.repeats"),
            ("batch_id", "m.batch"),
            ("reason", "m.reason"),
            ("state", "m.state"),
            ("content_id", "m.content"),
            ("preview_id", "NULL"),
            ("new_preview_id", "NULL"),
            ("rolled_back_to_id", "NULL"),
            ("rollback_content_id", "NULL"),
            ("helm_revision", "CASE WHEN m.content IS NULL THEN NULL ELSE m.number END"),
            ("culprit_sealed", "m.culprit"),
            ("failure_sealed", "m.failure"),
            ("op_id", "m.op"),
            ("created_at", "m.at"),
            ("created_by", "m.made_by"),
            ("started_at", "m.started"),
            ("finished_at", "m.finished"),
            ("domain_id", "NULL"),
            ("backup_id", "NULL"),
            ("backup_before_id", "NULL"),
        ],
        from: "multiplied_deployments m JOIN deployments t ON t.id = m.source",
    },
    Copies {
        table: "ops",
        differ: &[
            ("id", "m.op"),
            ("environment_id", "m.environment"),
            ("environment_kind", "m.kind"),
            ("deployment_id", "m.id"),
            ("app_id", "m.app"),
            ("state", "m.state"),
            ("worker", "NULL"),
            ("lease_until", "NULL"),
            ("deadline", "NULL"),
            ("culprits_sealed", "NULL"),
            ("cursor_sealed", "NULL"),
            ("cancel_by", "NULL"),
            ("waits_for", "NULL"),
            ("last_sequence", "CASE WHEN m.shown THEN t.last_sequence ELSE 0 END"),
            ("created_at", "m.at"),
            ("started_at", "m.started"),
            ("finished_at", "m.finished"),
        ],
        from: "multiplied_deployments m JOIN deployments s ON s.id = m.source JOIN ops t ON t.id = s.op_id ORDER BY m.at",
    },
    Copies {
        table: "op_steps",
        differ: &[
            ("op_id", "m.op"),
            ("state", "CASE WHEN m.started IS NULL THEN 'skipped' ELSE t.state END"),
            ("started_at", "m.started + (t.started_at - s.started_at)"),
            ("finished_at", "m.started + (t.finished_at - s.started_at)"),
        ],
        from: "multiplied_deployments m JOIN deployments s ON s.id = m.source JOIN op_steps t ON t.op_id = s.op_id \
               ORDER BY m.op",
    },
    Copies {
        table: "op_objects",
        differ: &[("op_id", "m.op"), ("name", "REPLACE(t.name, e.release_name, m.own_name)")],
        from: "multiplied_deployments m JOIN deployments s ON s.id = m.source JOIN op_objects t ON t.op_id = s.op_id \
               JOIN environments e ON e.id = s.environment_id WHERE m.shown",
    },
    Copies {
        table: "op_log",
        differ: &[("op_id", "m.op")],
        from: "multiplied_deployments m JOIN deployments s ON s.id = m.source JOIN op_log t ON t.op_id = s.op_id \
               WHERE m.shown AND t.lines_sealed IS NULL",
    },
    Copies {
        table: "batch_members",
        differ: &[
            ("batch_id", "m.batch"),
            ("id", "m.environment"),
            ("ordinal", "m.place"),
            ("kind", "m.kind"),
            ("state", "m.state"),
            ("deployment_id", "m.id"),
            ("note", "''"),
        ],
        from: "multiplied_deployments m WHERE m.batch IS NOT NULL",
    },
];

/// Adds a Kubernetes cluster that is otherwise like this one.
pub(super) async fn cluster(
    tx: &Tx,
    world: &World,
    like: ClusterId,
    id: ClusterId,
    name: &str,
) -> Result<(), StoreError> {
    let copies = Copies {
        table: "clusters",
        differ: &[
            ("id", &format!("'{id}'")),
            ("name", &format!("'{name}'")),
            ("kind", "'kubernetes'"),
            ("access_kind", "'token'"),
            ("access_changed_at", "t.created_at"),
            ("access_sealed", "NULL"),
            ("check_sealed", "NULL"),
            ("server", "'https://kubernetes.example.com:6443'"),
        ],
        from: &format!("clusters t WHERE t.id = '{like}'"),
    };
    copy(tx, world, &copies).await
}
