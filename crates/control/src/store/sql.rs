//! Statements as the stores write them: text with `$1`, bound values, rows read by column name.

use std::fmt;

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, ValueRef};
use sea_orm::{DbBackend, DbErr, QueryResult, SqlErr, Statement, TryGetable, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::driver::{DriverError, Executor, Wanted};
use super::sqlite::{self, OwnedRow, Weight};
use crate::error::{Cause, Error};

/// A statement that failed.
#[derive(Debug, thiserror::Error)]
#[error("could not {doing}")]
pub(crate) struct StoreError {
    /// What was attempted, as a verb phrase.
    pub(crate) doing: &'static str,
    /// The failure.
    pub(crate) source: DriverError,
}

impl From<StoreError> for Error {
    fn from(failed: StoreError) -> Self {
        Self::Internal { doing: failed.doing, source: failed.source.into() }
    }
}

impl StoreError {
    /// Whether the statement would have broken a unique index: `index` is its name and `columns`
    /// what SQLite calls it by, such as `apps.name_key`.
    pub(crate) fn violates(&self, index: &str, columns: &str) -> bool {
        match &self.source {
            DriverError::Orm(error) => matches!(
                error.sql_err(),
                Some(SqlErr::UniqueConstraintViolation(text)) if text.contains(&format!("\"{index}\""))
            ),
            DriverError::Sqlite(rusqlite::Error::SqliteFailure(error, Some(text))) => {
                error.code == rusqlite::ErrorCode::ConstraintViolation
                    && text.strip_suffix(columns).is_some_and(|rest| rest.ends_with(": "))
            }
            _ => false,
        }
    }
}

/// A statement with its values.
pub(crate) struct Query {
    text: String,
    values: Vec<Value>,
    weight: Weight,
}

/// A statement; bind its values in the order of `$1`, `$2`, ….
pub(crate) fn sql(text: impl Into<String>) -> Query {
    Query { text: text.into(), values: Vec::new(), weight: Weight::Light }
}

/// The places of `rows` rows of `columns` values each, to stand after `VALUES`: `($1, $2), ($3, $4)`.
pub(crate) fn rows(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let places = (1..=columns).map(|n| format!("${}", row * columns + n));
        format!("({})", places.collect::<Vec<_>>().join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

impl Query {
    /// Binds the next value.
    pub(crate) fn bind(mut self, value: impl Param) -> Self {
        self.values.push(value.param());
        self
    }

    /// Binds values that are made already.
    pub(crate) fn bind_all(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        self.values.extend(values);
        self
    }

    /// Binds those of these values that the text names, `$1` being the first of them, and numbers them anew: the drivers take no
    /// value that is not asked for.
    pub(crate) fn bind_named(mut self, values: &[Value]) -> Self {
        let mut places: Vec<usize> = Vec::new();
        let mut text = String::with_capacity(self.text.len());
        let mut parts = self.text.split('$');
        text.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            let (number, rest) = part.split_at(end);
            text.push('$');
            if let Some(value) = number.parse::<usize>().ok().and_then(|n| n.checked_sub(1)) {
                let known = places.iter().position(|place| *place == value);
                let place = known.unwrap_or_else(|| {
                    places.push(value);
                    places.len() - 1
                });
                text.push_str(&(place + 1).to_string());
            }
            text.push_str(rest);
        }
        self.values.extend(places.iter().filter_map(|place| values.get(*place).cloned()));
        self.text = text;
        self
    }

    /// It may look at thousands of rows: on SQLite it is carried out apart from the threads that serve requests.
    pub(crate) fn heavy(mut self) -> Self {
        self.weight = Weight::Heavy;
        self
    }

    pub(super) fn on_postgres(self) -> Statement {
        Statement::from_sql_and_values(DbBackend::Postgres, self.text, self.values)
    }

    pub(super) fn on_sqlite(self, wanted: Wanted) -> sqlite::Statement {
        sqlite::Statement::new(self.text, self.values, self.weight, wanted)
    }

    /// Runs it; the number of rows it touched.
    pub(crate) async fn run(
        self,
        c: &impl Executor,
        doing: &'static str,
    ) -> Result<u64, StoreError> {
        let done = c.place().carry_out(self, Wanted::Nothing).await;
        done.map(|done| done.touched).map_err(|source| StoreError { doing, source })
    }

    /// Runs it; its first row, if it has one.
    pub(crate) async fn one<T>(
        self,
        c: &impl Executor,
        doing: &'static str,
        read: impl FnOnce(&Row<'_>) -> Result<T, DbErr>,
    ) -> Result<Option<T>, StoreError> {
        let done = c.place().carry_out(self, Wanted::First).await;
        done.and_then(|done| Ok(done.rows.first().map(|row| read(&row.row())).transpose()?))
            .map_err(|source| StoreError { doing, source })
    }

    /// Runs it; all its rows.
    pub(crate) async fn all<T>(
        self,
        c: &impl Executor,
        doing: &'static str,
        read: impl Fn(&Row<'_>) -> Result<T, DbErr>,
    ) -> Result<Vec<T>, StoreError> {
        let done = c.place().carry_out(self, Wanted::All).await;
        done.and_then(|done| {
            Ok(done.rows.iter().map(|row| read(&row.row())).collect::<Result<_, _>>()?)
        })
        .map_err(|source| StoreError { doing, source })
    }
}

/// A row; columns are read by name into the type that the caller wants.
pub(crate) enum Row<'a> {
    /// SQLite's.
    Sqlite(&'a OwnedRow),
    /// PostgreSQL's.
    Postgres(&'a QueryResult),
}

impl Row<'_> {
    /// A column that is never null.
    pub(crate) fn get<T: Column>(&self, name: &str) -> Result<T, DbErr> {
        T::from_raw(self.raw(name)?).map_err(|cause| damaged(name, cause))
    }

    /// A column that may be null.
    pub(crate) fn opt<T: Column>(&self, name: &str) -> Result<Option<T>, DbErr> {
        let raw: Option<T::Raw> = self.raw_opt(name)?;
        raw.map(|raw| T::from_raw(raw).map_err(|cause| damaged(name, cause))).transpose()
    }

    /// A narrow number, as PostgreSQL's own tables have them.
    #[cfg(test)]
    pub(crate) fn get_i32(&self, name: &str) -> Result<i32, DbErr> {
        self.raw(name)
    }

    /// A column that holds JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, DbErr> {
        let text: String = self.raw(name)?;
        serde_json::from_str(&text).map_err(|cause| damaged(name, cause))
    }

    /// A column that holds JSON or is null.
    pub(crate) fn json_opt<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, DbErr> {
        let text: Option<String> = self.raw_opt(name)?;
        text.map(|text| serde_json::from_str(&text).map_err(|cause| damaged(name, cause)))
            .transpose()
    }

    fn raw<T: FromSql + TryGetable>(&self, name: &str) -> Result<T, DbErr> {
        match self {
            Self::Sqlite(row) => from_sqlite(row, name),
            Self::Postgres(row) => row.try_get("", name),
        }
    }

    fn raw_opt<T: FromSql + TryGetable>(&self, name: &str) -> Result<Option<T>, DbErr> {
        match self {
            Self::Sqlite(row) => from_sqlite(row, name),
            Self::Postgres(row) => row.try_get("", name),
        }
    }
}

fn from_sqlite<T: FromSql>(row: &OwnedRow, name: &str) -> Result<T, DbErr> {
    let value = row.value(name).ok_or_else(|| damaged(name, "there is no such column"))?;
    T::column_result(ValueRef::from(value)).map_err(|cause: FromSqlError| damaged(name, cause))
}

fn damaged(column: &str, cause: impl fmt::Display) -> DbErr {
    DbErr::Type(format!("column {column} holds something else than it should: {cause}"))
}

/// What a column can be read as.
pub(crate) trait Column: Sized {
    /// How the database drivers read it.
    type Raw: FromSql + TryGetable;
    /// Turns that into the type.
    fn from_raw(raw: Self::Raw) -> Result<Self, Cause>;
}

/// What can be bound.
pub(crate) trait Param {
    /// The value as the drivers bind it.
    fn param(self) -> Value;
}

macro_rules! plain {
    ($($type:ty),+) => {$(
        impl Column for $type {
            type Raw = Self;
            fn from_raw(raw: Self) -> Result<Self, Cause> {
                Ok(raw)
            }
        }

        impl Param for $type {
            fn param(self) -> Value {
                self.into()
            }
        }

        impl Param for Option<$type> {
            fn param(self) -> Value {
                self.into()
            }
        }
    )+};
}
plain!(i64, bool, Vec<u8>);

/// PostgreSQL's texts hold no NUL, which programs that run in clusters may print all the same; SQLite's are made alike.
fn text(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

impl Column for String {
    type Raw = Self;
    fn from_raw(raw: Self) -> Result<Self, Cause> {
        Ok(raw)
    }
}

impl Param for String {
    fn param(self) -> Value {
        text(self).into()
    }
}

impl Param for Option<String> {
    fn param(self) -> Value {
        self.map(text).into()
    }
}

impl Param for &str {
    fn param(self) -> Value {
        text(self.to_owned()).into()
    }
}

impl Param for Option<&str> {
    fn param(self) -> Value {
        self.map(|it| text(it.to_owned())).into()
    }
}

impl Param for &[u8] {
    fn param(self) -> Value {
        self.to_vec().into()
    }
}

impl Column for Timestamp {
    type Raw = i64;
    fn from_raw(raw: i64) -> Result<Self, Cause> {
        Ok(Self::from_microsecond(raw)?)
    }
}

impl Param for Timestamp {
    fn param(self) -> Value {
        self.as_microsecond().into()
    }
}

impl Param for Option<Timestamp> {
    fn param(self) -> Value {
        self.map(Timestamp::as_microsecond).into()
    }
}

/// Types that are kept as their text.
macro_rules! as_text {
    ($($type:ty),+ $(,)?) => {$(
        impl $crate::store::sql::Column for $type {
            type Raw = String;
            fn from_raw(raw: String) -> Result<Self, $crate::error::Cause> {
                Ok(raw.parse::<$type>()?)
            }
        }

        impl $crate::store::sql::Param for $type {
            fn param(self) -> sea_orm::Value {
                self.to_string().into()
            }
        }

        impl $crate::store::sql::Param for &$type {
            fn param(self) -> sea_orm::Value {
                self.to_string().into()
            }
        }

        impl $crate::store::sql::Param for Option<$type> {
            fn param(self) -> sea_orm::Value {
                self.map(|value| value.to_string()).into()
            }
        }
    )+};
}

as_text!(
    crate::account::PasswordHash,
    crate::actor::ActorKind,
    crate::backup::BackupCause,
    crate::backup::BackupState,
    crate::cluster::AccessKind,
    crate::cluster::Admits,
    crate::cluster::ClusterKind,
    crate::deployment::DeploymentState,
    crate::deployment::OnFailure,
    crate::deployment::PlanPolicy,
    crate::deployment::Trigger,
    crate::domain::Host,
    crate::domain::Tls,
    crate::environment::EnvironmentKind,
    crate::environment::EnvironmentState,
    crate::environment::EnvironmentStatus,
    crate::app::HelmMode,
    crate::batch::BatchState,
    crate::batch::MemberState,
    crate::fleet::FleetPreviewState,
    crate::fleet::GroupKind,
    crate::names::AppName,
    crate::names::ClusterName,
    crate::names::Email,
    crate::names::EnvironmentName,
    crate::names::HelmReleaseName,
    crate::names::Namespace,
    crate::names::ReleaseTag,
    crate::names::ServiceAccount,
    crate::objects::Address,
    crate::observed::ObservedCause,
    crate::op::ObjectCondition,
    crate::op::OpKind,
    crate::op::OpState,
    crate::op::StepName,
    crate::op::StepState,
    crate::rights::Role,
    super::ids::AppId,
    super::ids::AuditId,
    super::ids::BackupId,
    super::ids::BatchId,
    super::ids::ClusterId,
    super::ids::ContentId,
    super::ids::DeploymentId,
    super::ids::DomainId,
    super::ids::EnvironmentId,
    super::ids::InvitationId,
    super::ids::FleetPreviewId,
    super::ids::ObservedId,
    super::ids::OpId,
    super::ids::PersonId,
    super::ids::PreviewId,
    super::ids::ReleaseId,
    super::ids::SessionId,
    super::ids::SigninLinkId,
    super::ids::TokenId,
    super::ids::WorkerId,
);

/// JSON for a text column.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> Json<&T> {
    /// The text itself.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self.0).expect("rows hold only what is JSON")
    }
}

impl<T: Serialize> Param for Json<&T> {
    fn param(self) -> Value {
        self.text().into()
    }
}

/// Now, cut to what the database keeps.
pub(crate) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only what the text names is bound, in the order in which it does.
    #[test]
    fn named_values() {
        let values = [1_i64, 2, 3, 4].map(Value::from);
        let query = sql("SELECT $4 WHERE a = $2 AND b = '$' AND c = $4").bind_named(&values);
        assert_eq!(query.text, "SELECT $1 WHERE a = $2 AND b = '$' AND c = $1");
        assert_eq!(query.values, [4_i64, 2].map(Value::from));
    }
}
