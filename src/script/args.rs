//! The bound values of a statement: one by one, or packed where there are many.

use std::fmt;
use std::sync::Arc;

use crate::sql::{Packed, Value, ValueRef, Values};

/// Bound values, shared: a script may be sent twice.
#[derive(Clone)]
pub(crate) enum Args {
    Each(Arc<[Value]>),
    Packed(Arc<Packed>),
}

/// Bound values, one after the other.
#[derive(Debug, Clone)]
pub(crate) enum Bound<'a> {
    Each(std::slice::Iter<'a, Value>),
    Packed(Values<'a>),
}

impl Args {
    pub(crate) fn iter(&self) -> Bound<'_> {
        match self {
            Args::Each(values) => Bound::Each(values.iter()),
            Args::Packed(values) => Bound::Packed(values.values()),
        }
    }
}

impl Bound<'_> {
    pub(super) fn none() -> Bound<'static> {
        Bound::Each([].iter())
    }
}

impl<'a> Iterator for Bound<'a> {
    type Item = ValueRef<'a>;

    fn next(&mut self) -> Option<ValueRef<'a>> {
        match self {
            Bound::Each(values) => values.next().map(ValueRef::from),
            Bound::Packed(values) => values.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Bound::Each(values) => values.size_hint(),
            Bound::Packed(values) => values.size_hint(),
        }
    }
}

impl ExactSizeIterator for Bound<'_> {}

impl PartialEq for Args {
    fn eq(&self, other: &Args) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Args {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.iter().map(ValueRef::to_value))
            .finish()
    }
}
