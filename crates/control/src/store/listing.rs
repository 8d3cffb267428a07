//! Lists: one shape of statement for every list, so that filters, sorts and counts use indexes.
//!
//! The rows of a page are picked from one table by its own columns, then joined with what the list
//! shows of others: however much that is, only the rows of the page are looked up.

use sea_orm::{ConnectionTrait, DbErr, Value};

use super::paging::{COUNT_LIMIT, Count, Direction, Page, PageRequest, SortKey};
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
    values: Vec<Value>,
}

/// What a list is sorted by: a column of the view's table (and its id, which makes it total).
#[derive(Clone, Copy)]
pub(crate) struct Order {
    pub(crate) column: &'static str,
    pub(crate) direction: Direction,
}

impl View {
    pub(crate) fn list(&self) -> Listing<'_> {
        Listing { view: self, conditions: Vec::new(), values: Vec::new() }
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
        self.values.push(value.param());
        let place = format!("${}", self.values.len());
        self.conditions.push(condition.replace('?', &place));
        self
    }

    /// A condition that holds only if a value is given.
    pub(crate) fn when_some<P: Param>(self, condition: &str, value: Option<P>) -> Self {
        match value {
            Some(value) => self.when(condition, value),
            None => self,
        }
    }

    /// Every word of `text` begins a search term of the row (see `search`).
    pub(crate) fn search(self, kind: &'static str, text: &str) -> Self {
        let id = format!("{}.id", self.view.alias);
        self.search_at(&id, kind, text)
    }

    /// The same, where `column` holds the id of what is searched for.
    pub(crate) fn search_at(mut self, column: &str, kind: &'static str, text: &str) -> Self {
        for (from, to) in super::search::ranges(text) {
            self.values.push(from.into());
            self.values.push(to.into());
            let n = self.values.len();
            self.conditions.push(format!(
                "{column} IN (SELECT subject_id FROM search_terms \
                 WHERE kind = '{kind}' AND term >= ${} AND term < ${n})",
                n - 1
            ));
        }
        self
    }

    fn condition(&self) -> String {
        if self.conditions.is_empty() { "1 = 1".to_owned() } else { self.conditions.join(" AND ") }
    }

    /// The statement around `inner`, with what is joined.
    fn outer(&self, inner: &str, order: &str) -> String {
        let View { alias, columns, joins, .. } = self.view;
        format!("SELECT {columns} FROM ({inner}) {alias} {joins}{order}")
    }

    /// The one row under the conditions.
    pub(crate) async fn one<T>(
        self,
        c: &impl ConnectionTrait,
        read: impl FnOnce(&Row<'_>) -> Result<T, DbErr>,
    ) -> Result<Option<T>, StoreError> {
        let View { table, alias, doing, .. } = self.view;
        let inner = format!("SELECT * FROM {table} {alias} WHERE {} LIMIT 1", self.condition());
        let text = self.outer(&inner, "");
        sql(text).bind_all(self.values).one(c, doing, read).await
    }

    /// A page.
    pub(crate) async fn page<T>(
        self,
        c: &impl ConnectionTrait,
        request: &PageRequest,
        order: Order,
        read: impl Fn(&Row<'_>) -> Result<T, DbErr>,
        key: impl Fn(&T) -> (SortKey, String),
    ) -> Result<Page<T>, Error> {
        let doing = self.view.doing;
        let count = sql(self.count_text())
            .bind_all(self.values.clone())
            .one(c, doing, |row| row.get::<i64>("n"))
            .await?
            .unwrap_or(0);
        let (text, values) = self.page_text(request, order)?;
        let rows = sql(text).bind_all(values).all(c, doing, read).await?;
        Page::assemble(request, rows, Count::of_limited(count), key)
    }

    /// The first rows, without counting how many there are.
    pub(crate) async fn first<T>(
        self,
        c: &impl ConnectionTrait,
        rows: u32,
        order: Order,
        read: impl Fn(&Row<'_>) -> Result<T, DbErr>,
    ) -> Result<Vec<T>, Error> {
        let doing = self.view.doing;
        let request = PageRequest { cursor: None, limit: Some(rows) };
        let (text, values) = self.page_text(&request, order)?;
        let mut found = sql(text).bind_all(values).all(c, doing, read).await?;
        found.truncate(request.rows() as usize);
        Ok(found)
    }

    /// How many rows the conditions match.
    pub(crate) async fn count(self, c: &impl ConnectionTrait) -> Result<Count, StoreError> {
        let doing = self.view.doing;
        let counted =
            sql(self.count_text()).bind_all(self.values).one(c, doing, |row| row.get::<i64>("n"));
        Ok(Count::of_limited(counted.await?.unwrap_or(0)))
    }

    fn count_text(&self) -> String {
        let View { table, alias, .. } = self.view;
        format!(
            "SELECT COUNT(*) AS n FROM (SELECT 1 AS one FROM {table} {alias} WHERE {} LIMIT {}) counted",
            self.condition(),
            COUNT_LIMIT + 1
        )
    }

    /// The statements of the first page, for looking at how they are carried out: what picks the
    /// rows, the whole page, and the count; with the values of each.
    #[cfg(test)]
    pub(crate) fn texts(self, order: Order) -> [(String, Vec<Value>); 3] {
        let request = PageRequest::default();
        let table = self.view.table;
        let count = (self.count_text(), self.values.clone());
        let values = self.values.clone();
        let (whole, all) = self.page_text(&request, order).unwrap();
        let start = whole.find(&format!("FROM (SELECT * FROM {table} ")).unwrap() + 6;
        let end = whole.find(&format!("LIMIT {})", request.rows() + 1)).unwrap();
        let picking = format!("{}LIMIT {}", &whole[start..end], request.rows() + 1);
        [(picking, values), (whole, all), count]
    }

    /// The statement of a page with all its values. Walking back it sorts the other way round.
    pub(crate) fn page_text(
        mut self,
        request: &PageRequest,
        order: Order,
    ) -> Result<(String, Vec<Value>), Error> {
        let View { table, alias, .. } = self.view;
        let cursor = request.read_cursor()?;
        let back = cursor.as_ref().is_some_and(|cursor| cursor.back);
        let down = (order.direction == Direction::Descending) != back;
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
                format!("{alias}.id {sign} ${n} AND ${} = ${n}", n - 1)
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
        let inner = format!(
            "SELECT * FROM {table} {alias} WHERE {}{by} LIMIT {}",
            self.condition(),
            request.rows() + 1
        );
        let text = self.outer(&inner, &by);
        Ok((text, self.values))
    }
}
