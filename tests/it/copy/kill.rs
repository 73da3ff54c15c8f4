//! Copies that are killed at any moment: nothing wrong has the name of the target, and the same command finishes it,
//! equal to an undisturbed copy.

use crate::import::kill::{into_files, into_servers, project};
use crate::project::Project;
use crate::server::Server;

/// `source.db`, with more than goes into one transaction.
fn source() -> Project {
    let project = project().after("import old.sql --database source.db");
    project.write("migrations/V1__a.sql", "CREATE TABLE a (x);");
    project
}

/// The same on a server too.
fn source_on(server: &Server) -> Project {
    source().after(&format!("copy source.db {}", server.url()))
}

#[test]
fn to_a_new_file() {
    into_files(&source(), |name| format!("copy source.db {name}"));
}

#[test]
fn to_a_server() {
    into_servers(&source(), |url| {
        format!("copy source.db {url} --transaction-bytes 40000")
    });
}

#[test]
fn from_a_server_to_a_server() {
    let from = Server::start();
    into_servers(&source_on(&from), |url| {
        format!("copy {} {url} --transaction-bytes 40000", from.url())
    });
}

#[test]
fn from_a_server_to_a_new_file() {
    let from = Server::start();
    into_files(&source_on(&from), |name| {
        format!("copy {} {name}", from.url())
    });
}
