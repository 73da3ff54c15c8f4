//! A text as a part of an address: `Crème brûlée, twice` is `creme-brulee-twice`. Pure.

/// The slug of a text: letters and digits in lower case, joined by one `-` where anything else stands between. Letters of
/// the Latin alphabet lose their accents; those of other scripts stay, since an empty slug would name nothing. Apostrophes
/// go without a trace: `don't` is `dont`.
pub(super) fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    let mut gap = false;
    for char in text.chars().flat_map(char::to_lowercase) {
        // A combining accent belongs to the letter before it.
        if matches!(char, '\'' | '’' | '\u{300}'..='\u{36f}') {
            continue;
        }
        if !char.is_alphanumeric() {
            gap = true;
            continue;
        }
        if std::mem::take(&mut gap) && !slug.is_empty() {
            slug.push('-');
        }
        match plain(char) {
            Some(plain) => slug.push_str(plain),
            None => slug.push(char),
        }
    }
    slug
}

/// A Latin letter without its accent.
fn plain(char: char) -> Option<&'static str> {
    Some(match char {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì' | 'í' | 'î' | 'ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'þ' => "th",
        'ù' | 'ú' | 'û' | 'ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn a_slug_has_letters_digits_and_single_hyphens() {
        for (text, expect) in [
            ("Crème brûlée, twice!", "creme-brulee-twice"),
            ("  --Hello__World--  ", "hello-world"),
            ("Don't panic (2nd ed.)", "dont-panic-2nd-ed"),
            ("Straße in Łódź", "strasse-in-lodz"),
            ("e\u{301}te\u{301}", "ete"),
            ("Привет, мир", "привет-мир"),
            ("東京 2026", "東京-2026"),
            ("İstanbul", "istanbul"),
            ("!!!", ""),
        ] {
            assert_eq!(slug(text), expect, "{text}");
        }
    }
}
