use std::collections::HashSet;

use expect_test::{Expect, expect};

use super::*;

fn dice(label: &str) -> Dice {
    Dice::new(1, "42", "users", label, "name", 0)
}

const LISTS: [(&str, &words::List); 6] = [
    ("first names", &FIRST_NAMES),
    ("last names", &LAST_NAMES),
    ("words", &WORDS),
    ("cities", &CITIES),
    ("countries", &COUNTRIES),
    ("area codes", &AREA_CODES),
];

/// The sha256 of each list, three values of each kind, and the sha256 of a thousand: any change of a list or of a throw
/// shows.
fn check(expect: Expect) {
    let mut text = String::new();
    for (name, list) in LISTS {
        let hash = crate::migrations::checksum(&list.join(","));
        text += &format!("{} {name} {}\n", list.len(), &hash[..16]);
    }
    for (name, kind) in Fake::ALL {
        let values: Vec<String> = (0..1000)
            .map(|n| fake(kind, &mut dice(&format!("row_{n}"))))
            .collect();
        let hash = crate::migrations::checksum(&values.join("\n"));
        text += &format!("{name} {}\n  {}\n", &hash[..16], values[..3].join("\n  "));
    }
    expect.assert_eq(&text);
}

/// This is a promise to every repository that has seeds: it fails, and the change is wrong, not the snapshot.
#[test]
fn version_1_never_changes() {
    check(expect![[r#"
        318 first names 5e7096739e55b4c6
        313 last names a097a8a4c1e62fd6
        403 words 9d3cc3be0b4dcdde
        233 cities 466475f4e5cb6223
        194 countries 3f0e759cc3d4e340
        271 area codes 6b196e82257c3060
        name 583797540f635e52
          Emilia Lehtonen
          Patricia Arnold
          Jamal Maas
        first_name 2e4bfb942ed5bc1e
          Emilia
          Patricia
          Jamal
        last_name 5eefb64accef1b87
          Girard
          Ramos
          Keita
        email d3962e1f150fc1e4
          emilia.lehtonen.q9fyp2@example.test
          patricia.arnold.m7h5q6@example.test
          jamal.maas.bhvhtd@example.test
        username 49cdc0ba35c85aae
          emilia_iq9fyp2
          patricia_1m7h5q6
          jamal_jbhvhtd
        phone.e164 fe1934ba8f75115b
          +33639983071
          +61870108836
          +61270109784
        city c63a4f473d2d85b4
          Florence
          Salzburg
          Kingston
        country a85a9f17461980f2
          FJ
          RW
          JP
        street d811fbe8b874d42a
          59 Mango Court
          153 Bamboo Way
          88 Mirror Avenue
        company 0d895718783c63f4
          Lehtonen Group
          Bamboo Labs
          Maas SA
        word f49e7de6d1b7e478
          flute
          saffron
          kitten
        sentence b585c529eeb061a5
          Mango quilt fabric ladder wheat.
          Bamboo orchid delta library cliff record cotton pepper.
          Mirror frost lunar sugar lodge south.
        paragraph 3cf71f08f53c5203
          Quilt fabric ladder wheat poppy blossom horizon. Courage hazel chart echo ink ivory cradle dragon kernel. Forest shore figure tundra thicket atlas raven light plum. Domain mountain library pond oasis jigsaw glass.
          Orchid delta library cliff. Cotton pepper gravel dragon summer berry smooth panel. Ferry umbrella silent fence moon ladder robin zebra. Brass bamboo sunny trail pond gallery. Cedar quarry margin jasmine indigo. Gravel oasis market drift chapter amber circle lucky museum.
          Frost lunar sugar lodge south horizon castle. Fountain breeze baker logic. Autumn clover lodge spark wicker. Jigsaw domain cherry cliff garlic modern honey metal library.
        boolean 0f09d5c44928f7d2
          false
          true
          false
        uuid 9882294b279fde40
          4b053602-59a4-492b-821a-6bca4b3c6908
          c441e481-c333-4c28-89f2-2c8196535ed7
          70c85247-9207-4c26-8b1e-e4af4a043243
        url 604a2d4b3c12a291
          https://flute.example.test/mango/q9fyp2
          https://saffron.example.test/bamboo/m7h5q6
          https://kitten.example.test/mirror/bhvhtd
        ipv4 b77e5465f5358106
          192.0.2.130
          203.0.113.10
          198.51.100.139
    "#]]);
}

#[test]
fn a_value_follows_from_every_part_of_its_place_and_from_nothing_else() {
    let number = |mut dice: Dice| dice.next();
    let numbers = [
        number(Dice::new(1, "42", "users", "a", "b", 0)),
        number(Dice::new(2, "42", "users", "a", "b", 0)),
        number(Dice::new(1, "43", "users", "a", "b", 0)),
        number(Dice::new(1, "42", "user", "sa", "b", 0)),
        number(Dice::new(1, "42", "users", "ab", "", 0)),
        number(Dice::new(1, "42", "users", "a", "c", 0)),
        number(Dice::new(1, "42", "users", "a", "b", 1)),
    ];
    assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), numbers.len());
    assert_eq!(numbers[0], number(Dice::new(1, "42", "users", "a", "b", 0)));
}

/// The first numbers of the reference implementation from the state 1, 2, 3, 4.
#[test]
fn the_stream_is_that_of_its_inventors() {
    let mut dice = Dice {
        state: [1, 2, 3, 4],
    };
    let numbers = [(); 5].map(|()| dice.next());
    assert_eq!(
        numbers,
        [
            11520,
            0,
            1509978240,
            1215971899390074240,
            1216172134540287360
        ]
    );
}

#[test]
fn all_numbers_are_as_likely() {
    let mut dice = dice("a");
    let mut counts = [0u32; 7];
    for _ in 0..70_000 {
        counts[dice.below(7) as usize] += 1;
    }
    assert!(
        counts.iter().all(|count| (9_600..10_400).contains(count)),
        "{counts:?}"
    );
    assert_eq!([0, 1].map(|n| dice.below(n)), [0, 0]);
    let large = (1 << 63) + 1;
    assert!((0..1000).all(|_| dice.below(large) < large));
}

#[test]
fn both_ends_are_within() {
    let mut dice = dice("a");
    let seen: HashSet<i64> = (0..200).map(|_| dice.within(-1, 2)).collect();
    assert_eq!(seen, HashSet::from([-1, 0, 1, 2]));
    assert_eq!(dice.within(5, 5), 5);
    assert!((1..=3).contains(&dice.within(3, 1)));
    let signs: HashSet<bool> = (0..64)
        .map(|_| dice.within(i64::MIN, i64::MAX).is_negative())
        .collect();
    assert_eq!(signs.len(), 2);
}

#[test]
fn what_weighs_more_comes_more_often() {
    let mut dice = dice("a");
    let items = [("free", 70), ("never", 0), ("pro", 25), ("enterprise", 5)];
    let mut counts = [0u32; 4];
    for _ in 0..20_000 {
        let found = dice.pick_weighted(&items).unwrap();
        let place = items.iter().position(|(name, _)| name == found).unwrap();
        counts[place] += 1;
    }
    for (count, (name, weight)) in counts.iter().zip(items) {
        assert!(count.abs_diff(weight as u32 * 200) < 400, "{name}: {count}");
    }
    assert_eq!(dice.pick_weighted(&[("a", 0)]), None);
    assert_eq!(dice.pick_weighted::<u8>(&[]), None);
}

#[test]
fn every_letter_of_a_name_has_one_of_ascii() {
    for name in FIRST_NAMES.iter().chain(LAST_NAMES.iter()) {
        let letters = name.chars().filter(|char| char.is_alphabetic()).count();
        assert_eq!(ascii(name).len(), letters, "{name}");
    }
}

#[test]
fn no_list_has_a_gap_or_says_anything_twice() {
    for (_, list) in LISTS {
        assert!(
            list.iter()
                .all(|word| !word.is_empty() && !word.contains('\n'))
        );
        assert_eq!(list.iter().collect::<HashSet<_>>().len(), list.len());
    }
}

#[test]
fn values_are_of_the_form_and_of_the_range_that_they_promise() {
    for n in 0..5000 {
        let of = |kind| fake(kind, &mut dice(&format!("row_{n}")));
        let email = of(Fake::Email);
        assert!(email.ends_with("@example.test"), "{email}");
        let is_plain = |char: char| matches!(char, 'a'..='z' | '0'..='9' | '.' | '@' | '_');
        assert!(
            email
                .chars()
                .chain(of(Fake::Username).chars())
                .all(is_plain),
            "{email}"
        );
        let phone = of(Fake::Phone);
        assert!(
            phone.starts_with('+') && phone[1..].bytes().all(|byte| byte.is_ascii_digit()),
            "{phone}"
        );
        let length = match &phone[..2] {
            "+1" | "+3" | "+6" => 12,
            _ => 13,
        };
        assert_eq!(phone.len(), length, "{phone}");
        let uuid = uuid::Uuid::parse_str(&of(Fake::Uuid)).unwrap();
        assert_eq!(uuid.get_version_num(), 4);
        assert!(
            of(Fake::Ipv4)
                .parse::<std::net::Ipv4Addr>()
                .unwrap()
                .is_documentation()
        );
    }
}

#[test]
fn addresses_and_user_names_are_all_but_unique() {
    for kind in [Fake::Email, Fake::Username, Fake::Uuid] {
        let values: HashSet<String> = (0..50_000)
            .map(|n| fake(kind, &mut dice(&format!("row_{n}"))))
            .collect();
        assert_eq!(values.len(), 50_000, "{kind:?}");
    }
}
