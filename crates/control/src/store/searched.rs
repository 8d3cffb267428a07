//! Words that a list is searched for: what each of them finds, and what all of them find together.

use sea_orm::{DbBackend, Value};

use super::driver::Executor;
use super::paging::COUNT_LIMIT;
use super::sql::{StoreError, sql};

/// As many terms of a word are few.
const FEW_TERMS: usize = 16;

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
    /// The places of the terms that begin with it among the values, where it was looked whether they are few, and they are.
    few: Option<Vec<usize>>,
    /// How many terms of subjects begin with it, as far as they were counted.
    size: i64,
}

impl Search {
    pub(super) fn new(column: String, kind: &'static str, range: usize, within: String) -> Self {
        Self { column, kind, range, within, few: None, size: 0 }
    }

    /// The condition on its search terms in the table of this alias.
    fn terms(&self, alias: &str) -> String {
        let Self { kind, range, few, .. } = self;
        match few {
            Some(few) => {
                let places: Vec<String> = few.iter().map(|place| format!("${place}")).collect();
                format!("{alias}.kind = '{kind}' AND {alias}.term IN ({})", places.join(", "))
            }
            None => format!(
                "{alias}.kind = '{kind}' AND {alias}.term >= ${range} AND {alias}.term < ${}",
                range + 1
            ),
        }
    }

    /// That this one finds a subject as well; the subject's id is in this column.
    fn finds(&self, subject: &str) -> String {
        let terms = self.terms("also");
        match self.few {
            Some(_) => format!(
                "EXISTS (SELECT 1 FROM search_terms also WHERE also.subject_id = {subject} AND {terms})"
            ),
            None => {
                format!(
                    "{subject} IN (SELECT also.subject_id FROM search_terms also WHERE {terms})"
                )
            }
        }
    }

    /// The condition on a row that is walked along: it is held against what is found, and not looked up by it.
    pub(super) fn holds(&self, backend: DbBackend) -> String {
        let (column, terms) = (&self.column, self.terms("few"));
        let found =
            format!("SELECT few.subject_id FROM search_terms few WHERE {terms}{}", self.within);
        match (&self.few, backend) {
            // Counted: what only exists would be looked up by PostgreSQL before anything is walked along.
            (Some(_), _) if self.within.is_empty() => format!(
                "(SELECT COUNT(*) FROM search_terms few WHERE few.subject_id = {column} AND {terms}) > 0"
            ),
            // `IS TRUE` keeps it from becoming a join: what is found is hashed once, and each row held against it.
            (_, DbBackend::Postgres) => format!("({column} IN ({found})) IS TRUE"),
            (_, _) => format!("({column} || '') IN ({found})"),
        }
    }

    /// Looks how many terms begin with the word: where they are few, a subject is asked for these rather than held against
    /// all that is found.
    async fn look_for_few_terms(
        &mut self,
        c: &impl Executor,
        values: &mut Vec<Value>,
    ) -> Result<(), StoreError> {
        let kind = self.kind;
        let terms = format!("kind = '{kind}' AND term >= $1 AND term < $2");
        // From one term to the next: whatever else begins with the word is not read.
        let text = format!(
            "WITH RECURSIVE found(word) AS (SELECT MIN(term) FROM search_terms WHERE {terms} \
             UNION ALL SELECT (SELECT MIN(term) FROM search_terms WHERE {terms} AND term > word) \
             FROM found WHERE word IS NOT NULL) \
             SELECT word FROM found WHERE word IS NOT NULL LIMIT {}",
            FEW_TERMS + 1
        );
        let range = values[self.range - 1..=self.range].to_vec();
        let found = sql(text).bind_all(range);
        let found = found.all(c, DOING, |row| row.get::<String>("word")).await?;
        if found.is_empty() || found.len() > FEW_TERMS {
            return Ok(());
        }
        self.few = Some((values.len() + 1..=values.len() + found.len()).collect());
        values.extend(found.into_iter().map(Value::from));
        Ok(())
    }

    /// Counts how much it finds, as far as that matters.
    async fn look_for_size(
        &mut self,
        c: &impl Executor,
        values: &[Value],
    ) -> Result<(), StoreError> {
        let kind = self.kind;
        let text = format!(
            "SELECT COUNT(*) AS n FROM (SELECT 1 AS one FROM search_terms \
             WHERE kind = '{kind}' AND term >= $1 AND term < $2 LIMIT {}) counted",
            COUNT_LIMIT + 1
        );
        let counted = sql(text).bind_all(values[self.range - 1..=self.range].to_vec());
        self.size = counted.one(c, DOING, |row| row.get("n")).await?.unwrap_or(0);
        Ok(())
    }
}

const DOING: &str = "look for words";

/// Looks how common words are, and puts the rarest first: what it finds is held against the others. Of those that much is found
/// by, the terms are looked for; what others find is sooner gone through than asked for term by term.
pub(super) async fn look(
    searches: &mut [Search],
    c: &impl Executor,
    values: &mut Vec<Value>,
) -> Result<(), StoreError> {
    for search in searches.iter_mut() {
        search.look_for_size(c, values).await?;
        if search.size > COUNT_LIMIT {
            search.look_for_few_terms(c, values).await?;
        }
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
    let text = format!("{} LIMIT 2", selected("SELECT DISTINCT", searches, within));
    let found = sql(text).bind_named(values).heavy();
    let found = found.all(c, DOING, |row| row.get::<String>("subject_id")).await?;
    let mut found = found.into_iter();
    Ok(match (found.next(), found.next()) {
        (None, _) => Finds::Nothing,
        (Some(one), None) => Finds::One(one),
        (Some(_), Some(_)) => Finds::Many,
    })
}

/// The ids of what all of these find, which are of one column.
pub(super) fn found(searches: &[Search]) -> String {
    selected("SELECT", searches, true)
}

/// The same, each once.
pub(super) fn found_once(searches: &[Search]) -> String {
    let once =
        searches.first().and_then(|first| first.few.as_ref()).is_some_and(|few| few.len() == 1);
    selected(if once { "SELECT" } else { "SELECT DISTINCT" }, searches, true)
}

fn selected(select: &str, searches: &[Search], within: bool) -> String {
    let Some((rarest, others)) = searches.split_first() else {
        return "SELECT NULL".to_owned();
    };
    let terms = rarest.terms("found");
    let within = if within { rarest.within.as_str() } else { "" };
    let mut text =
        format!("{select} found.subject_id FROM search_terms found WHERE {terms}{within}");
    for other in others {
        text.push_str(" AND ");
        text.push_str(&other.finds("found.subject_id"));
    }
    text
}
