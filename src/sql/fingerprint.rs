//! Texts of SQL brought to one form, so that equal means: an engine reads the same. Two strengths:
//! [`fingerprint`] forgives what an editor or formatter changes, [`normal_form`] also what SQLite itself
//! changes when it stores a schema. Neither is meant to be run or shown.

use super::cursor::Cursor;
use super::quote::identifier;
use super::quote::unquote;
use super::token::{Token, TokenKind, significant, tokens};

/// `sql` with one blank between its tokens, without comments, and with bare words in ASCII lower case.
/// Strings, quoted names, numbers and blobs stay as they are, so two texts have the same fingerprint only
/// if they differ in nothing but comments, white space and the letter case of bare words.
///
/// What is no token is taken over as it is.
pub fn fingerprint(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    for_each_part(sql, |part| out.push_str(part));
    out
}

/// The parts of [`fingerprint`], for a text that may be large.
pub(crate) fn for_each_part(sql: &str, mut part: impl FnMut(&str)) {
    let mut is_first = true;
    let mut lower = String::new();
    for item in tokens(sql) {
        let (kind, span) = match item {
            Ok(token) => (Some(token.kind), token.span),
            Err(error) => (None, error.span),
        };
        if matches!(kind, Some(TokenKind::Space | TokenKind::Comment)) {
            continue;
        }
        if !std::mem::take(&mut is_first) {
            part(" ");
        }
        match kind {
            Some(TokenKind::Word) => {
                lower.clear();
                lower.push_str(&sql[span]);
                lower.make_ascii_lowercase();
                part(&lower);
            }
            _ => part(&sql[span]),
        }
    }
}

/// The statement that created an object, in a form in which two statements for the same object are equal:
/// on top of what [`fingerprint`] does,
/// - quoted and bare names are one: `"users"`, `[Users]`, `` `users` `` and `users`. A quoted name stays
///   quoted where bare it would be another thing, such as `"order"`, `"null"` or `"a b"`. Note that SQLite
///   may take a quoted name for a string: then letter case in it is lost;
/// - `IF NOT EXISTS`, the `main.` of the created name, and semicolons at the end are dropped;
/// - the parentheses of a `DEFAULT (…)` around one literal are dropped.
///
/// Strings stay exact, except that the created name may be one.
pub fn normal_form(sql: &str) -> String {
    let mut end = 0;
    for item in tokens(sql) {
        match item {
            Ok(Token {
                kind: TokenKind::Space | TokenKind::Comment | TokenKind::Semicolon,
                ..
            }) => {}
            Ok(token) => end = token.span.end,
            // No engine stored this; losing nothing matters more than forgiving something.
            Err(_) => return fingerprint(sql),
        }
    }
    let sql = &sql[..end];
    let mut form = Form(String::with_capacity(sql.len()));
    let mut cursor = Cursor::new(sql);
    if cursor.word("CREATE") {
        form.push("create");
        created(&mut cursor, &mut form);
    }
    while let Some(token) = cursor.next() {
        match token.kind {
            TokenKind::Word => form.word(token.text(sql)),
            TokenKind::QuotedName => form.name(&unquote(token.text(sql))),
            _ => form.push(token.text(sql)),
        }
        if token.is_word(sql, "DEFAULT")
            && let Some((sign, literal)) = parenthesized_literal(&mut cursor)
        {
            sign.into_iter().for_each(|sign| form.push(sign));
            let text = literal.text(sql);
            match literal.kind {
                TokenKind::Word => form.word(text),
                _ => form.push(text),
            }
        }
    }
    form.0
}

/// Everything from behind `CREATE` to the created name.
fn created(cursor: &mut Cursor<'_>, form: &mut Form) {
    for word in ["TEMP", "TEMPORARY", "UNIQUE", "VIRTUAL"] {
        if cursor.word(word) {
            // One word for one thing.
            form.word(if word == "TEMPORARY" { "TEMP" } else { word });
        }
    }
    let Some(what) = ["TABLE", "INDEX", "VIEW", "TRIGGER"]
        .into_iter()
        .find(|what| cursor.word(what))
    else {
        return;
    };
    form.word(what);
    cursor.words(&["IF", "NOT", "EXISTS"]);
    let Some((schema, name)) = cursor.qualified_name() else {
        return;
    };
    if let Some(schema) = schema.filter(|schema| !schema.eq_ignore_ascii_case("main")) {
        form.name(&schema);
        form.push(".");
    }
    form.name(&name);
}

/// The literal in `(…)`, perhaps with a sign, if there is one literal in there and nothing else.
fn parenthesized_literal(cursor: &mut Cursor<'_>) -> Option<(Option<&'static str>, Token)> {
    let mut ahead = cursor.clone();
    let mut depth = 0;
    while ahead.symbol("(") {
        depth += 1;
    }
    let sign = ["-", "+"].into_iter().find(|sign| ahead.symbol(sign));
    let literal = ahead.next()?;
    let is_literal = match literal.kind {
        TokenKind::Number => true,
        TokenKind::String | TokenKind::Blob => sign.is_none(),
        TokenKind::Word => {
            sign.is_none() && LITERALS.iter().any(|word| literal.is_word(ahead.sql, word))
        }
        _ => false,
    };
    if depth == 0 || !is_literal || !(0..depth).all(|_| ahead.symbol(")")) {
        return None;
    }
    *cursor = ahead;
    Some((sign, literal))
}

/// Words that are values. Quoted, they are names.
const LITERALS: [&str; 6] = [
    "null",
    "true",
    "false",
    "current_date",
    "current_time",
    "current_timestamp",
];

/// Words that SQLite never takes for a name while they are bare: its
/// [keywords](https://www.sqlite.org/lang_keywords.html) less those that fall back to names.
const RESERVED: [&str; 57] = [
    "add",
    "all",
    "alter",
    "and",
    "as",
    "autoincrement",
    "between",
    "case",
    "check",
    "collate",
    "commit",
    "constraint",
    "create",
    "default",
    "deferrable",
    "delete",
    "distinct",
    "drop",
    "else",
    "escape",
    "except",
    "exists",
    "foreign",
    "from",
    "group",
    "having",
    "in",
    "index",
    "insert",
    "intersect",
    "into",
    "is",
    "isnull",
    "join",
    "limit",
    "not",
    "nothing",
    "notnull",
    "on",
    "or",
    "order",
    "primary",
    "references",
    "returning",
    "select",
    "set",
    "table",
    "then",
    "to",
    "transaction",
    "union",
    "unique",
    "update",
    "using",
    "values",
    "when",
    "where",
];

/// Tokens joined by one blank.
struct Form(String);

impl Form {
    fn push(&mut self, text: &str) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(text);
    }

    /// A bare word.
    fn word(&mut self, word: &str) {
        self.push(word);
        let start = self.0.len() - word.len();
        self.0[start..].make_ascii_lowercase();
    }

    /// A name: bare if it can be, in ASCII lower case as SQLite compares names.
    fn name(&mut self, name: &str) {
        let name = name.to_ascii_lowercase();
        let mut alone = significant(&name);
        let word = alone
            .next()
            .is_some_and(|token| token.kind == TokenKind::Word && token.span == (0..name.len()));
        if word && !RESERVED.contains(&name.as_str()) && !LITERALS.contains(&name.as_str()) {
            self.push(&name);
        } else {
            self.push(&identifier(&name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(sql: &str, print: &str, form: &str) {
        assert_eq!(fingerprint(sql), print, "fingerprint of {sql:?}");
        assert_eq!(normal_form(sql), form, "normal form of {sql:?}");
    }

    #[track_caller]
    fn differ(one: &str, other: &str) {
        assert_ne!(fingerprint(one), fingerprint(other), "fingerprints");
        assert_ne!(normal_form(one), normal_form(other), "normal forms");
    }

    /// Different as texts, the same as schema.
    #[track_caller]
    fn same_schema(one: &str, other: &str) {
        assert_ne!(fingerprint(one), fingerprint(other), "fingerprints");
        assert_eq!(normal_form(one), normal_form(other), "normal forms");
    }

    #[test]
    fn comments_white_space_and_the_case_of_bare_words_count_for_nothing() {
        check(
            "SELECT a\n  FROM T -- x",
            "select a from t",
            "select a from t",
        );
        check(
            "select/**/A from\r\nt",
            "select a from t",
            "select a from t",
        );
        check("a.b>=1", "a . b >= 1", "a . b >= 1");
        check("", "", "");
    }

    #[test]
    fn strings_numbers_and_blobs_count_as_they_are_written() {
        differ("SELECT 'a'", "SELECT 'A'");
        differ("SELECT 'a b'", "SELECT 'a  b'");
        differ("SELECT 'a' 'b'", "SELECT 'a''b'");
        differ("SELECT 1.0", "SELECT 1");
        differ("SELECT 1 .5", "SELECT 1.5");
        differ("SELECT '--'", "SELECT ''");
        differ("SELECT - - 1", "SELECT");
    }

    #[test]
    fn what_is_no_token_is_kept() {
        check("a 'b", "a 'b", "a 'b");
        check("a # B", "a # b", "a # b");
    }

    #[test]
    fn a_name_is_the_same_however_it_is_quoted() {
        for name in [
            "users",
            "\"users\"",
            "\"Users\"",
            "[USERS]",
            "`users`",
            "'users'",
        ] {
            assert_eq!(
                normal_form(&format!("create table {name} (id)")),
                "create table users ( id )"
            );
        }
        same_schema("CREATE TABLE t (\"key\" TEXT)", "CREATE TABLE t (key TEXT)");
        same_schema("CREATE TABLE t (\"a\"\"b\")", "CREATE TABLE t ([a\"b])");
        same_schema("CREATE TABLE t (\"order\")", "CREATE TABLE t ([ORDER])");
    }

    #[test]
    fn a_quoted_name_is_not_the_keyword_or_value_that_it_spells() {
        differ(
            "CREATE TABLE t (a DEFAULT \"null\")",
            "CREATE TABLE t (a DEFAULT null)",
        );
        differ(
            "CREATE TABLE t (a DEFAULT \"true\")",
            "CREATE TABLE t (a DEFAULT true)",
        );
        differ(
            "CREATE VIEW v AS SELECT \"not\" -1",
            "CREATE VIEW v AS SELECT not -1",
        );
        differ("CREATE TABLE t (\"a b\")", "CREATE TABLE t (a b)");
        differ("CREATE TABLE t (\"1\")", "CREATE TABLE t (1)");
    }

    #[test]
    fn what_sqlite_drops_when_it_stores_a_schema_counts_for_nothing() {
        same_schema(
            "CREATE TABLE IF NOT EXISTS main.t (a);;",
            "CREATE TABLE t (a)",
        );
        same_schema(
            "CREATE UNIQUE INDEX IF NOT EXISTS \"main\".i ON t (a)",
            "CREATE UNIQUE INDEX i ON t (a)",
        );
        same_schema(
            "CREATE TEMPORARY VIEW IF NOT EXISTS v AS SELECT 1",
            "CREATE TEMP VIEW v AS SELECT 1",
        );
        same_schema(
            "CREATE TRIGGER IF NOT EXISTS main.r DELETE ON t BEGIN SELECT 1; END;",
            "CREATE TRIGGER r DELETE ON t BEGIN SELECT 1; END",
        );
        same_schema(
            "CREATE VIRTUAL TABLE IF NOT EXISTS f USING fts5(a)",
            "CREATE VIRTUAL TABLE f USING fts5(a)",
        );
        differ("CREATE TABLE aux.t (a)", "CREATE TABLE t (a)");
        differ(
            "CREATE VIEW v AS SELECT * FROM main.t",
            "CREATE VIEW v AS SELECT * FROM t",
        );
    }

    #[test]
    fn parentheses_around_one_literal_default_count_for_nothing() {
        same_schema(
            "CREATE TABLE t (a DEFAULT ('x'))",
            "CREATE TABLE t (a DEFAULT 'x')",
        );
        same_schema(
            "CREATE TABLE t (a DEFAULT ((-1)), b)",
            "CREATE TABLE t (a DEFAULT -1, b)",
        );
        same_schema(
            "CREATE TABLE t (a DEFAULT (NULL))",
            "CREATE TABLE t (a DEFAULT NULL)",
        );
        same_schema(
            "CREATE TABLE t (a DEFAULT (Current_Timestamp))",
            "CREATE TABLE t (a DEFAULT CURRENT_TIMESTAMP)",
        );
        differ(
            "CREATE TABLE t (a DEFAULT (1 + 1))",
            "CREATE TABLE t (a DEFAULT 1 + 1)",
        );
        differ(
            "CREATE TABLE t (a CHECK ('x'))",
            "CREATE TABLE t (a CHECK 'x')",
        );
    }

    proptest! {
        #[test]
        fn a_fingerprint_is_its_own_fingerprint(sql in "[a-cA-C0-9 \n'\"()=;.-]{0,40}") {
            if tokens(&sql).all(|item| item.is_ok()) {
                let print = fingerprint(&sql);
                prop_assert_eq!(fingerprint(&print), print);
                let form = normal_form(&sql);
                prop_assert_eq!(normal_form(&form), form);
            }
        }
    }
}
