//! The program `seedbed`, for the specifications: the same few lines as in `cli/src/main.rs`.

fn main() -> std::process::ExitCode {
    seedbed_cli::main()
}
