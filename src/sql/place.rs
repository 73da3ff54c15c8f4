//! From a byte offset to the line and column that an editor shows. It only counts; it reads no SQL.

/// A place in a text, as editors count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line, from 1. Lines end with `\n`; the `\r` of a CRLF is the line's last character.
    pub line: u32,
    /// The column, from 1, in characters (Unicode scalar values).
    pub column: u32,
}

impl std::fmt::Display for Place {
    /// `line:column`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// The place of the byte `offset` of `text`. An offset inside a character is that character's; one behind
/// the end is the end's. For many look-ups in one text, build [`Lines`] once.
pub fn place(text: &str, offset: usize) -> Place {
    let before = &text.as_bytes()[..text.floor_char_boundary(offset)];
    let line_start = before
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |newline| newline + 1);
    let lines = before.iter().filter(|&&byte| byte == b'\n').count();
    Place {
        line: one_based(lines),
        column: one_based(characters(&before[line_start..])),
    }
}

/// How far apart the character counts of [`Lines`] stand: a look-up counts at most this many bytes twice.
const STRIDE: usize = 1024;

/// The lines of one text, for many look-ups: built in one pass, then each look-up takes the logarithm of
/// the number of lines, however long a line is.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    text: &'a str,
    /// Where each line starts.
    starts: Vec<usize>,
    /// How many characters start before each multiple of [`STRIDE`].
    counts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// The index of `text`.
    pub fn new(text: &'a str) -> Self {
        let newlines = text.match_indices('\n').map(|(newline, _)| newline + 1);
        let starts = std::iter::once(0).chain(newlines).collect();
        let mut counts = vec![0];
        let mut sum = 0;
        for chunk in text.as_bytes().chunks(STRIDE) {
            sum += characters(chunk);
            counts.push(sum);
        }
        Lines {
            text,
            starts,
            counts,
        }
    }

    /// The same as [`place`] of the text and `offset`.
    pub fn place(&self, offset: usize) -> Place {
        let offset = self.text.floor_char_boundary(offset);
        // The first line starts at 0, so at least one start is not behind the offset.
        let line = self
            .starts
            .partition_point(|&start| start <= offset)
            .saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or(0);
        let column = self.characters_before(offset) - self.characters_before(start);
        Place {
            line: one_based(line),
            column: one_based(column),
        }
    }

    /// The text of the 1-based `line`, without its line end; empty where there is no such line.
    pub fn line(&self, line: u32) -> &'a str {
        let index = line as usize;
        let Some(&start) = index
            .checked_sub(1)
            .and_then(|index| self.starts.get(index))
        else {
            return "";
        };
        let end = self
            .starts
            .get(index)
            .map_or(self.text.len(), |next| next - 1);
        let line = &self.text[start..end];
        line.strip_suffix('\r').unwrap_or(line)
    }

    fn characters_before(&self, offset: usize) -> usize {
        let stride = offset / STRIDE;
        let counted = self.counts.get(stride).copied().unwrap_or(0);
        counted + characters(&self.text.as_bytes()[stride * STRIDE..offset])
    }
}

/// How many characters start in these bytes of UTF-8.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte & 0xc0 != 0x80).count()
}

fn one_based(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, offset: usize, line: u32, column: u32) {
        let expect = Place { line, column };
        assert_eq!(place(text, offset), expect, "place of {offset} in {text:?}");
        assert_eq!(
            Lines::new(text).place(offset),
            expect,
            "Lines: {offset} in {text:?}"
        );
    }

    #[test]
    fn lines_and_columns_start_at_one_and_columns_are_characters() {
        check("", 0, 1, 1);
        check("ab", 1, 1, 2);
        check("ab\ncd", 2, 1, 3);
        check("ab\ncd", 3, 2, 1);
        check("ab\r\ncd", 5, 2, 2);
        check("é日x", 5, 1, 3);
        check("a\né日x", 7, 2, 3);
    }

    #[test]
    fn an_offset_inside_a_character_is_that_character_and_one_behind_the_end_the_end() {
        check("é日x", 3, 1, 2);
        check("ab\n", 3, 2, 1);
        check("ab", 99, 1, 3);
    }

    #[test]
    fn a_line_is_given_without_its_end() {
        let lines = Lines::new("a\r\nb\n\nc");
        assert_eq!(
            [0, 1, 2, 3, 4, 5].map(|line| lines.line(line)),
            ["", "a", "b", "", "c", ""]
        );
    }

    #[test]
    fn a_hundred_thousand_places_in_one_long_line_take_no_time() {
        let text = "é;".repeat(100_000);
        let lines = Lines::new(&text);
        for n in 0..100_000_usize {
            assert_eq!(
                lines.place(n * 3),
                Place {
                    line: 1,
                    column: u32::try_from(2 * n + 1).unwrap()
                }
            );
        }
    }

    proptest! {
        #[test]
        fn the_index_and_the_single_look_up_agree(text in "([a-zé日\n\r]{0,9}){0,400}", offset in 0_usize..4000) {
            prop_assert_eq!(Lines::new(&text).place(offset), place(&text, offset));
        }
    }
}
