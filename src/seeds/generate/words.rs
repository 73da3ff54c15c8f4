//! The lists that generated values are made of. What version 1 made must never change, so no list ever does: a later
//! version brings lists of its own.

use std::sync::LazyLock;

/// A list, read when it is first used.
pub(super) type List = LazyLock<Vec<&'static str>>;

/// In a file, commas stand between them, and lines end anywhere.
fn listed(text: &'static str) -> Vec<&'static str> {
    text.split(',').map(str::trim).collect()
}

pub(super) static FIRST_NAMES: List = LazyLock::new(|| listed(include_str!("first_names.txt")));
pub(super) static LAST_NAMES: List = LazyLock::new(|| listed(include_str!("last_names.txt")));
pub(super) static WORDS: List = LazyLock::new(|| listed(include_str!("words.txt")));
pub(super) static CITIES: List = LazyLock::new(|| listed(include_str!("cities.txt")));

/// ISO 3166-1, two letters: the members of the United Nations and Taiwan.
pub(super) static COUNTRIES: List = LazyLock::new(|| listed(include_str!("countries.txt")));

/// Of the United States.
pub(super) static AREA_CODES: List = LazyLock::new(|| listed(include_str!("area_codes.txt")));

pub(super) const STREETS: [&str; 8] = [
    "Street", "Road", "Avenue", "Lane", "Way", "Court", "Square", "Close",
];

pub(super) const COMPANIES: [&str; 12] = [
    "Ltd", "Inc", "GmbH", "SA", "AB", "BV", "Oy", "Labs", "Group", "Partners", "Studio", "Works",
];

/// What country and area a number begins with, and how many digits follow, all of them kept for fiction:
/// - France, 10,000 each: decision 2018-0881 of <https://www.arcep.fr>;
/// - Australia, 10,000 each: <https://www.acma.gov.au/phone-numbers-use-tv-shows-films-and-creative-works>;
/// - United Kingdom, 1,000 each: <https://www.ofcom.org.uk/phones-and-broadband/phone-numbers/numbers-for-drama>.
pub(super) const FICTION: [(&str, u32); 28] = [
    ("+3319900", 4),
    ("+3326191", 4),
    ("+3335301", 4),
    ("+3346571", 4),
    ("+3353649", 4),
    ("+3363998", 4),
    ("+6125550", 4),
    ("+6127010", 4),
    ("+6135550", 4),
    ("+6137010", 4),
    ("+6175550", 4),
    ("+6177010", 4),
    ("+6185550", 4),
    ("+6187010", 4),
    ("+441134960", 3),
    ("+441144960", 3),
    ("+441154960", 3),
    ("+441164960", 3),
    ("+441174960", 3),
    ("+441214960", 3),
    ("+441314960", 3),
    ("+441414960", 3),
    ("+441514960", 3),
    ("+441614960", 3),
    ("+441632960", 3),
    ("+441914980", 3),
    ("+442079460", 3),
    ("+447700900", 3),
];
