//! Many values in one piece of memory. One for itself takes 32 bytes beside its text, and a statement may bind thousands.

use super::value::ValueRef;

/// Values one behind the other. Each begins with a byte for its class; a text or a blob has its length before it.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Packed {
    bytes: Vec<u8>,
    count: usize,
}

const NULL: u8 = 0;
const INTEGER: u8 = 1;
const REAL: u8 = 2;
const TEXT: u8 = 3;
const BLOB: u8 = 4;

impl Packed {
    /// Adds a value at the end.
    pub(crate) fn push(&mut self, value: ValueRef<'_>) {
        self.count += 1;
        let mut add = |class: u8, number: [u8; 8], rest: &[u8]| {
            self.bytes.push(class);
            self.bytes.extend(number);
            self.bytes.extend(rest);
        };
        match value {
            ValueRef::Null => self.bytes.push(NULL),
            ValueRef::Integer(number) => add(INTEGER, number.to_le_bytes(), &[]),
            ValueRef::Real(number) => add(REAL, number.to_le_bytes(), &[]),
            ValueRef::Text(text) => add(TEXT, (text.len() as u64).to_le_bytes(), text),
            ValueRef::Blob(bytes) => add(BLOB, (bytes.len() as u64).to_le_bytes(), bytes),
        }
    }

    /// Gives back the memory that is not needed.
    pub(crate) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
    }

    /// The values, in order.
    pub(crate) fn values(&self) -> Values<'_> {
        Values {
            bytes: &self.bytes,
            left: self.count,
        }
    }
}

/// Values that are read one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Values<'a> {
    bytes: &'a [u8],
    left: usize,
}

impl<'a> Iterator for Values<'a> {
    type Item = ValueRef<'a>;

    fn next(&mut self) -> Option<ValueRef<'a>> {
        let (class, rest) = self.bytes.split_first()?;
        self.left -= 1;
        if *class == NULL {
            self.bytes = rest;
            return Some(ValueRef::Null);
        }
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let mut long = || {
            let length = usize::try_from(u64::from_le_bytes(*number)).ok()?;
            let (value, behind) = rest.split_at_checked(length)?;
            self.bytes = behind;
            Some(value)
        };
        match *class {
            TEXT => Some(ValueRef::Text(long()?)),
            BLOB => Some(ValueRef::Blob(long()?)),
            class => {
                self.bytes = rest;
                Some(match class {
                    REAL => ValueRef::Real(f64::from_le_bytes(*number)),
                    _ => ValueRef::Integer(i64::from_le_bytes(*number)),
                })
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Values<'_> {}

#[cfg(test)]
mod tests {
    use super::Packed;
    use crate::sql::ValueRef;

    #[test]
    fn values_come_out_as_they_went_in() {
        let values = [
            ValueRef::Null,
            ValueRef::Integer(i64::MIN),
            ValueRef::Text(b""),
            ValueRef::Text("a\0é".as_bytes()),
            ValueRef::Real(-0.0),
            ValueRef::Blob(&[0, 255]),
            ValueRef::Null,
        ];
        let mut packed = Packed::default();
        assert_eq!(packed.values().len(), 0);
        for value in values {
            packed.push(value);
        }
        assert_eq!(packed.values().len(), values.len());
        assert!(packed.values().eq(values));
    }
}
