//! Generated values. Each cell throws its own dice, and what they show follows from where the cell stands and from
//! nothing else: not from the order of rows, from other cells, from the machine or from the time.
//!
//! **What version 1 makes is frozen**: the dice, the lists, and the order of the throws for each kind of value. A seed
//! gives the same rows in every version of the program. A better generator is version 2, beside this one.

mod words;

use sha2::{Digest, Sha256};

use super::Fake;
use words::{
    AREA_CODES, CITIES, COMPANIES, COUNTRIES, FICTION, FIRST_NAMES, LAST_NAMES, STREETS, WORDS,
};

/// The chances of one cell: an endless stream of numbers by xoshiro256\*\* (<https://prng.di.unimi.it>), which begins
/// with the sha256 of where the cell stands.
pub(super) struct Dice {
    state: [u64; 4],
}

impl Dice {
    /// The dice of a cell. `salt` is the file's `random`, `attempt` counts up where a value must be unique and was
    /// not. All texts count as they are: two ways to write a name are two cells.
    pub(super) fn new(
        faker_version: u32,
        salt: &str,
        table: &str,
        label: &str,
        column: &str,
        attempt: u32,
    ) -> Dice {
        // In one piece, which is hashed faster than many.
        let mut place = Vec::with_capacity(128);
        place.extend(faker_version.to_le_bytes());
        for part in [salt, table, label, column] {
            place.extend((part.len() as u64).to_le_bytes());
            place.extend(part.as_bytes());
        }
        place.extend(attempt.to_le_bytes());
        let hash: [u8; 32] = Sha256::digest(place).into();
        let mut state = [0; 4];
        for (word, bytes) in state.iter_mut().zip(hash.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        Dice { state }
    }

    fn next(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// A number from 0 to `n` - 1, each as likely as the others; 0 where `n` is 0. By Lemire's method:
    /// <https://arxiv.org/abs/1805.10941>.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        // 2^64 modulo n: so many of the lowest would come once too often.
        let surplus = match n {
            0 => return 0,
            n => n.wrapping_neg() % n,
        };
        loop {
            let wide = u128::from(self.next()) * u128::from(n);
            if wide as u64 >= surplus {
                return (wide >> 64) as u64;
            }
        }
    }

    /// A number from the lesser of the two to the greater, both included.
    pub(super) fn within(&mut self, a: i64, b: i64) -> i64 {
        let (least, most) = (a.min(b), a.max(b));
        let offset = match most.abs_diff(least) {
            u64::MAX => self.next(),
            span => self.below(span + 1),
        };
        least.wrapping_add_unsigned(offset)
    }

    /// One of these, as often as it weighs; none where nothing weighs anything. Weights that are more than 2^64
    /// together are cut off there.
    pub(super) fn pick_weighted<'a, T>(&mut self, items: &'a [(T, u64)]) -> Option<&'a T> {
        let total = items
            .iter()
            .fold(0u64, |sum, (_, weight)| sum.saturating_add(*weight));
        let mut rest = self.below(total);
        items.iter().find_map(|(item, weight)| {
            let found = rest < *weight;
            rest = rest.saturating_sub(*weight);
            found.then_some(item)
        })
    }

    fn pick(&mut self, list: &[&'static str]) -> &'static str {
        let place = self.below(list.len() as u64);
        list.get(place as usize).copied().unwrap_or_default()
    }

    pub(super) fn base36(&mut self, digits: u32) -> String {
        (0..digits)
            .filter_map(|_| char::from_digit(self.below(36) as u32, 36))
            .collect()
    }
}

/// A value of this kind. None of them can reach anybody: names of hosts end in `example.test` (RFC 6761), addresses are
/// of the networks for documentation (RFC 5737), and telephone numbers are some of 174,100 that France, Australia, the
/// United Kingdom and the United States (555-0100 to 555-0199 of 271 areas) keep for fiction. E-mail addresses and user
/// names are all but unique; telephone numbers are not, and where they must be, some rows take another attempt.
pub(super) fn fake(kind: Fake, dice: &mut Dice) -> String {
    match kind {
        Fake::Name => {
            let first = dice.pick(&FIRST_NAMES);
            format!("{first} {}", dice.pick(&LAST_NAMES))
        }
        Fake::FirstName => dice.pick(&FIRST_NAMES).to_owned(),
        Fake::LastName => dice.pick(&LAST_NAMES).to_owned(),
        Fake::Email => {
            let first = ascii(dice.pick(&FIRST_NAMES));
            let last = ascii(dice.pick(&LAST_NAMES));
            format!("{first}.{last}.{}@example.test", dice.base36(6))
        }
        Fake::Username => {
            let first = ascii(dice.pick(&FIRST_NAMES));
            format!("{first}_{}", dice.base36(7))
        }
        Fake::Phone => phone(dice),
        Fake::City => dice.pick(&CITIES).to_owned(),
        Fake::Country => dice.pick(&COUNTRIES).to_owned(),
        Fake::Street => {
            let number = dice.within(1, 199);
            let name = capitalised(dice.pick(&WORDS));
            format!("{number} {name} {}", dice.pick(&STREETS))
        }
        Fake::Company => {
            let name = match dice.below(2) {
                0 => dice.pick(&LAST_NAMES).to_owned(),
                _ => capitalised(dice.pick(&WORDS)),
            };
            format!("{name} {}", dice.pick(&COMPANIES))
        }
        Fake::Word => dice.pick(&WORDS).to_owned(),
        Fake::Sentence => sentence(dice),
        Fake::Paragraph => {
            let count = dice.within(3, 6);
            let sentences: Vec<String> = (0..count).map(|_| sentence(dice)).collect();
            sentences.join(" ")
        }
        Fake::Boolean => (dice.below(2) == 1).to_string(),
        Fake::Uuid => {
            let high = u128::from(dice.next()) << 64;
            let bytes = (high | u128::from(dice.next())).to_be_bytes();
            let uuid = uuid::Builder::from_random_bytes(bytes).into_uuid();
            uuid.hyphenated().to_string()
        }
        Fake::Url => {
            let host = dice.pick(&WORDS);
            format!(
                "https://{host}.example.test/{}/{}",
                dice.pick(&WORDS),
                dice.base36(6)
            )
        }
        Fake::Ipv4 => {
            let network = dice.pick(&["192.0.2", "198.51.100", "203.0.113"]);
            format!("{network}.{}", dice.within(1, 254))
        }
    }
}

fn sentence(dice: &mut Dice) -> String {
    let count = dice.within(4, 9);
    let words: Vec<&str> = (0..count).map(|_| dice.pick(&WORDS)).collect();
    format!("{}.", capitalised(&words.join(" ")))
}

/// Each number that is kept for fiction is as likely as the others.
fn phone(dice: &mut Dice) -> String {
    let abroad: u64 = FICTION.iter().map(|(_, digits)| 10u64.pow(*digits)).sum();
    let mut rest = dice.below(abroad + AREA_CODES.len() as u64 * 100);
    for (prefix, digits) in FICTION {
        let count = 10u64.pow(digits);
        if rest < count {
            return format!("{prefix}{rest:0width$}", width = digits as usize);
        }
        rest -= count;
    }
    let area = AREA_CODES.get((rest / 100) as usize).copied();
    format!("+1{}55501{:02}", area.unwrap_or_default(), rest % 100)
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

/// A name in lower-case letters of ASCII: accents go, and so does what is no letter.
fn ascii(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for char in name.chars().flat_map(char::to_lowercase) {
        let plain = match char {
            'a'..='z' => char,
            'á' | 'ã' | 'ä' => 'a',
            'č' | 'ç' | 'ć' => 'c',
            'é' | 'è' | 'ë' | 'ě' => 'e',
            'í' | 'ı' => 'i',
            'ń' | 'ñ' => 'n',
            'ó' | 'ö' | 'ø' => 'o',
            'ř' => 'r',
            'š' | 'ş' => 's',
            'ú' | 'ü' => 'u',
            'ý' => 'y',
            'ž' => 'z',
            _ => continue,
        };
        text.push(plain);
    }
    text
}

#[cfg(test)]
mod tests;
