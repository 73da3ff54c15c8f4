//! The `embed!` macro of Seedbed: a directory of migrations becomes part of a program.
//!
//! It finds the files and lets the compiler read them. What their names and texts mean is none of its business: the
//! set that comes of them at run time tells every problem, as it does for a directory.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod expand;
mod input;

use proc_macro::TokenStream;

use expand::Surroundings;

/// Compiles the `.sql` files of a directory in, and makes `seedbed::migrations::Migrations` of them:
///
/// ```ignore
/// let set = seedbed::embed!("migrations");
/// ```
///
/// The path is relative to the package's `Cargo.toml`. Folders nest; files are known by their paths from there.
///
/// # When it is built again
/// Whenever a file is edited or removed. Of a **new** file the compiler knows nothing unless the build script tells of
/// the directory, so the package needs a `build.rs` with this line:
///
/// ```ignore
/// fn main() {
///     println!("cargo:rerun-if-changed=migrations");
/// }
/// ```
///
/// Without any build script this does not compile, since a program that lacks the newest migration is worse. Where
/// something else sees to it, say so: `embed!("migrations", rebuild = manual)`.
#[proc_macro]
pub fn embed(input: TokenStream) -> TokenStream {
    let surroundings = Surroundings::of_this_process();
    let code = input::read(input)
        .and_then(|input| expand::expand(&input, &surroundings))
        .unwrap_or_else(|error| expand::refusal(&error));
    code.parse()
        .unwrap_or_else(|error: proc_macro::LexError| no_code(&error))
}

/// Generated code always parses; if it does not, that is reported like any other error.
fn no_code(error: &proc_macro::LexError) -> TokenStream {
    expand::refusal(&format!(
        "embed! has made something that is no code: {error}"
    ))
    .parse()
    .unwrap_or_default()
}
