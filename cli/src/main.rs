//! The `seedbed` program: the same as `cargo xtask`, for projects that do not want one.

fn main() -> std::process::ExitCode {
    seedbed_cli::main()
}
