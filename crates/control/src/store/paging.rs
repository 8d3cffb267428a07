//! Cursor paging and honest counts, the same for every list.
//!
//! A cursor holds the sort key of the row it stands after (or before), so a page costs the same
//! wherever it is, and rows that come and go do not shift it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::Error;

/// Counts are exact up to here; beyond, "10,000+".
pub const COUNT_LIMIT: i64 = 10_000;

/// Rows on a page when nothing else is asked for.
pub const PAGE_DEFAULT: u32 = 50;

/// Rows on a page at most.
pub const PAGE_MAXIMUM: u32 = 200;

/// Which page of a list is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct PageRequest {
    /// [`Page::next`] or [`Page::previous`] of an earlier answer; none: the first page.
    pub cursor: Option<String>,
    /// Rows wanted, 1 to [`PAGE_MAXIMUM`]; none: [`PAGE_DEFAULT`].
    pub limit: Option<u32>,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// In the order asked for.
    pub items: Vec<T>,
    /// Cursor of the page after this one, if there is one.
    pub next: Option<String>,
    /// Cursor of the page before this one, if there is one.
    pub previous: Option<String>,
    /// How many rows the filter matches in all.
    pub count: Count,
}

/// How many rows a filter matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Count {
    /// This many.
    Exact(i64),
    /// This many or more: counting stopped here.
    AtLeast(i64),
}

/// Which way a list is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// a to z, oldest first.
    Ascending,
    /// z to a, newest first.
    #[default]
    Descending,
}

/// What a cursor holds: a side of a row, given by its sort key and id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// Whether the page lies before the row (walking back) or after it.
    #[serde(rename = "b")]
    pub(crate) back: bool,
    /// The row's sort key.
    #[serde(rename = "k")]
    pub(crate) key: SortKey,
    /// The row's id, which makes the order total.
    #[serde(rename = "i")]
    pub(crate) id: String,
}

/// A sort key, as the column is typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum SortKey {
    /// Times and counters.
    Number(i64),
    /// Names.
    Text(String),
}

impl Cursor {
    fn encode(&self) -> String {
        let json = serde_json::to_vec(self).expect("a cursor of plain fields is always JSON");
        URL_SAFE_NO_PAD.encode(json)
    }

    fn decode(text: &str) -> Result<Self, Error> {
        URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok())
            .ok_or_else(|| {
                Error::invalid(
                    "cursor",
                    "This cursor is damaged.",
                    "Start again from the first page.",
                )
            })
    }
}

impl PageRequest {
    /// The number of rows to show.
    pub(crate) fn rows(&self) -> u32 {
        self.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAXIMUM)
    }

    /// The cursor, read.
    pub(crate) fn read_cursor(&self) -> Result<Option<Cursor>, Error> {
        self.cursor.as_deref().map(Cursor::decode).transpose()
    }
}

impl<T> Page<T> {
    /// Makes a page of `rows`, which hold one more than asked for if there are more, in the order
    /// walked (reversed when walking back). `key` tells a row's sort key and id.
    pub(crate) fn assemble(
        request: &PageRequest,
        mut rows: Vec<T>,
        count: Count,
        key: impl Fn(&T) -> (SortKey, String),
    ) -> Result<Self, Error> {
        let cursor = request.read_cursor()?;
        let back = cursor.as_ref().is_some_and(|cursor| cursor.back);
        let wanted = request.rows() as usize;
        let more = rows.len() > wanted;
        rows.truncate(wanted);
        if back {
            rows.reverse();
        }
        let edge = |row: Option<&T>, back: bool| {
            row.map(|row| {
                let (key, id) = key(row);
                Cursor { back, key, id }.encode()
            })
        };
        let has_next = if back { true } else { more };
        let has_previous = if back { more } else { cursor.is_some() };
        let next = if has_next { edge(rows.last(), false) } else { None };
        let previous = if has_previous { edge(rows.first(), true) } else { None };
        Ok(Self { items: rows, next, previous, count })
    }
}

impl Count {
    /// From a count that stopped one above [`COUNT_LIMIT`].
    pub(crate) fn of_limited(rows: i64) -> Self {
        if rows > COUNT_LIMIT { Self::AtLeast(COUNT_LIMIT) } else { Self::Exact(rows) }
    }
}
