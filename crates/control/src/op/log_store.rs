//! SQL of Op logs: segments of lines, appended as they happen, later moved to the object store.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{LogLevel, LogLine, LogSource};
use crate::error::Error;
use crate::objects::{Address, ObjectKind, Objects};
use crate::store::Db;
use crate::store::Executor;
use crate::store::ids::OpId;
use crate::store::sql::{StoreError, sql};

/// Segments read at once.
const SEGMENTS: i64 = 64;

/// A log of so few segments and bytes stays in the database: it takes less room there than as an object of its own.
const FEW_SEGMENTS: i64 = 8;
const FEW_BYTES: i64 = 16 * 1024;

/// Lines of a segment in the object store.
const PER_OBJECT: usize = 5_000;

/// A line that has no number yet.
#[derive(Clone, Debug)]
pub(crate) struct NewLine {
    pub(crate) at: Timestamp,
    pub(crate) level: LogLevel,
    pub(crate) source: LogSource,
    pub(crate) text: String,
}

/// A line as segments hold it: its number follows from its place.
#[derive(Serialize, Deserialize)]
struct StoredLine {
    t: i64,
    l: LogLevel,
    s: LogSource,
    x: String,
}

struct Segment {
    first: i64,
    last: i64,
    sealed: Option<Vec<u8>>,
    object: Option<Address>,
}

fn identity(op: OpId, last: i64) -> String {
    format!("op_log/{op}/{last}")
}

fn encode(lines: &[NewLine]) -> Vec<u8> {
    let stored: Vec<StoredLine> = lines
        .iter()
        .map(|line| StoredLine {
            t: line.at.as_microsecond(),
            l: line.level,
            s: line.source.clone(),
            x: line.text.clone(),
        })
        .collect();
    serde_json::to_vec(&stored).expect("log lines are always JSON")
}

/// Appends lines that end at number `last`.
pub(super) async fn append(
    c: &impl Executor,
    objects: &Objects,
    op: OpId,
    last: i64,
    lines: &[NewLine],
) -> Result<(), Error> {
    let sealed = objects
        .sealer()
        .seal(&identity(op, last), &encode(lines))
        .map_err(|e| Error::internal("encrypt log lines", e))?;
    let first = last - i64::try_from(lines.len()).unwrap_or(i64::MAX) + 1;
    sql("INSERT INTO op_log (op_id, last_sequence, first_sequence, lines_sealed) \
         VALUES ($1, $2, $3, $4)")
    .bind(op)
    .bind(last)
    .bind(first)
    .bind(sealed)
    .run(c, "store log lines")
    .await?;
    Ok(())
}

async fn segments(c: &impl Executor, op: OpId, after: i64) -> Result<Vec<Segment>, StoreError> {
    sql("SELECT * FROM op_log WHERE op_id = $1 AND last_sequence > $2 ORDER BY last_sequence LIMIT $3")
        .bind(op)
        .bind(after)
        .bind(SEGMENTS)
        .all(c, "read log lines", |row| {
            Ok(Segment {
                first: row.get("first_sequence")?,
                last: row.get("last_sequence")?,
                sealed: row.opt("lines_sealed")?,
                object: row.opt("lines_object")?,
            })
        })
        .await
}

async fn lines_of(objects: &Objects, op: OpId, segment: &Segment) -> Result<Vec<LogLine>, Error> {
    let json = match (&segment.sealed, &segment.object) {
        (Some(sealed), _) => objects
            .sealer()
            .open(&identity(op, segment.last), sealed)
            .map_err(|e| Error::internal("decrypt log lines", e))?,
        (None, Some(address)) => objects.get(address).await?,
        (None, None) => Vec::from("[]"),
    };
    let stored: Vec<StoredLine> =
        serde_json::from_slice(&json).map_err(|e| Error::internal("read log lines", e))?;
    let number = |(sequence, line): (i64, StoredLine)| {
        Ok(LogLine {
            sequence,
            at: Timestamp::from_microsecond(line.t)
                .map_err(|e| Error::internal("read log lines", e))?,
            level: line.l,
            source: line.s,
            text: line.x,
        })
    };
    (segment.first..).zip(stored).map(number).collect()
}

/// Lines after number `after`: at least one if there is one, about `wanted` at most.
pub(super) async fn read(
    db: &Db,
    objects: &Objects,
    op: OpId,
    after: i64,
    wanted: usize,
) -> Result<Vec<LogLine>, Error> {
    let mut lines: Vec<LogLine> = Vec::new();
    let mut after = after;
    while lines.len() < wanted {
        let found = segments(db.read(), op, after).await?;
        let Some(last) = found.last().map(|segment| segment.last) else { break };
        for segment in &found {
            let fresh = lines_of(objects, op, segment).await?;
            lines.extend(fresh.into_iter().filter(|line| line.sequence > after));
            after = segment.last;
            if lines.len() >= wanted {
                break;
            }
        }
        if after >= last && i64::try_from(found.len()).unwrap_or(0) < SEGMENTS {
            break;
        }
    }
    Ok(lines)
}

/// Whether an Op has ended, and its log is better moved.
async fn is_to_be_moved(c: &impl Executor, op: OpId) -> Result<bool, StoreError> {
    let found =
        sql("SELECT COUNT(*) AS segments, COALESCE(SUM(LENGTH(l.lines_sealed)), 0) AS bytes \
         FROM ops o JOIN op_log l ON l.op_id = o.id \
         WHERE o.id = $1 AND o.state NOT IN ('queued', 'running') AND l.lines_sealed IS NOT NULL")
        .bind(op)
        .one(c, "look at a log", |row| Ok((row.get::<i64>("segments")?, row.get::<i64>("bytes")?)));
    Ok(found.await?.is_some_and(|(segments, bytes)| segments > FEW_SEGMENTS || bytes > FEW_BYTES))
}

/// Moves the log of an Op into few objects, if it has ended and the log is large. Can be repeated.
pub(crate) async fn compact(db: &Db, objects: &Objects, op: OpId) -> Result<(), Error> {
    if !is_to_be_moved(db.read(), op).await? {
        return Ok(());
    }
    let lines = read(db, objects, op, 0, usize::MAX).await?;
    let mut moved = Vec::new();
    for chunk in lines.chunks(PER_OBJECT) {
        let stored: Vec<NewLine> = chunk
            .iter()
            .map(|line| NewLine {
                at: line.at,
                level: line.level,
                source: line.source.clone(),
                text: line.text.clone(),
            })
            .collect();
        let address = objects.put(ObjectKind::Log, &encode(&stored)).await?;
        if let (Some(first), Some(last)) = (chunk.first(), chunk.last()) {
            moved.push((first.sequence, last.sequence, address));
        }
    }
    let tx = db.begin().await?;
    sql("DELETE FROM op_log WHERE op_id = $1").bind(op).heavy().run(&tx, "move log lines").await?;
    for (first, last, address) in moved {
        sql("INSERT INTO op_log (op_id, last_sequence, first_sequence, lines_object) \
             VALUES ($1, $2, $3, $4)")
        .bind(op)
        .bind(last)
        .bind(first)
        .bind(address)
        .run(&tx, "move log lines")
        .await?;
    }
    crate::store::commit(tx).await?;
    Ok(())
}
