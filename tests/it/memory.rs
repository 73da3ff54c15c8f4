//! How much memory the program takes, by the kernel's own count.

use std::time::{Duration, Instant};

use seedbed_test_server::{Fault, Options};

use crate::project::Project;
use crate::server::ours;

/// A build without optimisation needs a little more than half of it.
const MOST_KB: u64 = 12 * 1024;

/// The most memory that a process had so far, in KB, without the pages of the program itself; none once it has ended.
fn peak(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let kilobytes = |name| -> Option<u64> {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    Some(kilobytes("VmHWM:")?.saturating_sub(kilobytes("RssFile:")?))
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
        let running = project.spawn(&format!("export --database {database} {name}.sql"));
        let id = running.id();
        let mut most = 0;
        let until = Instant::now() + Duration::from_secs(60);
        while let Some(peak) = peak(id).filter(|_| Instant::now() < until) {
            most = most.max(peak);
            std::thread::sleep(Duration::from_millis(5));
        }
        let ran = running.finish();
        assert_eq!(ran.code, Some(0), "{ran}");
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
    let running = project.spawn(&format!("migrate --database {}", server.url()));
    let id = running.id();
    let mut most = 0;
    let until = Instant::now() + Duration::from_secs(60);
    while let Some(peak) = peak(id).filter(|_| Instant::now() < until) {
        most = most.max(peak);
        std::thread::sleep(Duration::from_millis(2));
    }
    let ran = running.finish();
    assert_eq!(ran.code, Some(0), "{ran}");
    println!("{most} KB at the most");
    assert!(most > 0 && most < MOST_KB, "{most} KB");
}
