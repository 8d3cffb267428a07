//! A record's chart, shared by all copies of the record and by records of the same chart.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::packed::Piece;

/// What is kept of a chart, with what packing it has come to, once it was packed.
#[derive(Debug)]
pub struct Shared<C>(Arc<Kept<C>>);

#[derive(Debug)]
struct Kept<C> {
    chart: C,
    packed: OnceLock<Piece>,
}

impl<C> Shared<C> {
    /// It, not packed yet.
    pub fn new(chart: C) -> Self {
        Self(Arc::new(Kept { chart, packed: OnceLock::new() }))
    }

    /// It packed: now, or when this was asked first.
    pub(super) fn packed(&self, pack: impl FnOnce(&C) -> Piece) -> &Piece {
        self.0.packed.get_or_init(|| pack(&self.0.chart))
    }
}

impl<C: Clone> Shared<C> {
    /// For changing it, apart from all others.
    pub fn make_mut(&mut self) -> &mut C {
        let kept = Arc::make_mut(&mut self.0);
        // What it was packed to is no longer it.
        kept.packed = OnceLock::new();
        &mut kept.chart
    }

    /// It alone, copied where others have it too.
    pub fn into_inner(self) -> C {
        Arc::unwrap_or_clone(self.0).chart
    }
}

impl<C: Clone> Clone for Kept<C> {
    fn clone(&self) -> Self {
        Self { chart: self.chart.clone(), packed: OnceLock::new() }
    }
}

impl<C> Clone for Shared<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> Deref for Shared<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.0.chart
    }
}

impl<C: PartialEq> PartialEq for Shared<C> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.chart == other.0.chart
    }
}

impl<C: Serialize> Serialize for Shared<C> {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        self.0.chart.serialize(output)
    }
}

impl<'de, C: Deserialize<'de>> Deserialize<'de> for Shared<C> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        C::deserialize(input).map(Self::new)
    }
}
