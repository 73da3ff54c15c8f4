//! Files that are read whole. A named pipe without a writer is waited for without an end, and a device may have none: so
//! only regular files are read, and links to them. Where a flag may name what flows (`--env-file <(…)`), that is read
//! too, for a limited time and up to a limited size.

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::time::Duration;

/// What flows may take so long.
const WITHIN: Duration = Duration::from_secs(10);

/// What flows may be so long, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// The metadata of a regular file, or of one that links lead to.
///
/// # Errors
/// The system's; [`ErrorKind::InvalidInput`] where it is no such file.
pub(crate) fn regular(path: &Path) -> io::Result<fs::Metadata> {
    let metadata = fs::metadata(path)?;
    // The system names a folder in its own words.
    match metadata.is_file() || metadata.is_dir() {
        true => Ok(metadata),
        false => Err(io::Error::new(
            ErrorKind::InvalidInput,
            "this is a named pipe, a socket or a device, not a file",
        )),
    }
}

/// The text of a regular file.
///
/// # Errors
/// The system's; [`ErrorKind::InvalidInput`] where it is no such file, [`ErrorKind::InvalidData`] where it is not UTF-8.
pub fn text(path: &Path) -> io::Result<String> {
    regular(path)?;
    fs::read_to_string(path)
}

/// The text of a file, or of a pipe or a device that comes to its end in time.
///
/// # Errors
/// As [`text`]; [`ErrorKind::TimedOut`] and [`ErrorKind::FileTooLarge`] for what flows.
pub(crate) fn text_or_flow(path: &Path) -> io::Result<String> {
    text_within(path, WITHIN)
}

fn text_within(path: &Path, within: Duration) -> io::Result<String> {
    match regular(path) {
        Err(error) if error.kind() == ErrorKind::InvalidInput => {}
        Err(error) => return Err(error),
        Ok(_) => return fs::read_to_string(path),
    }
    let (send, receive) = std::sync::mpsc::channel();
    let flows = path.to_owned();
    // Nothing ends a thread that waits for a pipe to be opened: it stays until the process ends.
    std::thread::spawn(move || {
        let mut text = String::new();
        let read = fs::File::open(flows)
            .and_then(|file| file.take(LONGEST + 1).read_to_string(&mut text))
            .map(|_| text);
        let _ = send.send(read);
    });
    let text = receive.recv_timeout(within).map_err(|_| {
        let seconds = within.as_secs();
        let words = format!("this is a pipe or a device, and it did not end within {seconds} s");
        io::Error::new(ErrorKind::TimedOut, words)
    })??;
    match text.len() as u64 > LONGEST {
        true => Err(io::Error::new(
            ErrorKind::FileTooLarge,
            "this is a pipe or a device, and it gives more than 1 MB",
        )),
        false => Ok(text),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::io::Write;

    fn pipe(folder: &Path) -> std::path::PathBuf {
        let path = folder.join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        path
    }

    #[test]
    fn what_flows_is_refused_where_a_file_is_meant() {
        let folder = tempfile::tempdir().unwrap();
        let path = pipe(folder.path());
        for path in [path.as_path(), Path::new("/dev/zero")] {
            let error = text(path).unwrap_err().to_string();
            assert!(error.contains("not a file"), "{error}");
        }
        let link = folder.path().join("link");
        std::fs::write(folder.path().join("file"), "a").unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        assert_eq!(text(&link).unwrap(), "a");
        assert_eq!(
            text(folder.path()).unwrap_err().kind(),
            ErrorKind::IsADirectory
        );
    }

    #[test]
    fn what_flows_is_read_where_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = pipe(folder.path());
        let writer = {
            let path = path.clone();
            std::thread::spawn(move || {
                let mut pipe = std::fs::File::options().write(true).open(path).unwrap();
                pipe.write_all(b"A=1\n").unwrap();
            })
        };
        assert_eq!(text_or_flow(&path).unwrap(), "A=1\n");
        writer.join().unwrap();
        assert_eq!(text_or_flow(Path::new("/dev/null")).unwrap(), "");
    }

    #[test]
    fn what_does_not_end_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = pipe(folder.path());
        let error = text_within(&path, Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let error = text_or_flow(Path::new("/dev/zero")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
    }
}
