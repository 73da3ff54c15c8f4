//! How much memory the program takes, by the kernel's own count.

use std::time::{Duration, Instant};

use seedbed_test_server::{Fault, Options};

use crate::project::Project;
use crate::server::ours;

/// A build without optimisation needs a little more than half of it.
const MOST_KB: u64 = 12 * 1024;

/// The most memory that a process had so far, and what its program's own pages take, both in KB; none once it has ended.
fn peak(id: u32) -> Option<(u64, u64)> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let kilobytes = |name| -> Option<u64> {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    Some((kilobytes("VmHWM:")?, kilobytes("RssFile:")?))
}

/// The most memory that a command takes, in KB, without the pages of the program itself. It succeeds.
fn most(project: &Project, command: &str) -> u64 {
    let running = project.spawn(command);
    let id = running.id();
    // A process that ends gives its pages back before its peak is gone: only the most of each says what it took.
    let (mut most, mut program) = (0, 0);
    let until = Instant::now() + Duration::from_secs(60);
    while let Some((peak, pages)) = peak(id).filter(|_| Instant::now() < until) {
        most = most.max(peak);
        program = program.max(pages);
        std::thread::sleep(Duration::from_millis(2));
    }
    let ran = running.finish();
    assert_eq!(ran.code, Some(0), "{ran}");
    most.saturating_sub(program)
}

#[test]
fn a_dump_takes_the_same_memory_whatever_its_size() {
    let server = ours(Options::default());
    let sql = "CREATE TABLE t (id INTEGER PRIMARY KEY, x);\n\
               WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 15000) \
               INSERT INTO t SELECT i, randomblob(4000) FROM n;\n";
    let project = Project::new().migration("V1__t", sql);
    for (name, database) in [("local", "local.db"), ("remote", &server.url())] {
        let ran = project.run(&format!("migrate --database {database}"));
        assert_eq!(ran.code, Some(0), "{ran}");
        let command = format!("export --database {database} {name}.sql");
        let most = most(&project, &command);
        let size = std::fs::metadata(project.path(format!("{name}.sql")))
            .unwrap()
            .len();
        println!("{most} KB at the most, for {size} bytes");
        assert!(
            size > 120_000_000 && most > 0 && most < MOST_KB,
            "{most} KB"
        );
    }
}

#[test]
fn twenty_migrations_on_a_server_take_little_memory() {
    let server = ours(Options::default());
    let mut project = Project::new();
    for n in 1..=20 {
        let sql = format!("CREATE TABLE t{n} (id INTEGER PRIMARY KEY, x TEXT);\n");
        project = project.migration(&format!("V{n}__t{n}"), sql);
    }
    // The script is on its way for long enough to be looked at.
    server.fault(2, Fault::Delay { ms: 300 });
    let most = most(&project, &format!("migrate --database {}", server.url()));
    println!("{most} KB at the most");
    assert!(most > 0 && most < MOST_KB, "{most} KB");
}

#[test]
fn the_memory_for_seeds_is_a_small_multiple_of_the_size_of_their_file() {
    const ROWS: usize = 20_000;
    const NAMES: [&str; 7] = ["id", "email", "name", "city", "age", "joined", "note"];
    let row = |n: usize| {
        let note = format!("{} {}", "note".repeat(15), n * 7919 % 1_000_003);
        let values = [
            n.to_string(),
            format!("person{n:06}@example.test"),
            format!("Person Number {n}"),
            ["Berlin", "Paris", "Rome", "Lisbon"][n % 4].to_owned(),
            (18 + n % 70).to_string(),
            format!("2024-{:02}-{:02}", n % 12 + 1, n % 28 + 1),
            note,
        ];
        NAMES.into_iter().zip(values)
    };
    let yaml = |(name, value): (&str, String)| format!("{name}: {value}");
    let json = |(name, value): (&str, String)| format!("\"{name}\":\"{value}\"");
    let join = |n: usize, word: &dyn Fn((&'static str, String)) -> String| {
        row(n).map(word).collect::<Vec<_>>().join(", ")
    };
    let lines = |word: &dyn Fn((&'static str, String)) -> String| {
        (1..=ROWS).map(|n| join(n, word)).collect::<Vec<_>>()
    };
    let list = format!("people:\n  - {{{}}}\n", lines(&yaml).join("}\n  - {"));
    let cells = lines(&|(_, value)| value).join("\n").replace(", ", ",");
    let csv = format!("{}\n{cells}\n", NAMES.join(","));
    let objects = format!("[{{{}}}]\n", lines(&json).join("},\n{"));
    // How many times the size a first run takes, in tenths, and whatever looks at the rows later. A line of CSV is short,
    // and has as many cells.
    for (name, seed, rows, first, later) in [
        ("list.yaml", list.as_str(), "", 85, 81),
        (
            "people.csv",
            "people: !csv people.csv\n",
            csv.as_str(),
            109,
            104,
        ),
        (
            "people.json",
            "people: !json people.json\n",
            objects.as_str(),
            78,
            74,
        ),
    ] {
        let columns = "id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT, city TEXT, \
                       age INTEGER, joined TEXT, note TEXT";
        let project = Project::new()
            .migration("V1__people", format!("CREATE TABLE people ({columns});\n"))
            .file("seeds/010_people.yaml", seed);
        let project = match rows {
            "" => project,
            rows => project.file(format!("seeds/{name}"), rows),
        };
        let size = seed.len().max(rows.len()) as u64 / 1024;
        let without_rows = most(&project, "migrate --database app.db");
        for (command, times) in [
            ("seed", first),
            ("seed", later),
            ("status", later),
            ("seed --dry-run", later),
        ] {
            let most = most(&project, &format!("{command} --database app.db"));
            let most = most.saturating_sub(without_rows);
            println!("{name} of {size} KB, {command}: {most} KB");
            assert!(
                most > 0 && most * 10 < times * size,
                "{name} of {size} KB, {command}: {most} KB"
            );
        }
    }
}
