//! A sorted map whose copies share what is equal in them. A long history has a copy for the state behind each file, and
//! each differs from the one before it in a few entries. Pure.

use std::borrow::Borrow;
use std::sync::Arc;

/// How many entries a part has at the most. A copy costs by the number of parts, a change by the size of one.
const FULL: usize = 64;

/// A sorted map.
#[derive(Debug, Clone)]
pub(super) struct SharedMap<K, V> {
    /// In order; none of them is empty.
    parts: Arc<Vec<Part<K, V>>>,
}

/// Entries that stand side by side, in order.
type Part<K, V> = Arc<Vec<(K, V)>>;

impl<K, V> Default for SharedMap<K, V> {
    fn default() -> SharedMap<K, V> {
        SharedMap {
            parts: Arc::default(),
        }
    }
}

impl<K: Ord + Clone, V: Clone> SharedMap<K, V> {
    /// The value of a key.
    pub(super) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let part = self.parts.get(self.part_of(key)?)?;
        let at = part.binary_search_by(|(it, _)| it.borrow().cmp(key)).ok()?;
        part.get(at).map(|(_, value)| value)
    }

    /// Sets the value of a key.
    pub(super) fn insert(&mut self, key: K, value: V) {
        let number = self.part_of(&key);
        let parts = Arc::make_mut(&mut self.parts);
        let Some(number) = number else {
            parts.push(Arc::new(vec![(key, value)]));
            return;
        };
        let part = Arc::make_mut(&mut parts[number]);
        match part.binary_search_by(|(it, _)| it.cmp(&key)) {
            Ok(at) => part[at].1 = value,
            Err(at) => part.insert(at, (key, value)),
        }
        if part.len() > FULL {
            let upper = part.split_off(FULL / 2);
            parts.insert(number + 1, Arc::new(upper));
        }
    }

    /// Removes a key.
    pub(super) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        let Some(number) = self.part_of(key) else {
            return;
        };
        let at = self.parts[number].binary_search_by(|(it, _)| it.borrow().cmp(key));
        let Ok(at) = at else {
            return;
        };
        let parts = Arc::make_mut(&mut self.parts);
        let part = Arc::make_mut(&mut parts[number]);
        part.remove(at);
        if part.is_empty() {
            parts.remove(number);
        }
    }

    /// All entries in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let all = self.parts.iter().flat_map(|part| part.iter());
        all.map(|(key, value)| (key, value))
    }

    /// The entries from a key on, in order.
    pub(super) fn iter_from<'m, Q: Ord + ?Sized>(
        &'m self,
        key: &Q,
    ) -> impl Iterator<Item = (&'m K, &'m V)> + use<'m, K, V, Q>
    where
        K: Borrow<Q>,
    {
        let number = self.part_of(key).unwrap_or_default();
        let within = self
            .parts
            .get(number)
            .map_or(0, |part| part.partition_point(|(it, _)| it.borrow() < key));
        let all = self.parts.iter().skip(number).flat_map(|part| part.iter());
        all.skip(within).map(|(key, value)| (key, value))
    }

    /// The part that has a key, or would have it; none where the map is empty.
    fn part_of<Q: Ord + ?Sized>(&self, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
    {
        let begins_behind = |part: &Arc<Vec<(K, V)>>| {
            let first = part.first();
            first.is_none_or(|(first, _)| first.borrow() > key)
        };
        let behind = self.parts.partition_point(|part| !begins_behind(part));
        (!self.parts.is_empty()).then(|| behind.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn it_holds_what_an_ordinary_map_holds_and_copies_stay_as_they_were() {
        let (mut shared, mut plain) = (SharedMap::default(), BTreeMap::new());
        let mut copies = Vec::new();
        let mut number: u32 = 7;
        for step in 0..2000_u32 {
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let key = (number >> 16) % 400;
            // It grows, and then shrinks to nothing.
            if number % 3 == u32::from(step > 1200) || step > 1600 {
                shared.remove(&key);
                plain.remove(&key);
            } else {
                shared.insert(key, step);
                plain.insert(key, step);
            }
            assert_eq!(shared.get(&key), plain.get(&key));
            if step % 100 == 0 {
                copies.push((shared.clone(), plain.clone()));
            }
        }
        copies.push((shared, plain));
        for (shared, plain) in copies {
            assert!(shared.iter().eq(plain.iter()));
            for from in [0, 1, 77, 200, 399, 400] {
                assert!(shared.iter_from(&from).eq(plain.range(from..)));
            }
            for key in 0..400 {
                assert_eq!(shared.get(&key), plain.get(&key));
            }
        }
    }

    #[test]
    fn a_copy_shares_all_but_the_part_that_changed() {
        let mut one = SharedMap::default();
        for key in 0..1000 {
            one.insert(key, key);
        }
        let mut other = one.clone();
        other.insert(500, 0);
        let mut pairs = one.parts.iter().zip(other.parts.iter());
        let changed = pairs.by_ref().filter(|(a, b)| !Arc::ptr_eq(a, b));
        assert_eq!(changed.count(), 1);
    }
}
