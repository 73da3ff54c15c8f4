//! `cargo xtask …`: Seedbed's command line, in this project.

fn main() -> std::process::ExitCode {
    seedbed_cli::main()
}
