//! Copies that are killed at any moment: nothing wrong has the name of the target, and the same command finishes it,
//! equal to an undisturbed copy.

use seedbed::db::{Db, Options};

use crate::import::kill::{killed_at_any_moment, project};
use crate::project::Project;
use crate::server::Server;

/// `source.db`, with more than goes into one transaction.
fn source() -> Project {
    let project = project().after("import old.sql --database source.db");
    project.write("migrations/V1__a.sql", "CREATE TABLE a (x);");
    project
}

#[test]
fn to_a_new_file() {
    let project = source();
    let root = project.path("");
    killed_at_any_moment(&project, |round| {
        let name = format!("round{round}.db");
        let file = root.join(&name);
        let open = move || Db::local(file.clone(), Options::default()).unwrap();
        (format!("copy source.db {name}"), Box::new(open))
    });
    let left = project.files();
    let left: Vec<&String> = left
        .iter()
        .filter(|name| name.contains("-building-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn to_a_server() {
    let project = source();
    let mut servers = Vec::new();
    killed_at_any_moment(&project, |_| {
        let server = Server::start();
        let url = server.url();
        servers.push(server);
        let line = format!("copy source.db {url} --transaction-bytes 40000");
        let open = move || Db::remote(&url, None, Options::default()).unwrap();
        (line, Box::new(open))
    });
}

#[test]
fn from_a_server_to_a_server() {
    let project = source();
    let from = Server::start();
    let project = project.after(&format!("copy source.db {}", from.url()));
    let mut servers = Vec::new();
    killed_at_any_moment(&project, |_| {
        let server = Server::start();
        let url = server.url();
        servers.push(server);
        let line = format!("copy {} {url} --transaction-bytes 40000", from.url());
        let open = move || Db::remote(&url, None, Options::default()).unwrap();
        (line, Box::new(open))
    });
}

#[test]
fn from_a_server_to_a_new_file() {
    let project = source();
    let from = Server::start();
    let project = project.after(&format!("copy source.db {}", from.url()));
    let root = project.path("");
    killed_at_any_moment(&project, |round| {
        let name = format!("round{round}.db");
        let file = root.join(&name);
        let open = move || Db::local(file.clone(), Options::default()).unwrap();
        (format!("copy {} {name}", from.url()), Box::new(open))
    });
}
