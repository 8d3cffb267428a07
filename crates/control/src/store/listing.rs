//! Lists: one shape of statement for every list, so that filters, sorts and counts use indexes.
//!
//! The rows of a page are picked from one table by its own columns, then joined with what the list
//! shows of others: however much that is, only the rows of the page are looked up.

use sea_orm::{DbBackend, DbErr, Value};

use super::driver::Executor;
use super::paging::{COUNT_LIMIT, Count, Direction, Page, PageRequest, SortKey};
use super::searched::{self, Finds, Search};
use super::sql::{Param, Row, StoreError, sql};
use crate::error::Error;

/// What a list shows: fixed texts of a subject's store.
pub(crate) struct View {
    /// The table whose rows are listed.
    pub(crate) table: &'static str,
    /// Its alias in `columns` and `joins`.
    pub(crate) alias: &'static str,
    /// What is read of it and of what is joined.
    pub(crate) columns: &'static str,
    /// Joins that find at most one row each.
    pub(crate) joins: &'static str,
    /// What it does, for errors.
    pub(crate) doing: &'static str,
}

/// A list or a single row of a view under conditions.
pub(crate) struct Listing<'a> {
    view: &'a View,
    conditions: Vec<String>,
    /// Those that what words find is gone through within already.
    unless_found: Vec<String>,
    values: Vec<Value>,
    searches: Vec<Search>,
    parts: Vec<(&'static str, Vec<&'static str>)>,
    by_ids: bool,
    only_added: bool,
    index: Option<&'static str>,
    gathered: i64,
}

/// How the rows of a page are found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// As the database likes.
    Free,
    /// By walking along an index that has their order: much is found by what is searched for.
    Walk,
    /// By looking at all that match, which are few, and putting them into order.
    Gather,
}

/// What a list is sorted by: a column of the view's table (and its id, which makes it total).
#[derive(Clone, Copy)]
pub(crate) struct Order {
    pub(crate) column: &'static str,
    pub(crate) direction: Direction,
}

impl View {
    pub(crate) fn list(&self) -> Listing<'_> {
        Listing {
            view: self,
            conditions: Vec::new(),
            unless_found: Vec::new(),
            values: Vec::new(),
            searches: Vec::new(),
            parts: Vec::new(),
            by_ids: false,
            only_added: false,
            index: None,
            gathered: COUNT_LIMIT,
        }
    }
}

impl Listing<'_> {
    /// A condition without a value, over columns of the view's table.
    pub(crate) fn only(mut self, condition: &str) -> Self {
        self.conditions.push(condition.to_owned());
        self
    }

    /// A condition with one value, which stands at every `?`.
    pub(crate) fn when(mut self, condition: &str, value: impl Param) -> Self {
        let condition = self.bound(condition, value);
        self.conditions.push(condition);
        self
    }

    fn bound(&mut self, condition: &str, value: impl Param) -> String {
        self.values.push(value.param());
        condition.replace('?', &format!("${}", self.values.len()))
    }

    /// A condition that holds only if a value is given.
    pub(crate) fn when_some<P: Param>(self, condition: &str, value: Option<P>) -> Self {
        match value {
            Some(value) => self.when(condition, value),
            None => self,
        }
    }

    /// The same, of what words find only what is `within` it anyway: it matters where rows are looked for otherwise.
    pub(crate) fn when_some_unless_found<P: Param>(
        mut self,
        condition: &str,
        value: Option<P>,
    ) -> Self {
        if let Some(value) = value {
            let condition = self.bound(condition, value);
            self.unless_found.push(condition);
        }
        self
    }

    /// Every word of `text` begins a search term of the row (see `search`).
    pub(crate) fn search(self, kind: &'static str, text: &str) -> Self {
        let id = format!("{}.id", self.view.alias);
        self.search_at(&id, kind, text, None)
    }

    /// The same, where `column` holds the id of what is searched for; `within`, where it is given, is a condition over
    /// `subject_id` that holds for what is wanted of it.
    pub(crate) fn search_at(
        mut self,
        column: &str,
        kind: &'static str,
        text: &str,
        within: Option<&str>,
    ) -> Self {
        let within = within.map(|within| format!(" AND {within}")).unwrap_or_default();
        for (from, to) in super::search::ranges(text) {
            self.values.push(from.into());
            self.values.push(to.into());
            let (column, within, range) =
                (column.to_owned(), within.clone(), self.values.len() - 1);
            self.searches.push(Search::new(column, kind, range, within));
        }
        self
    }

    /// Rows of this table only ever come: where nothing but words is asked for, what they find is counted without being
    /// looked up.
    pub(crate) fn only_added(mut self) -> Self {
        self.only_added = true;
        self
    }

    /// What is searched for together with other columns is looked up by this index, which has them all. PostgreSQL, which
    /// knows how often each word of a closed set stands, is not told: SQLite does not, and would take an index of one of these
    /// columns alone.
    pub(crate) fn looked_up_by(mut self, index: &'static str) -> Self {
        self.index = Some(index);
        self
    }

    /// Of what is searched for, only so many rows are looked up and put into order. Of more, a page is found by walking along
    /// the order and looking at each row: the smaller the table, the sooner.
    pub(crate) fn gathered(mut self, most: i64) -> Self {
        self.gathered = most;
        self
    }

    /// Puts a list that is sorted by id together of one part for each of these words in a column, on top of those that are
    /// there: each part is a range of an index that begins with all columns that are asked for, and ends with the id.
    pub(crate) fn in_parts(mut self, column: &'static str, words: Vec<&'static str>) -> Self {
        self.parts.push((column, words));
        self
    }

    /// Picks rows by looking at nothing but an index that has all columns which the conditions are about: what does not match
    /// is not read.
    pub(crate) fn by_ids(mut self) -> Self {
        self.by_ids = true;
        self
    }

    /// The condition of each part; one that is always true where there are none.
    fn part_conditions(&self) -> Vec<String> {
        let mut all = vec!["1 = 1".to_owned()];
        for (column, words) in &self.parts {
            let with = |condition: &String| {
                let each =
                    words.iter().map(move |word| format!("{condition} AND {column} = '{word}'"));
                each.collect::<Vec<_>>()
            };
            all = all.iter().flat_map(with).collect();
        }
        all
    }

    /// All conditions. Who walks along the order looks at each row whether it is among what is found; else the rows are
    /// looked up by that.
    fn condition(&self, way: Way, backend: DbBackend) -> String {
        let mut all = self.conditions.clone();
        if way == Way::Walk || self.searches.is_empty() {
            all.extend(self.unless_found.iter().cloned());
        }
        match (way, self.searches.first()) {
            (Way::Walk, _) => {
                all.extend(self.searches.iter().map(|search| search.holds(backend)));
            }
            // All searches of a list are of one column.
            (Way::Free | Way::Gather, Some(Search { column, .. })) => {
                all.push(format!("{column} IN ({})", searched::found(&self.searches, backend)));
            }
            (Way::Free | Way::Gather, None) => {}
        }
        if all.is_empty() { "1 = 1".to_owned() } else { all.join(" AND ") }
    }

    /// The table whose rows are listed, as a statement names it where it looks them up.
    fn from(&self, way: Way, backend: DbBackend) -> String {
        let View { table, alias, .. } = self.view;
        match self.index {
            Some(index) if way != Way::Walk && backend == DbBackend::Sqlite => {
                format!("{table} {alias} INDEXED BY {index}")
            }
            _ => format!("{table} {alias}"),
        }
    }

    /// The statement around `inner`, with what is joined.
    fn outer(&self, inner: &str, order: &str) -> String {
        let View { alias, columns, joins, .. } = self.view;
        format!("SELECT {columns} FROM ({inner}) {alias} {joins}{order}")
    }

    /// The one row under the conditions.
    pub(crate) async fn one<T>(
        self,
        c: &impl Executor,
        read: impl FnOnce(&Row<'_>) -> Result<T, DbErr>,
    ) -> Result<Option<T>, StoreError> {
        let View { table, alias, doing, .. } = self.view;
        let condition = self.condition(Way::Free, c.backend());
        let inner = format!("SELECT * FROM {table} {alias} WHERE {condition} LIMIT 1");
        let text = self.outer(&inner, "");
        sql(text).bind_named(&self.values).one(c, doing, read).await
    }

    /// A page.
    pub(crate) async fn page<T>(
        mut self,
        c: &impl Executor,
        request: &PageRequest,
        order: Order,
        read: impl Fn(&Row<'_>) -> Result<T, DbErr>,
        key: impl Fn(&T) -> (SortKey, String),
    ) -> Result<Page<T>, Error> {
        let doing = self.view.doing;
        let count = if self.find_by_words(c).await? {
            sql(self.count_text(c.backend()))
                .bind_named(&self.values)
                .heavy()
                .one(c, doing, |row| row.get::<i64>("n"))
                .await?
                .unwrap_or(0)
        } else {
            0
        };
        let way = match (self.searches.is_empty(), count <= self.gathered) {
            (true, _) => Way::Free,
            (false, true) => Way::Gather,
            (false, false) => Way::Walk,
        };
        let (text, values) = self.page_text(request, order, way, c.backend())?;
        let rows = match count {
            0 => Vec::new(),
            _ => sql(text).bind_named(&values).heavy().all(c, doing, read).await?,
        };
        Page::assemble(request, rows, Count::of_limited(count), key)
    }

    /// Looks at what the words find before anything is asked of the list itself; whether they find anything.
    async fn find_by_words(&mut self, c: &impl Executor) -> Result<bool, StoreError> {
        searched::look(&mut self.searches, c, &self.values).await?;
        let Some(Search { column, .. }) = self.searches.first() else { return Ok(true) };
        match searched::look_for_one(&self.searches, c, &self.values).await? {
            Finds::Nothing => return Ok(false),
            Finds::One(id) => {
                // What belongs to one thing has an index that begins with it, and goes on in the list's order.
                self.conditions.push(format!("{column} = ${}", self.values.len() + 1));
                self.values.push(id.into());
                self.searches.clear();
                self.by_ids = true;
            }
            Finds::Many => {}
        }
        Ok(true)
    }

    /// The first rows, without counting how many there are.
    pub(crate) async fn first<T>(
        mut self,
        c: &impl Executor,
        rows: u32,
        order: Order,
        read: impl Fn(&Row<'_>) -> Result<T, DbErr>,
    ) -> Result<Vec<T>, Error> {
        let doing = self.view.doing;
        if !self.find_by_words(c).await? {
            return Ok(Vec::new());
        }
        let way = match self.searches.first() {
            // As many rows as things are found only where these are the rows.
            Some(rarest) if rarest.column == format!("{}.id", self.view.alias) => {
                if rarest.size() <= self.gathered { Way::Gather } else { Way::Walk }
            }
            _ => Way::Free,
        };
        let request = PageRequest { cursor: None, limit: Some(rows) };
        let (text, values) = self.page_text(&request, order, way, c.backend())?;
        let mut found = sql(text).bind_named(&values).heavy().all(c, doing, read).await?;
        found.truncate(request.rows() as usize);
        Ok(found)
    }

    /// How many rows the conditions match.
    pub(crate) async fn count(self, c: &impl Executor) -> Result<Count, StoreError> {
        let doing = self.view.doing;
        let counted = sql(self.count_text(c.backend())).bind_named(&self.values).heavy().one(
            c,
            doing,
            |row| row.get::<i64>("n"),
        );
        Ok(Count::of_limited(counted.await?.unwrap_or(0)))
    }

    /// Whether what words find is all that the list has.
    fn are_words_alone(&self) -> bool {
        self.only_added && !self.searches.is_empty() && self.conditions.is_empty()
    }

    fn count_text(&self, backend: DbBackend) -> String {
        // Counting stops early where there is much.
        let limit = COUNT_LIMIT + 1;
        if self.are_words_alone() {
            let found = searched::found_once(&self.searches, backend);
            return format!("SELECT COUNT(*) AS n FROM ({found} LIMIT {limit}) counted");
        }
        let condition = self.condition(Way::Free, backend);
        let from = self.from(Way::Free, backend);
        let rows: Vec<String> = self
            .part_conditions()
            .iter()
            .map(|part| format!("SELECT 1 AS one FROM {from} WHERE {condition} AND {part}"))
            .collect();
        let counted = match rows.as_slice() {
            [all] => format!("{all} LIMIT {limit}"),
            parts => format!("SELECT one FROM ({}) parts LIMIT {limit}", parts.join(" UNION ALL ")),
        };
        format!("SELECT COUNT(*) AS n FROM ({counted}) counted")
    }

    /// The statements of the first page, for looking at how they are carried out: what picks the
    /// rows, the whole page, and the count; with the values of each.
    #[cfg(test)]
    pub(crate) fn texts(self, order: Order) -> [(String, Vec<Value>); 3] {
        let request = PageRequest::default();
        let View { table, alias, .. } = *self.view;
        let count = (self.count_text(DbBackend::Sqlite), self.values.clone());
        let values = self.values.clone();
        let (whole, all) = self.page_text(&request, order, Way::Free, DbBackend::Sqlite).unwrap();
        let picking = if let Some(end) = whole.find(") picked JOIN ") {
            // Each part is in order already.
            let begins = format!("FROM (SELECT {alias}.* FROM (");
            let start = whole.find(&begins).unwrap() + begins.len();
            whole[start..end].to_owned()
        } else {
            let start = whole.find(&format!("FROM (SELECT * FROM {table} ")).unwrap() + 6;
            let end = whole.find(&format!("LIMIT {})", request.rows() + 1)).unwrap();
            format!("{}LIMIT {}", &whole[start..end], request.rows() + 1)
        };
        [(picking, values), (whole, all), count]
    }

    /// The statement of a page with all its values, the rows found this way. Walking back it sorts the other way round.
    fn page_text(
        mut self,
        request: &PageRequest,
        order: Order,
        found: Way,
        backend: DbBackend,
    ) -> Result<(String, Vec<Value>), Error> {
        let View { table, alias, .. } = self.view;
        let cursor = request.read_cursor()?;
        let back = cursor.as_ref().is_some_and(|cursor| cursor.back);
        let down = (order.direction == Direction::Descending) != back;
        // Where the words alone say which rows there are, those of the page are picked among what they find.
        let picked_by_words =
            found == Way::Gather && order.column == "id" && self.are_words_alone();
        let mut after = String::new();
        if let Some(cursor) = cursor {
            let key: Value = match cursor.key {
                SortKey::Number(number) => number.into(),
                SortKey::Text(text) => text.into(),
            };
            self.values.push(key);
            self.values.push(cursor.id.into());
            let n = self.values.len();
            let sign = if down { "<" } else { ">" };
            let column = order.column;
            let side = if column == "id" {
                // The key says no more than the id.
                after = format!(" AND found.subject_id {sign} ${n}");
                format!("{alias}.id {sign} ${n}")
            } else {
                format!("({alias}.{column}, {alias}.id) {sign} (${}, ${n})", n - 1)
            };
            self.conditions.push(side);
        }
        let way = if down { "DESC" } else { "ASC" };
        let by = if order.column == "id" {
            format!(" ORDER BY {alias}.id {way}")
        } else {
            format!(" ORDER BY {alias}.{} {way}, {alias}.id {way}", order.column)
        };
        let (condition, limit) = (self.condition(found, backend), request.rows() + 1);
        let picked = match (found, self.parts.is_empty()) {
            _ if picked_by_words => Some(format!(
                "SELECT subject_id AS id FROM ({}{after}) found ORDER BY subject_id {way} LIMIT {limit}",
                searched::found_once(&self.searches, backend),
            )),
            (Way::Gather, _) => Some(format!(
                "SELECT {alias}.id FROM (SELECT {alias}.id, {alias}.{} FROM {} \
                 WHERE {condition} LIMIT {}) {alias}{by} LIMIT {limit}",
                if order.column == "id" { "id AS also" } else { order.column },
                self.from(found, backend),
                // More than there are: the limit keeps PostgreSQL from walking all the same.
                COUNT_LIMIT * 2,
            )),
            (Way::Free, true) if self.by_ids => Some(format!(
                "SELECT {alias}.id FROM {table} {alias} WHERE {condition}{by} LIMIT {limit}"
            )),
            (_, true) => None,
            (_, false) => {
                let part = |part: &String| {
                    format!(
                        "SELECT id FROM (SELECT {alias}.id FROM {table} {alias} \
                         WHERE {condition} AND {part}{by} LIMIT {limit}) part"
                    )
                };
                let parts: Vec<String> = self.part_conditions().iter().map(part).collect();
                Some(parts.join(" UNION ALL "))
            }
        };
        let inner = match picked {
            None => format!("SELECT * FROM {table} {alias} WHERE {condition}{by} LIMIT {limit}"),
            Some(picked) => format!(
                "SELECT {alias}.* FROM ({picked}) picked JOIN {table} {alias} ON {alias}.id = picked.id{by} LIMIT {limit}"
            ),
        };
        let text = self.outer(&inner, &by);
        Ok((text, self.values))
    }
}
