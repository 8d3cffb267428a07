//! `Add cluster` and `Change cluster`: how it is reached, and what it is for.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::cluster::{Cluster, ClusterChange, NewAccess, NewCluster, split_names};
use control::rights::Subject;
use secrecy::SecretString;
use serde::Deserialize;

use super::form::{PathOf, Sent, Told};
use super::{Chrome, Ctx, PageAnswer, Section};

#[derive(Template)]
#[template(path = "pages/new_kubernetes_cluster.html")]
struct Add {
    chrome: Chrome,
    told: Told,
    sent: ClusterForm,
    /// Whether this server runs in a cluster that can be added.
    in_cluster: bool,
    may_add: bool,
}

#[derive(Template)]
#[template(path = "pages/change_cluster.html")]
struct Change {
    chrome: Chrome,
    told: Told,
    sent: ClusterForm,
    cluster: Cluster,
    in_cluster: bool,
    may_change: bool,
}

/// What both forms send; secrets are not sent back.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ClusterForm {
    name: String,
    admits: String,
    /// With commas between.
    namespaces: String,
    /// Empty: no.
    demands_impersonation: String,
    /// Empty: no.
    in_cluster: String,
    kubeconfig: SecretString,
    context: String,
    server: String,
    ca_pem: String,
    token: SecretString,
}

impl ClusterForm {
    fn access(&self) -> NewAccess {
        NewAccess {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            server: self.server.clone(),
            ca_pem: self.ca_pem.clone(),
            token: self.token.clone(),
            in_cluster: !self.in_cluster.is_empty(),
        }
    }

    fn namespaces(&self) -> Vec<String> {
        split_names(&self.namespaces).map(str::to_owned).collect()
    }
}

/// `GET /new/kubernetes-cluster`
pub(crate) async fn add_form(ctx: Ctx) -> PageAnswer {
    let sent = ClusterForm { admits: "both".to_owned(), ..ClusterForm::default() };
    show_add(&ctx, Told::default(), sent).await
}

/// `POST /new/kubernetes-cluster`
pub(crate) async fn add(ctx: Ctx, Sent(sent): Sent<ClusterForm>) -> PageAnswer {
    let new = NewCluster {
        name: sent.name.trim().to_owned(),
        admits: sent.admits.clone(),
        namespaces: sent.namespaces(),
        demands_impersonation: !sent.demands_impersonation.is_empty(),
        access: sent.access(),
    };
    match ctx.control().cluster_add(&ctx.actor, new).await {
        Ok(cluster) => Ok(Redirect::to(&format!("/clusters/{}", cluster.name)).into_response()),
        Err(error) => show_add(&ctx, Told::of(error)?, sent).await,
    }
}

async fn show_add(ctx: &Ctx, told: Told, sent: ClusterForm) -> PageAnswer {
    let status = told.status();
    let page = Add {
        chrome: ctx.chrome(Section::Clusters, "Add cluster").await?,
        told,
        sent,
        in_cluster: ctx.control().runs_in_cluster(),
        may_add: ctx.may_write(Subject::Infrastructure),
    };
    Ok((status, Html(page.render()?)).into_response())
}

/// `GET /clusters/{cluster}/change`
pub(crate) async fn change_form(ctx: Ctx, PathOf(name): PathOf<String>) -> PageAnswer {
    let cluster = ctx.control().cluster_get(&ctx.actor, &name).await?;
    let sent = ClusterForm {
        admits: cluster.admits.to_string(),
        namespaces: cluster.namespaces.join(", "),
        demands_impersonation: if cluster.demands_impersonation { "true" } else { "" }.to_owned(),
        ..ClusterForm::default()
    };
    show_change(&ctx, cluster, Told::default(), sent).await
}

/// `POST /clusters/{cluster}/change`
pub(crate) async fn change(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Sent(sent): Sent<ClusterForm>,
) -> PageAnswer {
    let change = ClusterChange {
        admits: Some(sent.admits.clone()),
        namespaces: Some(sent.namespaces()),
        demands_impersonation: Some(!sent.demands_impersonation.is_empty()),
        access: sent.access(),
    };
    match ctx.control().cluster_change(&ctx.actor, &name, change).await {
        Ok(cluster) => Ok(Redirect::to(&format!("/clusters/{}", cluster.name)).into_response()),
        Err(error) => {
            let told = Told::of(error)?;
            let cluster = ctx.control().cluster_get(&ctx.actor, &name).await?;
            show_change(&ctx, cluster, told, sent).await
        }
    }
}

async fn show_change(ctx: &Ctx, cluster: Cluster, told: Told, sent: ClusterForm) -> PageAnswer {
    let status = told.status();
    let page = Change {
        chrome: ctx.chrome(Section::Clusters, format!("Change {}", cluster.name)).await?,
        told,
        sent,
        in_cluster: ctx.control().runs_in_cluster(),
        may_change: ctx.may_write(Subject::Infrastructure),
        cluster,
    };
    Ok((status, Html(page.render()?)).into_response())
}
