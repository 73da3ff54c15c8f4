//! `seedbed-test-server`: the test server as a program. It prints one line, `{"url":…}` as JSON, and runs
//! until its standard input ends or it gets a signal.

use seedbed_test_server::{Access, Auth, Control, Options, Replication, listen, run};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;
use tokio::io::AsyncReadExt;

const USAGE: &str = "usage: seedbed-test-server [--listen 127.0.0.1:0] [--folder DIR] [--auth] [--v2]
    [--write-window-ms N] [--stream-expiry-ms N] [--max-response-bytes N] [--max-value-bytes N] [--max-streams N]
prints {\"url\":…} and with --auth also \"token\", \"read_only_token\" and \"expired_token\";
runs until standard input ends or SIGTERM comes; faults are set over POST /test/faults";

fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nowhere else to say it.
            let _ = writeln!(io::stderr(), "seedbed-test-server: {error}");
            ExitCode::from(2)
        }
    }
}

fn serve() -> io::Result<()> {
    let (address, options) = arguments(std::env::args().skip(1))?;
    let auth = options.auth;
    let listener = listen(address)?;
    let control = Control::open(options)?;
    let mut line = serde_json::json!({ "url": format!("http://{}", listener.local_addr()?) });
    if auth == Auth::Token {
        line["token"] = control.token(Access::Full, None)?.into();
        line["read_only_token"] = control.token(Access::ReadOnly, None)?.into();
        line["expired_token"] = control.token(Access::Full, Some(-3600))?.into();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let served = runtime.block_on(async {
        let stop = stop()?;
        // A process that reads this may stop the server at once.
        writeln!(io::stdout(), "{line}")?;
        io::stdout().flush()?;
        run(listener, control, stop).await
    });
    // A thread may still be reading standard input.
    runtime.shutdown_background();
    served
}

/// Ready when standard input ends, or when the process gets a signal: from this call on, not from the
/// first poll.
fn stop() -> io::Result<impl Future<Output = ()>> {
    let terminated = terminated()?;
    let input = async {
        let mut buffer = [0; 1024];
        let mut input = tokio::io::stdin();
        while !matches!(input.read(&mut buffer).await, Ok(0) | Err(_)) {}
    };
    Ok(async {
        tokio::select! {
            () = input => {}
            _ = tokio::signal::ctrl_c() => {}
            () = terminated => {}
        }
    })
}

#[cfg(unix)]
fn terminated() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        terminate.recv().await;
    })
}

#[cfg(not(unix))]
fn terminated() -> io::Result<impl Future<Output = ()>> {
    Ok(std::future::pending())
}

fn arguments(mut given: impl Iterator<Item = String>) -> io::Result<(SocketAddr, Options)> {
    let mut address = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut options = Options::default();
    while let Some(name) = given.next() {
        let mut value = || given.next().ok_or_else(|| usage(&name));
        match name.as_str() {
            "--listen" => address = number(&name, &value()?)?,
            "--folder" => options.folder = Some(value()?.into()),
            "--auth" => options.auth = Auth::Token,
            "--v2" => options.replication = Replication::V2,
            "--write-window-ms" => options.write_window = milliseconds(&name, &value()?)?,
            "--stream-expiry-ms" => options.stream_expiry = milliseconds(&name, &value()?)?,
            "--max-response-bytes" => options.max_response_bytes = number(&name, &value()?)?,
            "--max-value-bytes" => options.max_value_bytes = number(&name, &value()?)?,
            "--max-streams" => options.max_streams = number(&name, &value()?)?,
            _ => return Err(usage(&name)),
        }
    }
    Ok((address, options))
}

fn milliseconds(name: &str, value: &str) -> io::Result<Duration> {
    number(name, value).map(Duration::from_millis)
}

fn number<T: FromStr>(name: &str, value: &str) -> io::Result<T> {
    value.parse().map_err(|_| usage(&format!("{name} {value}")))
}

fn usage(at: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{at}\n{USAGE}"))
}
