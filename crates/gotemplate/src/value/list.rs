//! Go slices. Templates cannot change an element in place, so contents never change.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use super::Value;
use super::frozen::FrozenList;
use super::release;
use crate::types::ListType;

/// A Go slice with the type of its elements. Cloning gives another reference.
///
/// Two lists may hold the same maps, which are references themselves.
#[derive(Clone)]
pub struct List {
    ty: &'static ListType,
    cell: Rc<ListCell>,
}

pub(super) enum ListCell {
    Nil,
    Values(Vec<Value>),
    /// A `[]uint8` without a [`Value`] per byte; the values exist once asked for.
    Bytes(Arc<[u8]>, OnceCell<Vec<Value>>),
    /// Not touched so far.
    Frozen(Arc<FrozenList>, OnceCell<Vec<Value>>),
}

impl List {
    /// A list with the given elements, which must be of the type's element type.
    pub fn new(ty: &'static ListType, items: Vec<Value>) -> Self {
        Self { ty, cell: Rc::new(ListCell::Values(items)) }
    }

    /// Go's nil slice: empty, and told apart from an empty list only by JSON, YAML and
    /// [`Value::deep_equal`].
    pub fn nil(ty: &'static ListType) -> Self {
        Self { ty, cell: Rc::new(ListCell::Nil) }
    }

    /// A `[]uint8`. Shared bytes are not copied.
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        let cell = Rc::new(ListCell::Bytes(bytes.into(), OnceCell::new()));
        Self { ty: ListType::BYTES, cell }
    }

    /// A list that reads from a frozen tree.
    pub fn from_frozen(source: Arc<FrozenList>) -> Self {
        Self { ty: source.ty(), cell: Rc::new(ListCell::Frozen(source, OnceCell::new())) }
    }

    /// The Go type.
    pub fn ty(&self) -> &'static ListType {
        self.ty
    }

    /// The same list under another type, as a Go conversion gives it.
    #[must_use]
    pub fn retyped(&self, ty: &'static ListType) -> Self {
        Self { ty, cell: Rc::clone(&self.cell) }
    }

    /// Whether both are the same list in memory, not only equal.
    pub fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.cell, &other.cell)
    }

    /// An address that tells lists apart as long as they live; what `%p` prints.
    pub(crate) fn address(&self) -> usize {
        if self.is_nil() { 0 } else { Rc::as_ptr(&self.cell).cast::<()>() as usize }
    }

    /// Whether this is Go's nil slice.
    pub fn is_nil(&self) -> bool {
        matches!(*self.cell, ListCell::Nil)
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        match &*self.cell {
            ListCell::Nil => 0,
            ListCell::Values(items) => items.len(),
            ListCell::Bytes(bytes, _) => bytes.len(),
            ListCell::Frozen(source, _) => source.len(),
        }
    }

    /// About how many bytes only this reference holds on to, without what is in the elements.
    pub(super) fn sole_size(&self) -> usize {
        match &*self.cell {
            _ if Rc::strong_count(&self.cell) > 1 => 0,
            ListCell::Bytes(bytes, _) => bytes.len(),
            _ => self.len().saturating_mul(size_of::<Value>()),
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element at `index`.
    pub fn get(&self, index: usize) -> Option<Value> {
        if let ListCell::Bytes(bytes, _) = &*self.cell {
            return bytes.get(index).copied().map(Value::Uint8);
        }
        self.items().get(index).cloned()
    }

    /// The elements.
    pub fn items(&self) -> &[Value] {
        match &*self.cell {
            ListCell::Nil => &[],
            ListCell::Values(items) => items,
            ListCell::Bytes(bytes, items) => {
                items.get_or_init(|| bytes.iter().copied().map(Value::Uint8).collect())
            }
            ListCell::Frozen(source, items) => items.get_or_init(|| source.to_values()),
        }
    }

    /// The bytes, if this is a list of `uint8` made from bytes.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        if let ListCell::Bytes(bytes, _) = &*self.cell { Some(bytes) } else { None }
    }

    /// Takes the cell apart if this is the only reference to it.
    pub(super) fn into_sole_contents(self) -> Option<ListCell> {
        Rc::into_inner(self.cell)
    }
}

impl ListCell {
    pub(super) fn take_values(&mut self) -> Vec<Value> {
        match self {
            Self::Nil | Self::Bytes(..) => Vec::new(),
            Self::Values(items) => std::mem::take(items),
            Self::Frozen(_, items) => items.take().unwrap_or_default(),
        }
    }

    fn holds_containers(&self) -> bool {
        match self {
            Self::Nil | Self::Bytes(..) => false,
            Self::Values(items) => items.iter().any(release::is_container),
            Self::Frozen(_, items) => {
                items.get().is_some_and(|items| items.iter().any(release::is_container))
            }
        }
    }
}

impl Drop for ListCell {
    fn drop(&mut self) {
        if self.holds_containers() {
            release::release(self.take_values());
        }
    }
}
