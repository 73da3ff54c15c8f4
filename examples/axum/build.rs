//! Builds the program again when a migration is added, so that `embed!` sees it.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
