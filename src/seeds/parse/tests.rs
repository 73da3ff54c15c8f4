//! Each file beside what it says, or what is wrong with it.

use std::fmt::Write;

use super::*;
use crate::seeds::model::{Part, Style, Template};
use crate::seeds::yaml::tests::told;
use expect_test::{Expect, expect};

/// What was understood, then the problems.
fn check(text: &str, expected: Expect) {
    expected.assert_eq(&said(text));
}

/// The same of several files.
fn check_each(texts: &[&str], expected: Expect) {
    let said: Vec<String> = texts
        .iter()
        .map(|text| format!("{text:?}\n{}", said(text)))
        .collect();
    expected.assert_eq(&said.join("\n"));
}

fn said(text: &str) -> String {
    let source = Arc::new(Source {
        name: "seeds/x.yaml".to_owned(),
        text: text.into(),
    });
    let (file, problems) = parse("x", source);
    let mut shown = show(&file);
    for problem in &problems {
        shown.push_str(&told(problem));
    }
    shown
}

/// Cells of one row, each in a file of its own: what it holds, then its problems.
fn check_cells(cells: &[&str], expected: Expect) {
    let mut shown = String::new();
    for cell in cells {
        let source = Arc::new(Source {
            name: "seeds/x.yaml".to_owned(),
            text: format!("t:\n  a:\n    c: {cell}\n").into(),
        });
        let (file, problems) = parse("x", source);
        let fields = file.tables.iter().flat_map(|table| &table.rows);
        let fields = fields.flat_map(|row| &row.fields);
        let fields: Vec<String> = fields.map(|field| expr(&field.value.value)).collect();
        writeln!(shown, "{cell} → {}", fields.join(", ")).unwrap();
        for problem in &problems {
            shown.push_str(&told(problem));
        }
    }
    expected.assert_eq(&shown);
}

fn show(file: &SeedFile) -> String {
    let mut shown = String::new();
    let Settings {
        envs,
        tags,
        requires,
        depends_on,
        mode,
        random,
        faker,
        vars,
        time,
        defaults,
        was,
    } = &file.settings;
    if file.settings != Settings::default() {
        writeln!(
            shown,
            "envs {:?} tags {:?} requires {:?} depends_on {:?} {mode:?} random {random:?} faker {faker} vars {vars:?} time {:?}",
            envs.as_deref().map(texts),
            texts(tags),
            requires.as_ref().map(|it| (it.value.from, it.value.to)),
            texts(depends_on),
            time.as_ref().map(|it| &it.value)
        )
        .unwrap();
    }
    if !defaults.is_empty() {
        writeln!(shown, "defaults {}", fields(defaults)).unwrap();
    }
    if !was.is_empty() {
        writeln!(shown, "was {:?}", texts(was)).unwrap();
    }
    for table in &file.tables {
        write!(shown, "{}:", table.name.value).unwrap();
        if let Some(key) = &table.key {
            write!(shown, " key {:?}", texts(&key.value)).unwrap();
        }
        if let Some(id) = &table.id {
            write!(shown, " id {}", expr(&id.value)).unwrap();
        }
        if let Some(was) = &table.was {
            write!(shown, " was {}", was.value).unwrap();
        }
        if !table.keep.is_empty() {
            write!(shown, " keep {:?}", texts(&table.keep)).unwrap();
        }
        shown.push('\n');
        if !table.defaults.is_empty() {
            writeln!(shown, "  defaults: {}", fields(&table.defaults)).unwrap();
        }
        for row in &table.rows {
            let place = file.origin(&row.span).place();
            let label = match row.label.as_ref().map(|label| &label.value) {
                None => "-".to_owned(),
                Some(Label::One(name)) => name.to_string(),
                Some(other) => format!("{other:?}"),
            };
            let line = format!("  {place} {label}: {}", fields(&row.fields));
            writeln!(shown, "{}", line.trim_end()).unwrap();
        }
    }
    shown
}

fn texts(names: &[Spanned<String>]) -> Vec<&str> {
    names.iter().map(|name| name.value.as_str()).collect()
}

fn fields(fields: &[Field]) -> String {
    let fields = fields.iter();
    let fields: Vec<String> = fields
        .map(|field| format!("{}={}", field.name.value, expr(&field.value.value)))
        .collect();
    fields.join(" ")
}

/// Plain texts as they are, others in quotes, names in angles.
fn template(text: &Template) -> String {
    if let Some(text) = text.as_text() {
        return text.to_owned();
    }
    let parts = text.parts().iter().map(|part| match part {
        Part::Text(text) => text.clone(),
        Part::Name(name) => format!("<{name}>"),
    });
    parts.collect()
}

fn expr(expr: &Expr) -> String {
    match expr {
        Expr::Null => "NULL".to_owned(),
        Expr::Scalar {
            text,
            style: Style::Plain,
        } => template(text),
        Expr::Scalar { text, .. } => format!("{:?}", template(text)),
        Expr::Json(value) => format!("json {value}"),
        Expr::Ref(it) => {
            format!("ref {} {} {:?}", it.table, template(&it.label), it.column)
        }
        Expr::Pick(values) => {
            let values = values.iter();
            let values: Vec<String> = values
                .map(|(value, weight)| format!("{weight}×{}", self::expr(&value.value)))
                .collect();
            format!("pick {}", values.join(" "))
        }
        Expr::Auto => "auto".to_owned(),
        Expr::Uuid => "uuid".to_owned(),
        Expr::Hash(secret) => format!("hash {}", self::expr(&secret.value)),
        other => format!("{other:?}"),
    }
}

#[test]
fn the_shared_rows_of_the_worked_example() {
    check(
        r#"# yaml-language-server: $schema=../.seeds.schema.json
_seed:
  format: 1
  envs: [dev, test]             # never prod unless "prod" is written here
  requires: 3                   # oldest migration whose schema this file fits
  mode: upsert                  # insert | upsert (default) | sync
  random: 42                    # salt for generated values
  vars:
    domain: example.test

users:
  _key: email                   # row identity for upsert (default: primary key)
  _id: user_${label}            # id template (default: UUIDv5 / 53-bit hash of table+label)
  _keep: [created_at]           # written on insert, never overwritten afterwards
  _defaults:
    email: ${label}@${domain}
    xswarm_email: ${label}@xswarm.${domain}
    created_at: !now [-90 days]
    updated_at: !now

  admin:
    phone: +15555550100         # stays text: users.phone is TEXT
    subscription_tier: admin
    stripe_customer_id: !env {name: SEED_ADMIN_STRIPE_ID, default: cus_test_admin}

  free_user: {}                 # columns left out use the table's DEFAULT ('free', 'hal-9000', 'hey hal')

  pro_user:
    subscription_tier: pro
    wake_word: ok hal
    stripe_customer_id: cus_test_pro
    stripe_subscription_id: sub_test_pro

subscription_items:
  _id: si_${label}
  pro:
    user: pro_user              # short for  user_id: !ref users.pro_user.id
    subscription_id: !ref users.pro_user.stripe_subscription_id
    voice_item_id: si_test_voice
    sms_item_id: si_test_sms

usage:
  _id: usage_${label}
  pro_this_month:
    user: pro_user
    period_start: !now [start of month]
    period_end: !now [start of month, +1 month]
    voice_minutes: 42
    sms_messages: 120
    phone_numbers: 1
  free_last_month:
    user_id: !ref users.free_user.id        # the long form, same meaning
    period_start: !now [start of month, -1 month]
    period_end: !now [start of month]
    voice_minutes: 0
    sms_messages: 0
    phone_numbers: 0
"#,
        expect![[r#"
            envs Some(["dev", "test"]) tags [] requires Some((3, None)) depends_on [] Upsert random "42" faker 1 vars {"domain": "example.test"} time None
            users: key ["email"] id user_<label> keep ["created_at"]
              defaults: email=<label>@<domain> xswarm_email=<label>@xswarm.<domain> created_at=Now(["-90 days"]) updated_at=Now([])
              21:3 admin: phone=+15555550100 subscription_tier=admin stripe_customer_id=Env(Env { name: "SEED_ADMIN_STRIPE_ID", default: Some("cus_test_admin") })
              26:3 free_user:
              28:3 pro_user: subscription_tier=pro wake_word=ok hal stripe_customer_id=cus_test_pro stripe_subscription_id=sub_test_pro
            subscription_items: id si_<label>
              36:3 pro: user=pro_user subscription_id=ref users pro_user Some("stripe_subscription_id") voice_item_id=si_test_voice sms_item_id=si_test_sms
            usage: id usage_<label>
              44:3 pro_this_month: user=pro_user period_start=Now(["start of month"]) period_end=Now(["start of month", "+1 month"]) voice_minutes=42 sms_messages=120 phone_numbers=1
              51:3 free_last_month: user_id=ref users free_user Some("id") period_start=Now(["start of month", "-1 month"]) period_end=Now(["start of month"]) voice_minutes=0 sms_messages=0 phone_numbers=0
        "#]],
    );
}

#[test]
fn the_generated_rows_of_the_worked_example() {
    check(
        r#"_seed:
  format: 1
  tags: [load]                  # only with  --tag load
  depends_on: [010_users]
  random: 42
  faker: 1                      # generator version: same rows after a tool upgrade

users:
  _id: user_${label}
  load_{001..500}:              # 500 rows: load_001 … load_500
    email: ${label}@load.example.test
    xswarm_email: ${label}@xswarm.load.example.test
    phone: !fake phone.e164
    subscription_tier: !pick {free: 70, pro: 25, enterprise: 5}
    created_at: !ago 0..365 days   # a different, repeatable age for each row

usage:
  _id: usage_${label}
  now_{users.load_*}:           # one row for each matching users label
    user: ${each}
    period_start: !now [start of month]
    period_end: !now [start of month, +1 month]
    voice_minutes: !int 0..500
    sms_messages: !int 0..2000
    phone_numbers: !pick [0, 1, 1, 2]
"#,
        expect![[r#"
            envs None tags ["load"] requires None depends_on ["010_users"] Upsert random "42" faker 1 vars {} time None
            users: id user_<label>
              10:3 Range { before: "load_", numbers: Numbers { first: 1, last: 500, width: 3, after: "" } }: email=<label>@load.example.test xswarm_email=<label>@xswarm.load.example.test phone=Fake(Phone) subscription_tier=pick 70×free 25×pro 5×enterprise created_at=Ago(Away { count: (0, 365), unit: 86400 })
            usage: id usage_<label>
              19:3 Each(Each { before: "now_", table: "users", pattern: "load_*", after: "", children: None }): user=<each> period_start=Now(["start of month"]) period_end=Now(["start of month", "+1 month"]) voice_minutes=Int(0, 500) sms_messages=Int(0, 2000) phone_numbers=pick 1×0 1×1 1×1 1×2
        "#]],
    );
}

#[test]
fn the_awkward_values_of_the_worked_example() {
    check(
        r#"_seed: {format: 1, depends_on: [010_users]}
users:
  _id: user_${label}
  unicode:
    email: ünï@example.test
    xswarm_email: unicode@xswarm.example.test
    persona: "no"
    phone: 007
    stripe_customer_id: ~
  expired:
    email: expired@example.test
    xswarm_email: expired@xswarm.example.test
    created_at: 2020-01-01T00:00:00Z
    updated_at: 2020-01-01T00:00:00Z
"#,
        expect![[r#"
            envs None tags [] requires None depends_on ["010_users"] Upsert random "" faker 1 vars {} time None
            users: id user_<label>
              4:3 unicode: email=ünï@example.test xswarm_email=unicode@xswarm.example.test persona="no" phone=007 stripe_customer_id=NULL
              10:3 expired: email=expired@example.test xswarm_email=expired@xswarm.example.test created_at=2020-01-01T00:00:00Z updated_at=2020-01-01T00:00:00Z
        "#]],
    );
}

#[test]
fn the_production_rows_of_the_worked_example() {
    check(
        r#"_seed:
  format: 1
  envs: [prod]
  mode: insert                  # create once; never touch an existing admin again
users:
  _key: email
  root:
    email: !env ADMIN_EMAIL     # no default: unset is an error, before any write
    xswarm_email: !env ADMIN_XSWARM_EMAIL
    subscription_tier: admin
"#,
        expect![[r#"
            envs Some(["prod"]) tags [] requires None depends_on [] Insert random "" faker 1 vars {} time None
            users: key ["email"]
              7:3 root: email=Env(Env { name: "ADMIN_EMAIL", default: None }) xswarm_email=Env(Env { name: "ADMIN_XSWARM_EMAIL", default: None }) subscription_tier=admin
        "#]],
    );
}

#[test]
fn a_table_is_a_list_too_or_has_settings_only_or_nothing() {
    check(
        "a:\n  - x: 1\n    y: 2\n  - {}\n  -\n  - z: 3\nb: []\nc: {}\nd:\n  _key: [x, y]\n  _defaults:\n",
        expect![[r#"
            a:
              2:5 -: x=1 y=2
              4:5 -:
              5:4 -:
              6:5 -: z=3
            b:
            c:
            d: key ["x", "y"]
        "#]],
    );
    check(
        "_seed: {}\na: {x: {p: 1}, y: ~, z: }\n",
        expect![[r#"
        a:
          2:5 x: p=1
          2:16 y:
          2:22 z:
    "#]],
    );
}

#[test]
fn a_file_of_settings_whose_rows_are_still_comments_is_none_that_fails() {
    check_each(
        &["_seed: {format: 1}\n# users:\n#   ada: {name: Ada}\n"],
        expect![[r##"
            "_seed: {format: 1}\n# users:\n#   ada: {name: Ada}\n"
        "##]],
    );
}

#[test]
fn a_file_without_rows_or_of_another_shape_is_refused() {
    check_each(
        &[
            "",
            "# nothing\n",
            "---\n",
            "~\n",
            "{}\n",
            "- x: 1\n",
            "users\n",
            "!x {a: {}}\n",
            "users:\n",
            "users: 3\nitems: !csv items.csv\n",
            "users:\n  admin: 3\n  root: [1]\n  x: !row {a: 1}\n",
            "users:\n  - 3\n  - [a]\n",
            "_seed: 3\n_sede: {}\n_migrations: {}\n\"\": {a: }\nt:\n  \"\": {}\n  a: {\"\": 1}\n",
        ],
        expect![[r##"
            ""
            1:1 empty-seed: the file holds nothing (write the rows of a table, or remove the file)

            "# nothing\n"
            1:1 empty-seed: the file holds nothing (write the rows of a table, or remove the file)

            "---\n"
            1:1 empty-seed: the file holds nothing (write the rows of a table, or remove the file)

            "~\n"
            1:1 bad-shape: a seed file is a map, and this is null (write `users:` and its rows below it, not `- `)

            "{}\n"
            1:1 empty-seed: the file names no table (write a table and its rows, or remove the file)

            "- x: 1\n"
            1:1 bad-shape: a seed file is a map, and this is a list (write `users:` and its rows below it, not `- `)

            "users\n"
            1:1 bad-shape: a seed file is a map, and this is a text (write `users:` and its rows below it, not `- `)

            "!x {a: {}}\n"
            a:
            1:1 bad-tag: a seed file takes no tag, and this has `!x` (remove the tag)

            "users:\n"
            users:
            1:1 bad-shape: table `users` holds nothing, and not rows (write rows below it, or `users: {}` where it is to have none)

            "users: 3\nitems: !csv items.csv\n"
            users:
            items:
            1:1 bad-shape: table `users` holds a text, and not rows (write rows below it, or `users: {}` where it is to have none)

            "users:\n  admin: 3\n  root: [1]\n  x: !row {a: 1}\n"
            users:
              2:3 admin:
              3:3 root:
              4:3 x: a=1
            2:10 bad-shape: a row is a map, and this is a text (write `{email: a@example.test}`)
            3:9 bad-shape: a row is a map, and this is a list (write `{email: a@example.test}`)
            4:6 bad-tag: a row takes no tag, and this has `!row` (remove the tag)

            "users:\n  - 3\n  - [a]\n"
            users:
              2:5 -:
              3:5 -:
            2:5 bad-shape: a row is a map, and this is a text (write `{email: a@example.test}`)
            3:5 bad-shape: a row is a map, and this is a list (write `{email: a@example.test}`)

            "_seed: 3\n_sede: {}\n_migrations: {}\n\"\": {a: }\nt:\n  \"\": {}\n  a: {\"\": 1}\n"
            _sede:
            t:
              6:3 :
              7:3 a:
            1:8 bad-shape: `_seed` is a map, and this is a text (write `_seed: {format: 1}`)
            3:1 reserved-name: `_migrations` is no table that can be seeded (the table is Seedbed's own: remove it from the file)
            4:1 bad-value: the name of a table is missing here (write it before the `:`)
            6:3 bad-label: the label of a row is missing here (write a name before the `:`, or make the table a list of rows)
            7:7 bad-value: the name of a column is missing here (write it before the `:`)
        "##]],
    );
}

#[test]
fn every_setting_of_a_file() {
    check(
        "_seed:\n  format: \"1\"\n  envs: prod\n  tags: [a, \"b\"]\n  requires: 0003_usage\n  depends_on: [010_users, dev/020_x]\n  mode: sync\n  random: salt\n  faker: 1\n  vars: {a: 007, b: \"$${x}\", c_1: ''}\n  time: 2026-01-31T12:00:00Z\nt: {}\n",
        expect![[r#"
            envs Some(["prod"]) tags ["a", "b"] requires Some((3, None)) depends_on ["010_users", "dev/020_x"] Sync random "salt" faker 1 vars {"a": "007", "b": "${x}", "c_1": ""} time Some("2026-01-31 12:00:00")
            t:
        "#]],
    );
    check(
        "_seed: {requires: 3..7}\nt: {}\n",
        expect![[r#"
        envs None tags [] requires Some((3, Some(7))) depends_on [] Upsert random "" faker 1 vars {} time None
        t:
    "#]],
    );
}

#[test]
fn every_setting_that_is_wrong_is_told() {
    check(
        "_seed:\n  format: 2\n  envs: []\n  tags: [a, ~, [b], a, '', !x c]\n  requires: 0\n  depends_on: [010_users.yaml]\n  mode: upsrt\n  random: [1]\n  faker: ~\n  vars: {a: , b: [], i: 1, 'x y': 1, c: \"${a}\", d: !env A}\n  time: 2026-02-30T12:00:00Z\n  formt: 1\n  colour: 1\nt: {}\n",
        expect![[r#"
            envs Some([]) tags ["a", "c"] requires None depends_on ["010_users.yaml"] Insert random "" faker 1 vars {"a": "", "b": "", "c": "${a}", "d": "A", "i": "1", "x y": "1"} time None
            t:
            2:11 bad-value: `2` is no format of seed files that is known here: 1 is the only one (write `format: 1`; a newer Seedbed may know more)
            3:9 bad-value: `envs` names no environment, so the file would never be seeded (name one, or leave `envs` out)
            4:13 bad-value: a name in `tags` is a text, and this is null (write for example `[load]`)
            4:16 bad-value: a name in `tags` is a text, and this is a list (write for example `[load]`)
            4:21 duplicate-name: `a` stands twice in `tags` [first here: 4:10] (keep one of the two)
            4:24 bad-value: a name in `tags` is empty (remove it)
            4:28 bad-tag: a name in `tags` takes no tag, and this has `!x` (remove the tag)
            5:13 bad-value: `0` is no version of a schema (write the number of a migration, from 1: `3`, `0003_usage`, or `3..7` where later ones do not fit)
            6:16 bad-value: `010_users.yaml` is a file, and a seed goes by its name without the ending (write `010_users`)
            7:9 bad-value: there is no mode `upsrt` (did you mean `upsert`?)
            8:11 bad-value: `random` is a text, and this is a list (write for example `random: 42`)
            9:10 bad-value: `faker` is a text, and this is null (write for example `faker: 1`)
            10:11 bad-value: the variable `a` has no value (write one; `""` is the empty text)
            10:18 bad-value: a variable is a text, and this is a list (write for example `domain: example.test`)
            10:22 reserved-name: `${i}` has a meaning of its own (take another name)
            10:28 bad-value: `x y` cannot be written as `${name}` (a name is made of letters, digits and `_`, and begins with no digit)
            10:42 bad-template: `${a}` is not replaced here (write what is meant, or `$${` for the text `${` itself)
            10:52 bad-tag: a variable takes no tag, and this has `!env` (remove the tag)
            11:9 bad-value: `2026-02-30T12:00:00Z` is no date and time in UTC (write for example `2026-01-31T12:00:00Z`)
            12:3 unknown-setting: `_seed` has no setting `formt` (did you mean `format`?)
            13:3 unknown-setting: `_seed` has no setting `colour` (there are `format`, `envs`, `tags`, `requires`, `depends_on`, `mode`, `random`, `faker`, `vars`, `time`, `_defaults` and `_was`)
        "#]],
    );
    let requires = [
        "-1",
        "x",
        "7..3",
        "3..",
        "99999999999999999999",
        "[3]",
        "V3__x",
        "3_",
        "1.0",
    ];
    let files = requires.map(|it| format!("_seed: {{requires: {it}}}\nt: {{}}\n"));
    check_each(
        &files.each_ref().map(String::as_str),
        expect![[r#"
        "_seed: {requires: -1}\nt: {}\n"
        t:
        1:19 bad-value: `-1` is no version of a schema (write the number of a migration, from 1: `3`, `0003_usage`, or `3..7` where later ones do not fit)

        "_seed: {requires: x}\nt: {}\n"
        t:
        1:19 bad-value: `x` is no version of a schema (write the number of a migration, from 1: `3`, `0003_usage`, or `3..7` where later ones do not fit)

        "_seed: {requires: 7..3}\nt: {}\n"
        t:
        1:19 bad-value: `7..3` is no version of a schema (write the number of a migration, from 1: `3`, `0003_usage`, or `3..7` where later ones do not fit)

        "_seed: {requires: 3..}\nt: {}\n"
        t:
        1:19 bad-value: `3..` is no version of a schema (write the number of a migration, from 1: `3`, `0003_usage`, or `3..7` where later ones do not fit)

        "_seed: {requires: 99999999999999999999}\nt: {}\n"
        t:
        1:19 bad-value: `99999999999999999999` is no version of a schema (write the number of a migration, from 1: `3`, `0003_usage`, or `3..7` where later ones do not fit)

        "_seed: {requires: [3]}\nt: {}\n"
        t:
        1:19 bad-value: `requires` is a text, and this is a list (write for example `requires: 3`)

        "_seed: {requires: V3__x}\nt: {}\n"
        t:
        1:19 bad-value: `V3__x` is no version of a schema (write the number of a migration, from 1: `3`, `0003_usage`, or `3..7` where later ones do not fit)

        "_seed: {requires: 3_}\nt: {}\n"
        envs None tags [] requires Some((3, None)) depends_on [] Upsert random "" faker 1 vars {} time None
        t:

        "_seed: {requires: 1.0}\nt: {}\n"
        t:
        1:19 bad-value: `1.0` is no version of a schema (write the number of a migration, from 1: `3`, `0003_usage`, or `3..7` where later ones do not fit)
    "#]],
    );
    let times = [
        "2026-01-31",
        "2026-01-31 12:00:00",
        "2026-01-31T24:00:00Z",
        "2026-1-31T12:00:00Z",
        "2026-01-31T12:00:00+01:00",
    ];
    let files = times.map(|it| format!("_seed: {{time: '{it}'}}\nt: {{}}\n"));
    check_each(
        &files.each_ref().map(String::as_str),
        expect![[r#"
        "_seed: {time: '2026-01-31'}\nt: {}\n"
        t:
        1:15 bad-value: `2026-01-31` is no date and time in UTC (write for example `2026-01-31T12:00:00Z`)

        "_seed: {time: '2026-01-31 12:00:00'}\nt: {}\n"
        t:
        1:15 bad-value: `2026-01-31 12:00:00` is no date and time in UTC (write for example `2026-01-31T12:00:00Z`)

        "_seed: {time: '2026-01-31T24:00:00Z'}\nt: {}\n"
        t:
        1:15 bad-value: `2026-01-31T24:00:00Z` is no date and time in UTC (write for example `2026-01-31T12:00:00Z`)

        "_seed: {time: '2026-1-31T12:00:00Z'}\nt: {}\n"
        t:
        1:15 bad-value: `2026-1-31T12:00:00Z` is no date and time in UTC (write for example `2026-01-31T12:00:00Z`)

        "_seed: {time: '2026-01-31T12:00:00+01:00'}\nt: {}\n"
        t:
        1:15 bad-value: `2026-01-31T12:00:00+01:00` is no date and time in UTC (write for example `2026-01-31T12:00:00Z`)
    "#]],
    );
}

#[test]
fn every_setting_of_a_table_that_is_wrong_is_told() {
    check(
        "t:\n  _key: []\n  _id: !fake uuid\n  _keep: {a: 1}\n  _defaults: [a]\n  _keys: a\n  _other: b\nu:\n  _key: ~\n  _id: ~\n  _keep: [a, a]\n  _default: {}\nv:\n  _id: !ref t.a\n  _key: !x a\n",
        expect![[r#"
            t:
            u: keep ["a"]
            v: key ["a"] id ref t a None
            2:9 bad-value: `_key` names no column (name the columns of the primary key or of a unique index, or leave `_key` out)
            3:8 bad-value: `_id` is neither a text, nor `!ref`, `!auto` or `!uuid` (write for example `_id: user_${label}`)
            4:10 bad-value: `_keep` is a list, and this is a map (write for example `[created_at]`)
            5:14 bad-shape: `_defaults` is a map, and this is a list (write `{email: a@example.test}`)
            6:3 unknown-setting: a table has no setting `_keys` (did you mean `_key`?)
            7:3 unknown-setting: a table has no setting `_other` (a table has `_key`, `_id`, `_keep`, `_defaults`, `_rows`, `_was`, `_refs` and `_through`)
            9:9 bad-value: `_key` is a list, and this is null (write for example `[email]`)
            10:8 bad-value: `_id` is neither a text, nor `!ref`, `!auto` or `!uuid` (write for example `_id: user_${label}`)
            11:14 duplicate-name: `a` stands twice in `_keep` [first here: 11:11] (keep one of the two)
            12:3 unknown-setting: a table has no setting `_default` (did you mean `_defaults`?)
            15:9 bad-tag: a name in `_key` takes no tag, and this has `!x` (remove the tag)
        "#]],
    );
}

#[test]
fn labels_are_names_ranges_or_for_each_of_others() {
    check(
        "t:\n  a: {}\n  \"b c\": {}\n  'é-1': {}\n  x{1..3}y: {}\n  x{08..12}: {}\n  x{0..999999}: {}\n  for_{u.*}: {}\n  \"{u.a*b}_x\": {}\n",
        expect![[r#"
            t:
              2:3 a:
              3:3 b c:
              4:3 é-1:
              5:3 Range { before: "x", numbers: Numbers { first: 1, last: 3, width: 1, after: "y" } }:
              6:3 Range { before: "x", numbers: Numbers { first: 8, last: 12, width: 2, after: "" } }:
              7:3 Range { before: "x", numbers: Numbers { first: 0, last: 999999, width: 1, after: "" } }:
              8:3 Each(Each { before: "for_", table: "u", pattern: "*", after: "", children: None }):
              9:3 Each(Each { before: "", table: "u", pattern: "a*b", after: "_x", children: None }):
        "#]],
    );
    check(
        "t:\n  \"{u.a*b}_x\": {}\n  a.b: {}\n  a*: {}\n  x{3..1}: {}\n  x{0..1000000}: {}\n  x{a..b}: {}\n  x{1..}: {}\n  x{1 .. 2}: {}\n  x{1..99999999999999999999}: {}\n  x{}: {}\n  x{u}: {}\n  x{.a}: {}\n  x{u.a.b}: {}\n  x{1..2: {}\n  x}: {}\n  x{1..2}{3..4}: {}\n  ${label}: {}\n  \"a\\tb\": {}\n",
        expect![[r#"
            t:
              2:3 Each(Each { before: "", table: "u", pattern: "a*b", after: "_x", children: None }):
              3:3 a.b:
              4:3 a*:
              5:3 x{3..1}:
              6:3 x{0..1000000}:
              7:3 x{a..b}:
              8:3 x{1..}:
              9:3 x{1 .. 2}:
              10:3 x{1..99999999999999999999}:
              11:3 x{}:
              12:3 x{u}:
              13:3 x{.a}:
              14:3 x{u.a.b}:
              15:3 x{1..2:
              16:3 x}:
              17:3 x{1..2}{3..4}:
              18:3 ${label}:
              19:3 a	b:
            3:3 bad-label: the label `a.b` holds '.' (a label holds no `.`, by which `!ref` finds the column, no `*`, and braces only around a range)
            4:3 bad-label: the label `a*` holds '*' (a label holds no `.`, by which `!ref` finds the column, no `*`, and braces only around a range)
            5:3 bad-label: the range `{3..1}` ends before it begins (write the smaller number first)
            6:3 bad-label: the range `{0..1000000}` makes more than 1000000 rows (one range makes at most a million rows)
            7:3 bad-label: `{a..b}` is no range of numbers from 0 to 18446744073709551615 (write for example `load_{001..500}`, `now_{users.load_*}` or `post_{users.*}_{1..3}`)
            8:3 bad-label: `{1..}` is no range of numbers from 0 to 18446744073709551615 (write for example `load_{001..500}`, `now_{users.load_*}` or `post_{users.*}_{1..3}`)
            9:3 bad-label: `{1 .. 2}` is no range of numbers from 0 to 18446744073709551615 (write for example `load_{001..500}`, `now_{users.load_*}` or `post_{users.*}_{1..3}`)
            10:3 bad-label: `{1..99999999999999999999}` is no range of numbers from 0 to 18446744073709551615 (write for example `load_{001..500}`, `now_{users.load_*}` or `post_{users.*}_{1..3}`)
            11:3 bad-label: `{}` is neither a range nor labels of a table (write for example `load_{001..500}`, `now_{users.load_*}` or `post_{users.*}_{1..3}`)
            12:3 bad-label: `{u}` is neither a range nor labels of a table (write for example `load_{001..500}`, `now_{users.load_*}` or `post_{users.*}_{1..3}`)
            13:3 bad-label: `{.a}` is neither a range nor labels of a table (write for example `load_{001..500}`, `now_{users.load_*}` or `post_{users.*}_{1..3}`)
            14:3 bad-label: `{u.a.b}` is neither a range nor labels of a table (write for example `load_{001..500}`, `now_{users.load_*}` or `post_{users.*}_{1..3}`)
            15:3 bad-label: `{` is not closed in the label `x{1..2` (write for example `load_{001..500}`, `now_{users.load_*}` or `post_{users.*}_{1..3}`)
            16:3 bad-label: the label `x}` holds '}' (a label holds no `.`, by which `!ref` finds the column, no `*`, and braces only around a range)
            17:3 bad-label: something stands behind the range in the label `x{1..2}{3..4}` (the range comes last: `post_{users.*}_{1..3}`)
            18:3 bad-label: nothing is replaced in the label `${label}` (write for example `load_{001..500}`, `now_{users.load_*}` or `post_{users.*}_{1..3}`)
            19:3 bad-label: the label `a\tb` holds '\t' (a label holds no `.`, by which `!ref` finds the column, no `*`, and braces only around a range)
        "#]],
    );
}

#[test]
fn cells_are_null_text_or_json() {
    check_cells(
        &[
            "",
            "~",
            "null",
            "NULL",
            "nULL",
            "\"null\"",
            "''",
            "no",
            "007",
            "1.10",
            "a b",
            "\"a\\nb\"",
            ">-\n      a\n      b",
            "!!str",
            "!!str ~",
            "!!int 7",
            "!!int +7",
            "!!int 99999999999999999999",
            "!!float 1",
            "!!bool TRUE",
            "!!null",
        ],
        expect![[r#"
             → NULL
            ~ → NULL
            null → NULL
            NULL → NULL
            nULL → nULL
            "null" → "null"
            '' → ""
            no → no
            007 → 007
            1.10 → 1.10
            a b → a b
            "a\nb" → "a\nb"
            >-
                  a
                  b → "a b"
            !!str → ""
            !!str ~ → "~"
            !!int 7 → 7
            !!int +7 → +7
            !!int 99999999999999999999 → 99999999999999999999
            !!float 1 → 1
            !!bool TRUE → TRUE
            !!null → NULL
        "#]],
    );
    check_cells(
        &[
            "!!int x",
            "!!int 1.5",
            "!!bool 1",
            "!!null 0",
            "!!float .5e",
            "!!str [a]",
            "!!int",
            "!!map {}",
            "!!seq []",
        ],
        expect![[r#"
            !!int x → Unread
            3:8 bad-tag: `!!int` takes a whole number, and this is something else (write for example `!!int 7`)
            !!int 1.5 → Unread
            3:8 bad-tag: `!!int` takes a whole number, and this is something else (write for example `!!int 7`)
            !!bool 1 → Unread
            3:8 bad-tag: `!!bool` takes `true` or `false`, and this is something else (write for example `!!bool true`)
            !!null 0 → Unread
            3:8 bad-tag: `!!null` takes `null` or nothing, and this is something else (write for example `!!null null`)
            !!float .5e → Unread
            3:8 bad-tag: `!!float` takes a number, and this is something else (write for example `!!float 7.5`)
            !!str [a] → Unread
            3:8 bad-tag: `!!str` takes a text, and this is a list (write for example `!!str 007`)
            !!int → Unread
            3:8 bad-tag: `!!int` takes a whole number, and this is something else (write for example `!!int 7`)
            !!map {} → Unread
            3:8 unknown-tag: there is no tag `!!map` (the tags are `!ref`, `!now`, `!ago`, `!in`, `!env`, `!file`, `!json`, `!hash`, `!fake`, `!pick`, `!each`, `!int`, `!decimal`, `!slug` and `!!binary`; `!csv` and `!json` name the file of a table, `!auto` and `!uuid` stand in `_id`; a text that begins with `!` needs quotes)
            !!seq [] → Unread
            3:8 unknown-tag: there is no tag `!!seq` (the tags are `!ref`, `!now`, `!ago`, `!in`, `!env`, `!file`, `!json`, `!hash`, `!fake`, `!pick`, `!each`, `!int`, `!decimal`, `!slug` and `!!binary`; `!csv` and `!json` name the file of a table, `!auto` and `!uuid` stand in `_id`; a text that begins with `!` needs quotes)
        "#]],
    );
}

#[test]
fn json_is_typed_by_the_core_schema_and_sorted() {
    check_cells(
        &[
            "{b: 1, a: [~, null, true, False, no, 1.10, -3, 1e3, .5, 5., 0x1F, 0o17, \"7\", 2026-01-01, '', a b, +, -x, ., 1.2.3, 0.5, -0, 18446744073709551615, -9223372036854775808]}",
            "[]",
            "{}",
            "{a: , b: {c: }}",
            "!json 5",
            "!json x",
            "!json ~",
            "!json",
            "!json \"$${a}\"",
            "{1: a, true: b, ~: c}",
        ],
        expect![[r#"
            {b: 1, a: [~, null, true, False, no, 1.10, -3, 1e3, .5, 5., 0x1F, 0o17, "7", 2026-01-01, '', a b, +, -x, ., 1.2.3, 0.5, -0, 18446744073709551615, -9223372036854775808]} → json {"a":[null,null,true,false,"no",1.1,-3,1000.0,0.5,5.0,31,15,"7","2026-01-01","","a b","+","-x",".","1.2.3",0.5,0,18446744073709551615,-9223372036854775808],"b":1}
            [] → json []
            {} → json {}
            {a: , b: {c: }} → json {"a":null,"b":{"c":null}}
            !json 5 → json 5
            !json x → json "x"
            !json ~ → json null
            !json → json null
            !json "$${a}" → json "${a}"
            {1: a, true: b, ~: c} → json {"1":"a","true":"b","~":"c"}
        "#]],
    );
    check_cells(
        &[
            "[.inf]",
            "[-.INF]",
            "[.nan]",
            "[18446744073709551616]",
            "[-9223372036854775809]",
            "[1e999]",
            "[007]",
            "[+1]",
            "[00.5]",
            "[0xfffffffffffffffff]",
            "[!ref a.b, !!str x, {a: !env X}]",
            "[\"${label}\", {\"${x}\": 1}]",
            "!json [!now ]",
        ],
        expect![[r#"
            [.inf] → Unread
            3:9 bad-json: `.inf` is no number that JSON has (write it in quotes to make it a text)
            [-.INF] → Unread
            3:9 bad-json: `-.INF` is no number that JSON has (write it in quotes to make it a text)
            [.nan] → Unread
            3:9 bad-json: `.nan` is no number that JSON has (write it in quotes to make it a text)
            [18446744073709551616] → Unread
            3:9 bad-json: `18446744073709551616` is a larger number than 64 bits hold (write it in quotes to make it a text)
            [-9223372036854775809] → Unread
            3:9 bad-json: `-9223372036854775809` is a larger number than 64 bits hold (write it in quotes to make it a text)
            [1e999] → Unread
            3:9 bad-json: `1e999` is a larger number than 64 bits hold (write it in quotes to make it a text)
            [007] → Unread
            3:9 bad-json: `007` would lose its zeros as a number (write it in quotes to make it a text)
            [+1] → Unread
            3:9 bad-json: `+1` would lose its `+` as a number (write it in quotes to make it a text)
            [00.5] → Unread
            3:9 bad-json: `00.5` would lose its zeros as a number (write it in quotes to make it a text)
            [0xfffffffffffffffff] → Unread
            3:9 bad-json: `0xfffffffffffffffff` is a larger number than 64 bits hold (write it in quotes to make it a text)
            [!ref a.b, !!str x, {a: !env X}] → Composed(List([Tag(Spanned { value: Ref(Ref { table: "a", label: "b", column: None }), span: 16..24 }), Tag(Spanned { value: Scalar { text: "x", style: Text }, span: 26..33 }), Map([("a", Tag(Spanned { value: Env(Env { name: "X", default: None }), span: 39..45 }))])]))
            ["${label}", {"${x}": 1}] → Composed(List([Text { text: [Name("label")], style: Quoted }, Constant(Object {"${x}": Number(1)})]))
            3:23 bad-template: `${x}` is not replaced here (write what is meant, or `$${` for the text `${` itself)
            !json [!now ] → Composed(List([Tag(Spanned { value: Now([]), span: 22..26 })]))
        "#]],
    );
}

#[test]
fn tags_and_what_they_take() {
    check_cells(
        &[
            "!ref users.a",
            "!ref users.a.id",
            "!ref users.load_${label}.id",
            "!now",
            "!now start of month",
            "!now [start of month, -1.5 days, weekday 0, '+01:30', -0001-02-03, 3 hours]",
            "!now []",
            "!ago 3 days",
            "!ago 1 day",
            "!ago 0..2 months",
            "!ago 5..10  weeks",
            "!ago 0 seconds",
            "!env A_1",
            "!env {name: A}",
            "!env {default: '', name: A}",
            "!file a/b.png",
            "!!binary aGk=",
            "!!binary |\n      aG\n      k=",
            "!fake uuid",
            "!fake phone.e164",
            "!pick [a, a, ~, !now , [1]]",
            "!pick {a: 1, ~: 2, \"~\": 3}",
            "!int 0..500",
            "!int -5..-1",
            "!int 7..7",
            "!hash x",
            "!hash {value: !env A}",
            "!hash {scheme: argon2id, value: \"${label}\"}",
        ],
        expect![[r#"
            !ref users.a → ref users a None
            !ref users.a.id → ref users a Some("id")
            !ref users.load_${label}.id → ref users load_<label> Some("id")
            !now → Now([])
            !now start of month → Now(["start of month"])
            !now [start of month, -1.5 days, weekday 0, '+01:30', -0001-02-03, 3 hours] → Now(["start of month", "-1.5 days", "weekday 0", "+01:30", "-0001-02-03", "3 hours"])
            !now [] → Now([])
            !ago 3 days → Ago(Away { count: (3, 3), unit: 86400 })
            !ago 1 day → Ago(Away { count: (1, 1), unit: 86400 })
            !ago 0..2 months → Ago(Away { count: (0, 2), unit: 2592000 })
            !ago 5..10  weeks → Ago(Away { count: (5, 10), unit: 604800 })
            !ago 0 seconds → Ago(Away { count: (0, 0), unit: 1 })
            !env A_1 → Env(Env { name: "A_1", default: None })
            !env {name: A} → Env(Env { name: "A", default: None })
            !env {default: '', name: A} → Env(Env { name: "A", default: Some("") })
            !file a/b.png → File("a/b.png")
            !!binary aGk= → Binary([104, 105])
            !!binary |
                  aG
                  k= → Binary([104, 105])
            !fake uuid → Fake(Uuid)
            !fake phone.e164 → Fake(Phone)
            !pick [a, a, ~, !now , [1]] → pick 1×a 1×a 1×NULL 1×Now([]) 1×json [1]
            !pick {a: 1, ~: 2, "~": 3} → pick 1×a 2×NULL
            3:27 duplicate-key: `~` stands twice in this map [first here: 3:21] (keep one of the two)
            !int 0..500 → Int(0, 500)
            !int -5..-1 → Int(-5, -1)
            !int 7..7 → Int(7, 7)
            !hash x → hash x
            !hash {value: !env A} → hash Env(Env { name: "A", default: None })
            !hash {scheme: argon2id, value: "${label}"} → hash "<label>"
        "#]],
    );
}

#[test]
fn tags_that_are_unknown_or_take_something_else() {
    check_cells(
        &[
            "!rfe users.a",
            "!sql 'now()'",
            "!!binry x",
            "!!timestamp 2020-01-01",
            "!uuid",
            "!é x",
            "!ref users",
            "!ref users.",
            "!ref a.b.c.d",
            "!ref",
            "!ref [a]",
            "!ref ${x}.a",
            "!now {a: b}",
            "!now [start of week, [a], !x +1 day]",
            "!now tomorrow",
            "!now 1.2.3 days",
            "!now weekday 7",
            "!ago 3",
            "!ago 3 dayz",
            "!ago 3 fortnights",
            "!ago 5..3 days",
            "!ago -3 days",
            "!ago 9999999999999999999 years",
            "!ago [3 days]",
            "!ago",
            "!env",
            "!env A-B",
            "!env [A]",
            "!env {nam: A}",
            "!env {default: x}",
            "!env {name: A, default: ~}",
            "!env {name: [], default: []}",
            "!env ${A}",
            "!file",
            "!file /etc/passwd",
            "!file ../x",
            "!file a\\b",
            "!file a//b",
            "!file images/${label}.png",
            "!file [a]",
            "!!binary x",
            "!!binary [a]",
            "!!binary",
        ],
        expect![[r#"
            !rfe users.a → Unread
            3:8 unknown-tag: there is no tag `!rfe` (did you mean `!ref users.admin`?)
            !sql 'now()' → Unread
            3:8 unknown-tag: there is no tag `!sql` (the tags are `!ref`, `!now`, `!ago`, `!in`, `!env`, `!file`, `!json`, `!hash`, `!fake`, `!pick`, `!each`, `!int`, `!decimal`, `!slug` and `!!binary`; `!csv` and `!json` name the file of a table, `!auto` and `!uuid` stand in `_id`; a text that begins with `!` needs quotes)
            !!binry x → Unread
            3:8 unknown-tag: there is no tag `!!binry` (did you mean `!!binary aGVsbG8=`?)
            !!timestamp 2020-01-01 → Unread
            3:8 unknown-tag: there is no tag `!!timestamp` (the tags are `!ref`, `!now`, `!ago`, `!in`, `!env`, `!file`, `!json`, `!hash`, `!fake`, `!pick`, `!each`, `!int`, `!decimal`, `!slug` and `!!binary`; `!csv` and `!json` name the file of a table, `!auto` and `!uuid` stand in `_id`; a text that begins with `!` needs quotes)
            !uuid → Unread
            3:8 bad-tag: `!uuid` makes the primary keys of a table, below its name (write for example `_id: !uuid`)
            !é x → 
            3:8 yaml: this is not YAML: while scanning a tag, did not find expected whitespace or line break (a tag is `!` and letters; a text that begins with `!` needs quotes)
            !ref users → Unread
            3:8 bad-tag: `!ref` takes `table.label` or `table.label.column`, and `users` is neither (write for example `!ref users.admin`)
            !ref users. → Unread
            3:8 bad-tag: `!ref` takes `table.label` or `table.label.column`, and `users.` is neither (write for example `!ref users.admin`)
            !ref a.b.c.d → Unread
            3:8 bad-tag: `!ref` takes `table.label` or `table.label.column`, and `a.b.c.d` is neither (write for example `!ref users.admin`)
            !ref → Unread
            3:8 bad-tag: `!ref` takes `table.label` or `table.label.column`, and this is nothing (write for example `!ref users.admin`)
            !ref [a] → Unread
            3:8 bad-tag: `!ref` takes `table.label` or `table.label.column`, and this is a list (write for example `!ref users.admin`)
            !ref ${x}.a → ref ${x} a None
            3:13 bad-template: `${x}` is not replaced here (write what is meant, or `$${` for the text `${` itself)
            !now {a: b} → Unread
            3:8 bad-tag: `!now` takes modifiers, and this is a map (write for example `!now [start of month, +1 month]`)
            !now [start of week, [a], !x +1 day] → Unread
            3:14 bad-tag: `!now` takes modifiers of SQLite's date functions, and `start of week` is none (write for example `!now [start of month, +1 month]`)
            3:29 bad-tag: `!now` takes modifiers, each a text (write for example `!now [start of month, +1 month]`)
            3:34 bad-tag: `!now` takes modifiers, each a text (write for example `!now [start of month, +1 month]`)
            !now tomorrow → Unread
            3:8 bad-tag: `!now` takes modifiers of SQLite's date functions, and `tomorrow` is none (write for example `!now [start of month, +1 month]`)
            !now 1.2.3 days → Unread
            3:8 bad-tag: `!now` takes modifiers of SQLite's date functions, and `1.2.3 days` is none (write for example `!now [start of month, +1 month]`)
            !now weekday 7 → Unread
            3:8 bad-tag: `!now` takes modifiers of SQLite's date functions, and `weekday 7` is none (write for example `!now [start of month, +1 month]`)
            !ago 3 → Unread
            3:8 bad-tag: `!ago` takes a number and a unit of time, and `3` is not both (write for example `!ago 0..365 days`)
            !ago 3 dayz → Unread
            3:8 bad-tag: `!ago` knows no unit `dayz` (did you mean `day`?)
            !ago 3 fortnights → Unread
            3:8 bad-tag: `!ago` knows no unit `fortnights` (there are `second`, `minute`, `hour`, `day`, `week`, `month` and `year`)
            !ago 5..3 days → Unread
            3:8 bad-tag: `!ago` takes a number, or a range with the smaller one first, and `5..3` is neither (write for example `!ago 0..365 days`)
            !ago -3 days → Unread
            3:8 bad-tag: `!ago` takes a number, or a range with the smaller one first, and `-3` is neither (write for example `!ago 0..365 days`)
            !ago 9999999999999999999 years → Unread
            3:8 bad-tag: `!ago` takes 2000 years at most (write for example `!ago 0..365 days`)
            !ago [3 days] → Unread
            3:8 bad-tag: `!ago` takes a number and a unit of time, and this is a list (write for example `!ago 0..365 days`)
            !ago → Unread
            3:8 bad-tag: `!ago` takes a number and a unit of time, and this is nothing (write for example `!ago 0..365 days`)
            !env → Unread
            3:8 bad-tag: `!env` takes the name of a variable, and this is nothing (write for example `!env {name: SEED_KEY, default: none}`)
            !env A-B → Unread
            3:8 bad-tag: `!env` takes the name of a variable, and `A-B` is none (write for example `!env {name: SEED_KEY, default: none}`)
            !env [A] → Unread
            3:8 bad-tag: `!env` takes the name of a variable, and this is a list (write for example `!env {name: SEED_KEY, default: none}`)
            !env {nam: A} → Unread
            3:14 bad-tag: `!env` knows no `nam` (did you mean `name`?)
            !env {default: x} → Unread
            3:8 bad-tag: `!env` has no `name` (write for example `!env {name: SEED_KEY, default: none}`)
            !env {name: A, default: ~} → Unread
            3:32 bad-value: a default is a text, and this is null (write for example `default: none`)
            !env {name: [], default: []} → Unread
            3:20 bad-value: the name of a variable is a text, and this is a list (write for example `name: SEED_KEY`)
            3:33 bad-value: a default is a text, and this is a list (write for example `default: none`)
            !env ${A} → Unread
            3:8 bad-tag: `!env` takes the name of a variable, and `${A}` is none (write for example `!env {name: SEED_KEY, default: none}`)
            !file → Unread
            3:8 bad-tag: `!file` takes a path, and this is nothing (write for example `!file images/admin.png`)
            !file /etc/passwd → Unread
            3:8 bad-tag: `!file` takes a path below the seeds folder with `/` between its parts, and `/etc/passwd` is none (write for example `!file images/admin.png`)
            !file ../x → Unread
            3:8 bad-tag: `!file` takes a path below the seeds folder with `/` between its parts, and `../x` is none (write for example `!file images/admin.png`)
            !file a\b → Unread
            3:8 bad-tag: `!file` takes a path below the seeds folder with `/` between its parts, and `a\b` is none (write for example `!file images/admin.png`)
            !file a//b → Unread
            3:8 bad-tag: `!file` takes a path below the seeds folder with `/` between its parts, and `a//b` is none (write for example `!file images/admin.png`)
            !file images/${label}.png → File("images/${label}.png")
            3:21 bad-template: `${label}` is not replaced here (write what is meant, or `$${` for the text `${` itself)
            !file [a] → Unread
            3:8 bad-tag: `!file` takes a path, and this is a list (write for example `!file images/admin.png`)
            !!binary x → Unread
            3:8 bad-tag: `!!binary` takes base64, and this is none (write for example `!!binary aGVsbG8=`)
            !!binary [a] → Unread
            3:8 bad-tag: `!!binary` takes base64, and this is a list (write for example `!!binary aGVsbG8=`)
            !!binary → Unread
            3:8 bad-tag: `!!binary` takes base64, and this is nothing (write for example `!!binary aGVsbG8=`)
        "#]],
    );
    check_cells(
        &[
            "!fake emial",
            "!fake",
            "!fake [name]",
            "!fake colour",
            "!pick",
            "!pick x",
            "!pick []",
            "!pick {}",
            "!pick {a: 0}",
            "!pick {a: -1, b: 1.5, c: x, d: \"1\", e: [], f: }",
            "!pick {a: 18446744073709551615, b: 1}",
            "!pick [!x a, !fake nam]",
            "!int",
            "!int 5",
            "!int 5..1",
            "!int 1.5..2",
            "!int 0..9999999999999999999",
            "!int [0, 5]",
            "!hash",
            "!hash ~",
            "!hash [a]",
            "!hash {scheme: bcrypt, value: x}",
            "!hash {scheme: argon2id}",
            "!hash {value: !fake name}",
            "!hash {value: ~}",
            "!hash {valu: x}",
        ],
        expect![[r#"
            !fake emial → Unread
            3:8 bad-tag: `!fake` knows no kind `emial` (did you mean `email`?)
            !fake → Unread
            3:8 bad-tag: `!fake` takes a kind of value, and this is nothing (write for example `!fake email`)
            !fake [name] → Unread
            3:8 bad-tag: `!fake` takes a kind of value, and this is a list (write for example `!fake email`)
            !fake colour → Unread
            3:8 bad-tag: `!fake` knows no kind `colour` (there are `name`, `first_name`, `last_name`, `email`, `username`, `phone.e164`, `city`, `country`, `street`, `company`, `word`, `sentence`, `paragraph`, `boolean`, `uuid`, `url` and `ipv4`)
            !pick → Unread
            3:8 bad-tag: `!pick` takes a list of values, a map with a weight for each, or labels of a table (`!pick users.*`), and there are none (write for example `!pick {free: 70, pro: 30}`)
            !pick x → Unread
            3:8 bad-tag: `!pick` takes a list of values, a map with a weight for each, or labels of a table (`!pick users.*`), and there are none (write for example `!pick {free: 70, pro: 30}`)
            !pick [] → Unread
            3:8 bad-tag: `!pick` takes a list of values, a map with a weight for each, or labels of a table (`!pick users.*`), and there are none (write for example `!pick {free: 70, pro: 30}`)
            !pick {} → Unread
            3:8 bad-tag: `!pick` takes a list of values, a map with a weight for each, or labels of a table (`!pick users.*`), and there are none (write for example `!pick {free: 70, pro: 30}`)
            !pick {a: 0} → Unread
            3:18 bad-tag: `!pick` takes a whole number from 1 as the weight of `a` (write for example `!pick {free: 70, pro: 30}`)
            !pick {a: -1, b: 1.5, c: x, d: "1", e: [], f: } → Unread
            3:18 bad-tag: `!pick` takes a whole number from 1 as the weight of `a` (write for example `!pick {free: 70, pro: 30}`)
            3:25 bad-tag: `!pick` takes a whole number from 1 as the weight of `b` (write for example `!pick {free: 70, pro: 30}`)
            3:33 bad-tag: `!pick` takes a whole number from 1 as the weight of `c` (write for example `!pick {free: 70, pro: 30}`)
            3:39 bad-tag: `!pick` takes a whole number from 1 as the weight of `d` (write for example `!pick {free: 70, pro: 30}`)
            3:47 bad-tag: `!pick` takes a whole number from 1 as the weight of `e` (write for example `!pick {free: 70, pro: 30}`)
            3:52 bad-tag: `!pick` takes a whole number from 1 as the weight of `f` (write for example `!pick {free: 70, pro: 30}`)
            !pick {a: 18446744073709551615, b: 1} → Unread
            3:8 bad-tag: `!pick` has weights whose sum 64 bits do not hold (write for example `!pick {free: 70, pro: 30}`)
            !pick [!x a, !fake nam] → Unread
            3:15 unknown-tag: there is no tag `!x` (the tags are `!ref`, `!now`, `!ago`, `!in`, `!env`, `!file`, `!json`, `!hash`, `!fake`, `!pick`, `!each`, `!int`, `!decimal`, `!slug` and `!!binary`; `!csv` and `!json` name the file of a table, `!auto` and `!uuid` stand in `_id`; a text that begins with `!` needs quotes)
            3:21 bad-tag: `!fake` knows no kind `nam` (did you mean `name`?)
            !int → Unread
            3:8 bad-tag: `!int` takes a range of whole numbers, and this is nothing (write for example `!int 0..500`)
            !int 5 → Unread
            3:8 bad-tag: `!int` takes two whole numbers of 64 bits, the smaller one first, and `5` is something else (write for example `!int 0..500`)
            !int 5..1 → Unread
            3:8 bad-tag: `!int` takes two whole numbers of 64 bits, the smaller one first, and `5..1` is something else (write for example `!int 0..500`)
            !int 1.5..2 → Unread
            3:8 bad-tag: `!int` takes two whole numbers of 64 bits, the smaller one first, and `1.5..2` is something else (write for example `!int 0..500`)
            !int 0..9999999999999999999 → Unread
            3:8 bad-tag: `!int` takes two whole numbers of 64 bits, the smaller one first, and `0..9999999999999999999` is something else (write for example `!int 0..500`)
            !int [0, 5] → Unread
            3:8 bad-tag: `!int` takes a range of whole numbers, and this is a list (write for example `!int 0..500`)
            !hash → Unread
            3:8 bad-tag: `!hash` takes a secret, and this is nothing (write for example `!hash {scheme: argon2id, value: !env ADMIN_PASSWORD}`)
            !hash ~ → Unread
            3:8 bad-tag: `!hash` takes a secret, and this is null (write for example `!hash {scheme: argon2id, value: !env ADMIN_PASSWORD}`)
            !hash [a] → Unread
            3:8 bad-tag: `!hash` takes a secret, and this is a list (write for example `!hash {scheme: argon2id, value: !env ADMIN_PASSWORD}`)
            !hash {scheme: bcrypt, value: x} → Unread
            3:23 bad-tag: `!hash` knows no scheme `bcrypt`: argon2id is the only one (write for example `!hash {scheme: argon2id, value: !env ADMIN_PASSWORD}`)
            !hash {scheme: argon2id} → Unread
            3:8 bad-tag: `!hash` has no `value` (write for example `!hash {scheme: argon2id, value: !env ADMIN_PASSWORD}`)
            !hash {value: !fake name} → Unread
            3:22 bad-tag: `!hash` takes a text or an `!env` as its `value` (write for example `!hash {scheme: argon2id, value: !env ADMIN_PASSWORD}`)
            !hash {value: ~} → Unread
            3:22 bad-tag: `!hash` takes a text or an `!env` as its `value` (write for example `!hash {scheme: argon2id, value: !env ADMIN_PASSWORD}`)
            !hash {valu: x} → Unread
            3:15 bad-tag: `!hash` knows no `valu` (did you mean `value`?)
        "#]],
    );
}

#[test]
fn names_in_texts_are_known_where_they_stand() {
    check(
        "_seed: {vars: {domain: d}}\nt:\n  _id: ${label}${i}${each}\n  _defaults: {a: \"${label}-${i}-${each}-${domain}\"}\n  one: {a: \"${label}$${label}$$${domain}$ {x}\"}\n  r{1..2}: {a: \"${i}\", b: !ref \"t.r${i}\"}\n  \"e{t.*}\": {a: \"${each}\"}\n",
        expect![[r#"
            envs None tags [] requires None depends_on [] Upsert random "" faker 1 vars {"domain": "d"} time None
            t: id <label><i><each>
              defaults: a="<label>-<i>-<each>-<domain>"
              5:3 one: a="<label>${label}$${domain}$ {x}"
              6:3 Range { before: "r", numbers: Numbers { first: 1, last: 2, width: 1, after: "" } }: a="<i>" b=ref t r<i> None
              7:3 Each(Each { before: "e", table: "t", pattern: "*", after: "", children: None }): a="<each>"
        "#]],
    );
    check(
        "_seed: {vars: {domain: d}}\nt:\n  _id: ${lable}\n  one: {a: \"${i}\", b: \"é ${each}\", c: \"${}\", d: \"x${label\", e: \"${dmain}\", f: \"${HOME}\", g: \"${ label }\"}\n  r{1..2}: {a: \"${each}\"}\n  \"e{t.*}\": {a: \"${i}\"}\nu:\n  - {a: \"${label} ${i} ${each} ${domain}\", b: 'it''s ${x}'}\n",
        expect![[r#"
            envs None tags [] requires None depends_on [] Upsert random "" faker 1 vars {"domain": "d"} time None
            t: id ${lable}
              4:3 one: a="${i}" b="é ${each}" c="${}" d="x${label" e="${dmain}" f="${HOME}" g="${ label }"
              5:3 Range { before: "r", numbers: Numbers { first: 1, last: 2, width: 1, after: "" } }: a="${each}"
              6:3 Each(Each { before: "e", table: "t", pattern: "*", after: "", children: None }): a="${i}"
            u:
              8:6 -: a="${label} ${i} ${each} <domain>" b="it's ${x}"
            3:8 unknown-name: nothing is named `lable` (did you mean `${label}`?)
            4:13 unknown-name: `${i}` is the number of one row of many, and this row is alone (it has a value in rows with a label like `load_{001..500}` or `post_{users.*}_{1..3}`)
            4:26 unknown-name: `${each}` is the label that a row was made for, and this row is for none (it has a value in rows with a label like `now_{users.load_*}`)
            4:40 unknown-name: `${}` names nothing (write `${label}`, or `$${` for the text `${` itself)
            4:51 bad-template: `${` has no `}` behind it (close it, or write `$${` for the text `${` itself)
            4:65 unknown-name: nothing is named `dmain` (did you mean `${domain}`?)
            4:80 unknown-name: nothing is named `HOME` (define it under `_seed` as `vars: {HOME: …}`; environment variables come only through `!env`)
            4:94 unknown-name: nothing is named ` label ` (did you mean `${label}`?)
            5:17 unknown-name: `${each}` is the label that a row was made for, and this row is for none (it has a value in rows with a label like `now_{users.load_*}`)
            6:18 unknown-name: `${i}` is the number of one row of many, and this row is alone (it has a value in rows with a label like `load_{001..500}` or `post_{users.*}_{1..3}`)
            8:10 unknown-name: the rows of a list have no `${label}` (give each row a label: `admin: {…}` instead of `- {…}`)
            8:19 unknown-name: `${i}` is the number of one row of many, and this row is alone (it has a value in rows with a label like `load_{001..500}` or `post_{users.*}_{1..3}`)
            8:24 unknown-name: `${each}` is the label that a row was made for, and this row is for none (it has a value in rows with a label like `now_{users.load_*}`)
            8:54 unknown-name: nothing is named `x` (define it under `_seed` as `vars: {x: …}`; environment variables come only through `!env`)
        "#]],
    );
}

#[test]
fn anchors_and_merges_are_as_if_written_out_and_a_problem_is_told_once() {
    check(
        "t:\n  a: &a {x: 1, y: !fake nope}\n  b: {<<: *a, x: 2}\n  c: *a\n",
        expect![[r#"
            t:
              2:3 a: x=1 y=Unread
              3:3 b: y=Unread x=2
              4:3 c: x=1 y=Unread
            2:19 bad-tag: `!fake` knows no kind `nope` (there are `name`, `first_name`, `last_name`, `email`, `username`, `phone.e164`, `city`, `country`, `street`, `company`, `word`, `sentence`, `paragraph`, `boolean`, `uuid`, `url` and `ipv4`)
        "#]],
    );
}

#[test]
fn problems_stand_in_the_order_of_the_file() {
    check(
        "t:\n  a: {x: !nope 1}\n  a: {}\n_seed: {formt: 1}\n_x: {}\n",
        expect![[r#"
            t:
              2:3 a: x=Unread
            _x:
            2:10 unknown-tag: there is no tag `!nope` (the tags are `!ref`, `!now`, `!ago`, `!in`, `!env`, `!file`, `!json`, `!hash`, `!fake`, `!pick`, `!each`, `!int`, `!decimal`, `!slug` and `!!binary`; `!csv` and `!json` name the file of a table, `!auto` and `!uuid` stand in `_id`; a text that begins with `!` needs quotes)
            3:3 duplicate-key: `a` stands twice in this map [first here: 2:3] (keep one of the two)
            4:9 unknown-setting: `_seed` has no setting `formt` (did you mean `format`?)
        "#]],
    );
}
