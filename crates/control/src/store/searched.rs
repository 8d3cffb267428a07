//! Words that a list is searched for: what each of them finds, and what all of them find together.

use sea_orm::{DbBackend, Value};

use super::driver::Executor;
use super::paging::COUNT_LIMIT;
use super::search::MOST;
use super::sql::{StoreError, sql};

/// A word that is searched for.
pub(super) struct Search {
    /// The column that holds the id of what is found by it.
    pub(super) column: String,
    /// Of which kind it is.
    pub(super) kind: &'static str,
    /// From which search term on, and up to which, they begin with it: its place among the values, the other one's is the next.
    range: usize,
    /// What else has to hold for what is found, over `subject_id`.
    pub(super) within: String,
    /// Whether all that it finds much by is one term, which each subject has once.
    once: bool,
    /// How many terms of subjects begin with it, as far as they were counted; more than any before that.
    size: i64,
}

impl Search {
    pub(super) fn new(column: String, kind: &'static str, range: usize, within: String) -> Self {
        Self { column, kind, range, within, once: false, size: i64::MAX }
    }

    /// How many terms of subjects begin with it, at most one more than lists count.
    pub(super) fn size(&self) -> i64 {
        self.size
    }

    /// The condition on its search terms in the table of this alias, of whatever kind.
    fn terms(&self, alias: &str) -> String {
        let Self { range, .. } = self;
        format!("{alias}.term >= ${range} AND {alias}.term < ${}", range + 1)
    }

    /// That it finds the subject whose id is in this column; an id says of which kind it is, and the database is to look the
    /// subject up. Counted: what only exists would be looked up before anything else by PostgreSQL.
    ///
    /// PostgreSQL takes 3 µs to look a subject up, and there may be thousands to be looked up. `gathered`, it puts the ids of all
    /// that is found into a table in memory and asks that: `IS TRUE` keeps it from joining instead, and the limit, which cuts
    /// nothing off, from expecting more than there is room for.
    fn finds(&self, subject: &str, within: &str, gathered: bool) -> String {
        let (kind, terms) = (self.kind, self.terms("also"));
        if gathered {
            return format!(
                "({subject} IN (SELECT also.subject_id FROM search_terms also \
                 WHERE also.kind = '{kind}' AND {terms}{within} LIMIT {})) IS TRUE",
                COUNT_LIMIT * 2
            );
        }
        format!(
            "(SELECT COUNT(*) FROM search_terms also \
             WHERE also.subject_id = {subject} AND {terms}{within}) > 0"
        )
    }

    /// Whether all that it finds is better gathered once than asked for this often.
    fn is_gathered(&self, asked: i64, backend: DbBackend) -> bool {
        backend == DbBackend::Postgres
            && self.size <= COUNT_LIMIT
            && asked.saturating_mul(GATHERED_FOR_ONE_ASKED) >= self.size
    }

    /// The condition on a row that is walked along: it is asked for what is found, and not looked up by it.
    pub(super) fn holds(&self, backend: DbBackend) -> String {
        // As many rows as the table has, maybe.
        self.finds(&self.column, &self.within, self.is_gathered(i64::MAX, backend))
    }

    /// Counts how much it finds, as far as that matters, and looks whether that is one term where it is more.
    async fn look(&mut self, c: &impl Executor, values: &[Value]) -> Result<(), StoreError> {
        let values = &values[self.range - 1..=self.range];
        let terms = format!("kind = '{}' AND term >= $1 AND term < $2", self.kind);
        let text = format!(
            "SELECT COUNT(*) AS n FROM (SELECT 1 AS one FROM search_terms WHERE {terms} LIMIT {}) counted",
            COUNT_LIMIT + 1
        );
        let counted = sql(text).bind_all(values.to_vec());
        self.size = counted.one(c, DOING, |row| row.get("n")).await?.unwrap_or(0);
        if self.size > COUNT_LIMIT {
            let text = format!(
                "SELECT (SELECT MIN(term) FROM search_terms WHERE {terms}) AS first, \
                 (SELECT MAX(term) FROM search_terms WHERE {terms}) AS last"
            );
            let ends = sql(text)
                .bind_all(values.to_vec())
                .one(c, DOING, |row| Ok(row.opt::<String>("first")? == row.opt::<String>("last")?));
            self.once = ends.await?.unwrap_or(false);
        }
        Ok(())
    }
}

const DOING: &str = "look for words";
/// So many terms are gathered by PostgreSQL in the time that it takes to look one subject up.
const GATHERED_FOR_ONE_ASKED: i64 = 10;

/// Looks how common words are, and puts the rarest first: what it finds is held against the others.
pub(super) async fn look(
    searches: &mut [Search],
    c: &impl Executor,
    values: &[Value],
) -> Result<(), StoreError> {
    for search in searches.iter_mut() {
        search.look(c, values).await?;
    }
    searches.sort_by_key(|search| search.size);
    Ok(())
}

/// What all of them find.
pub(super) enum Finds {
    Nothing,
    /// One thing, whose id this is.
    One(String),
    /// More.
    Many,
}

/// Looks whether they find more than one thing.
pub(super) async fn look_for_one(
    searches: &[Search],
    c: &impl Executor,
    values: &[Value],
) -> Result<Finds, StoreError> {
    if let [only] = searches
        && usize::try_from(only.size).is_ok_and(|size| size > MOST)
    {
        return Ok(Finds::Many);
    }
    // What else has to hold may be true of thousands of things, and few words find but one.
    match find_two(searches, false, c, values).await? {
        Finds::One(_) => find_two(searches, true, c, values).await,
        other => Ok(other),
    }
}

async fn find_two(
    searches: &[Search],
    within: bool,
    c: &impl Executor,
    values: &[Value],
) -> Result<Finds, StoreError> {
    // One after the other: for two that differ PostgreSQL would put all into order.
    let all = selected("SELECT", searches, within, c.backend());
    let find = async |more: &str, values: &[Value]| {
        let text = format!("{all}{more} LIMIT 1");
        let found = sql(text).bind_named(values).heavy();
        found.one(c, DOING, |row| row.get::<String>("subject_id")).await
    };
    let Some(first) = find("", values).await? else { return Ok(Finds::Nothing) };
    let with_first = [values, &[first.as_str().into()]].concat();
    let other = format!(" AND found.subject_id <> ${}", with_first.len());
    let second = find(&other, &with_first).await?;
    Ok(if second.is_some() { Finds::Many } else { Finds::One(first) })
}

/// The ids of what all of these find, which are of one column.
pub(super) fn found(searches: &[Search], backend: DbBackend) -> String {
    selected("SELECT", searches, true, backend)
}

/// The same, each once.
pub(super) fn found_once(searches: &[Search], backend: DbBackend) -> String {
    let once = searches.first().is_some_and(|first| first.once);
    selected(if once { "SELECT" } else { "SELECT DISTINCT" }, searches, true, backend)
}

fn selected(select: &str, searches: &[Search], within: bool, backend: DbBackend) -> String {
    let Some((rarest, others)) = searches.split_first() else {
        return "SELECT NULL".to_owned();
    };
    let terms = rarest.terms("found");
    let within = if within { rarest.within.as_str() } else { "" };
    let mut text = format!(
        "{select} found.subject_id FROM search_terms found WHERE found.kind = '{}' AND {terms}{within}",
        rarest.kind
    );
    for other in others {
        text.push_str(" AND ");
        let gathered = other.is_gathered(rarest.size, backend);
        text.push_str(&other.finds("found.subject_id", "", gathered));
    }
    text
}
