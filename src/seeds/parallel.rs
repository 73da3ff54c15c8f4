//! Work on many rows, divided among the processors. What comes of it is the same as one after the other would give.

use std::num::NonZero;
use std::thread::{Builder, available_parallelism, scope};

/// Fewer items than this are not worth a thread of their own.
const LEAST: usize = 4096;

/// More threads than this only take memory.
const MOST: usize = 8;

/// Works on parts of a list at the same time. `work` gets a part and the place of its first item; what it returns comes
/// in the order of the list.
pub(super) fn in_parts<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&[T], usize) -> R + Sync,
) -> Vec<R> {
    let parts = match items.len() / LEAST {
        0 | 1 => return vec![work(items, 0)],
        parts => parts.min(available_parallelism().map_or(1, NonZero::get).min(MOST)),
    };
    let size = items.len().div_ceil(parts);
    let work = &work;
    let mut parts = items
        .chunks(size)
        .enumerate()
        .map(|(number, part)| move || work(part, number * size));
    scope(|scope| {
        let first = parts.next();
        let others: Vec<_> = parts
            .map(|part| (Builder::new().spawn_scoped(scope, part), part))
            .collect();
        let mut done: Vec<R> = first.into_iter().map(|part| part()).collect();
        for (thread, part) in others {
            done.push(match thread.map(|thread| thread.join()) {
                Ok(Ok(part)) => part,
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                // There is no thread to be had, and it has to be done all the same.
                Err(_) => part(),
            });
        }
        done
    })
}

#[cfg(test)]
mod tests {
    use super::{LEAST, in_parts};

    #[test]
    fn parts_come_in_the_order_of_the_list_and_each_knows_its_place() {
        for count in [0, 1, LEAST, 2 * LEAST, 3 * LEAST + 1, 100 * LEAST + 7] {
            let items: Vec<usize> = (0..count).collect();
            let parts = in_parts(&items, |part, first| {
                assert_eq!(part.first().copied().unwrap_or(0), first);
                part.to_vec()
            });
            assert_eq!(parts.concat(), items, "{count}");
        }
    }
}
