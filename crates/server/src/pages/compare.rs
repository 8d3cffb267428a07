//! Two deployments side by side: what their values and objects have different.

use askama::Template;
use axum::response::{Html, IntoResponse};
use control::deployment::{Compared, Comparison, LaidValue};
use control::environment::Environment;

use super::form::{Params, PathOf, Told};
use super::parts::{ObjectChange, different_objects, layer};
use super::{Chrome, Ctx, PageAnswer, Section};
use crate::query::ComparisonQuery;
use crate::view::words::plural;

#[derive(Template)]
#[template(path = "pages/compare.html")]
struct Page {
    chrome: Chrome,
    environment: Environment,
    sent: ComparisonQuery,
    told: Told,
    /// What is missing before anything can be compared.
    hint: Option<String>,
    shown: Option<Shown>,
}

struct Shown {
    comparison: Comparison,
    objects: Vec<ObjectChange>,
}

impl Shown {
    /// `1 value and 3 objects differ`.
    fn sentence(&self) -> String {
        let count = |n: usize, noun| plural(i64::try_from(n).unwrap_or(i64::MAX), noun);
        let values = count(self.comparison.values.len(), "value");
        format!("{values} and {} differ", count(self.objects.len(), "object"))
    }

    fn sides(&self) -> [(&'static str, &Compared); 2] {
        [("−", &self.comparison.left), ("+", &self.comparison.right)]
    }
}

/// A side's value as a row of the table has it.
pub(crate) fn said(value: Option<&LaidValue>) -> Option<(&'static str, &str)> {
    value.map(|value| (layer(value.layer), value.value.as_str()))
}

/// `GET /environments/{environment}/comparison`
pub(crate) async fn show(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Params(sent): Params<ComparisonQuery>,
) -> PageAnswer {
    let (control, actor) = (ctx.control(), &ctx.actor);
    let environment = control.environment_get(actor, &name).await?;
    let compared = match sent.request() {
        Ok(asked) => control.deployments_compare(actor, &name, &asked).await,
        Err(wrong) => Err(wrong),
    };
    let (mut told, mut hint, mut shown) = (Told::default(), None, None);
    match compared {
        Ok(comparison) => {
            let objects = different_objects(&comparison.objects);
            shown = Some(Shown { comparison, objects });
        }
        // The link to this page says nothing of what to compare with, and there may be nothing before it.
        Err(error @ control::Error::Conflict { .. }) if sent.with.trim().is_empty() => {
            hint = Some(error.to_string());
        }
        Err(error) => told = Told::of(error)?,
    }
    let status = told.status();
    let page = Page {
        chrome: ctx.chrome(Section::Environments, format!("Compare {}", environment.name)).await?,
        environment,
        sent,
        told,
        hint,
        shown,
    };
    Ok((status, Html(page.render()?)).into_response())
}
