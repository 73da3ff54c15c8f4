//! Arithmetic on the number of a row: `${i * 100 + 1}`. Whole numbers, `+ - * / %` and parentheses, and nothing else. Pure.

/// How deep parentheses may be nested.
const MAX_DEPTH: usize = 32;

/// Why there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is no expression.
    Syntax,
    /// A number is larger than 64 bits.
    Overflow,
    /// It divides by zero.
    Division,
}

/// Whether the text in `${…}` is meant as arithmetic: it has an operator, and names `i`.
pub(super) fn is_arithmetic(text: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.contains(|c| "+-*/%()".contains(c)) && text.split(|c| !is_word(c)).any(|word| word == "i")
}

/// The value of an expression in which `i` is `number`. Division drops the fraction, and a remainder has the sign of the
/// dividend, as in SQLite.
pub(super) fn evaluate(text: &str, number: u64) -> Result<i64, Fault> {
    let mut reader = Reader {
        rest: text,
        number: i128::from(number),
        depth: 0,
    };
    let value = reader.sum()?;
    match reader.peek() {
        None => i64::try_from(value).map_err(|_| Fault::Overflow),
        Some(_) => Err(Fault::Syntax),
    }
}

struct Reader<'t> {
    rest: &'t str,
    number: i128,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    /// The next character, where it is one of these.
    fn operator(&mut self, known: &str) -> Option<char> {
        let found = self.peek().filter(|c| known.contains(*c))?;
        self.rest = &self.rest[found.len_utf8()..];
        Some(found)
    }

    fn sum(&mut self) -> Result<i128, Fault> {
        let mut value = self.product()?;
        while let Some(operator) = self.operator("+-") {
            let other = self.product()?;
            let sum = match operator {
                '+' => value.checked_add(other),
                _ => value.checked_sub(other),
            };
            value = sum.ok_or(Fault::Overflow)?;
        }
        Ok(value)
    }

    fn product(&mut self) -> Result<i128, Fault> {
        let mut value = self.factor()?;
        while let Some(operator) = self.operator("*/%") {
            let other = self.factor()?;
            let product = match (operator, other) {
                ('*', _) => value.checked_mul(other),
                (_, 0) => return Err(Fault::Division),
                ('/', _) => value.checked_div(other),
                _ => value.checked_rem(other),
            };
            value = product.ok_or(Fault::Overflow)?;
        }
        Ok(value)
    }

    fn factor(&mut self) -> Result<i128, Fault> {
        self.depth += 1;
        let value = self.atom();
        self.depth -= 1;
        value
    }

    fn atom(&mut self) -> Result<i128, Fault> {
        if self.depth > MAX_DEPTH {
            return Err(Fault::Syntax);
        }
        if self.operator("-").is_some() {
            return self.factor()?.checked_neg().ok_or(Fault::Overflow);
        }
        if self.operator("(").is_some() {
            let value = self.sum()?;
            return self.operator(")").map(|_| value).ok_or(Fault::Syntax);
        }
        self.peek();
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let end = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match word {
            "i" => Ok(self.number),
            word if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()) => {
                let number: i64 = word.parse().map_err(|_| Fault::Overflow)?;
                Ok(number.into())
            }
            _ => Err(Fault::Syntax),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, evaluate, is_arithmetic};

    #[test]
    fn it_is_counted_as_everywhere() {
        let cases = [
            ("i + 1", Ok(8)),
            ("i*100+1", Ok(701)),
            ("1 + i * 2", Ok(15)),
            ("(1 + i) * 2", Ok(16)),
            ("i % 3", Ok(1)),
            ("i / 2", Ok(3)),
            ("-i / 2", Ok(-3)),
            ("3 - i % 4", Ok(0)),
            ("-(i - 10)", Ok(3)),
            ("i / 0", Err(Fault::Division)),
            ("i % (7 - i)", Err(Fault::Division)),
            ("i * 9223372036854775807", Err(Fault::Overflow)),
            ("i + 99999999999999999999", Err(Fault::Overflow)),
            ("i +", Err(Fault::Syntax)),
            ("i i", Err(Fault::Syntax)),
            ("(i", Err(Fault::Syntax)),
            ("i)", Err(Fault::Syntax)),
            ("i + x", Err(Fault::Syntax)),
            ("i ** 2", Err(Fault::Syntax)),
            ("i + 1.5", Err(Fault::Syntax)),
        ];
        for (text, expect) in cases {
            assert_eq!(evaluate(text, 7), expect, "{text}");
        }
        assert_eq!(evaluate(&"(".repeat(10_000), 7), Err(Fault::Syntax));
        assert_eq!(evaluate(&"-".repeat(10_000), 7), Err(Fault::Syntax));
        assert_eq!(evaluate("i - 1", u64::MAX), Err(Fault::Overflow));
        // The least number of 128 bits has no negative.
        let least = "-(-4611686018427387904 * 4611686018427387904 * 8)";
        assert_eq!(evaluate(least, 7), Err(Fault::Overflow));
    }

    #[test]
    fn a_name_with_a_hyphen_is_no_arithmetic() {
        for (text, expect) in [
            ("i+1", true),
            ("(i)", true),
            ("i", false),
            ("my-name", false),
            ("a-i-b", true),
            ("idx + 1", false),
        ] {
            assert_eq!(is_arithmetic(text), expect, "{text}");
        }
    }
}
