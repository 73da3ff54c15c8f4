//! "Did you mean": the known word closest to one that is not known.

/// The word of `known` that `word` is most likely a slip of: at most one edit per three letters
/// away, upper and lower case being equal. The first of several equally close.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .iter()
        .map(|candidate| (edits(&word, &candidate.to_lowercase()), *candidate))
        .filter(|(edits, candidate)| *edits <= (candidate.len() / 3).max(1))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Edit distance: insertions, deletions and replacements of one character, and swaps of two neighbours.
pub(crate) fn edits(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut above: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (done, letter) in from.iter().enumerate() {
        let mut next = vec![done + 1];
        for (at, other) in to.iter().enumerate() {
            let replaced = row[at] + usize::from(letter != other);
            let mut least = replaced.min(row[at + 1] + 1).min(next[at] + 1);
            if done > 0 && at > 0 && from[done - 1] == *other && to[at - 1] == *letter {
                least = least.min(above[at - 1] + 1);
            }
            next.push(least);
        }
        above = std::mem::replace(&mut row, next);
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_its_word_and_a_stranger_finds_none() {
        let known = ["database_url", "database_name", "organization", "dir"];
        let cases = [
            ("databse_url", Some("database_url")),
            ("DATABASE-NAME", Some("database_name")),
            ("organisation", Some("organization")),
            ("dri", Some("dir")),
            ("rdi", None),
            ("dirs", Some("dir")),
            ("colour", None),
            ("", None),
        ];
        for (word, expect) in cases {
            assert_eq!(nearest(word, &known), expect, "{word}");
        }
    }
}
