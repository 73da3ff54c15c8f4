//! What a dump is read from: a file, standard input, or any stream; plain or packed with gzip, told by its content.
//!
//! It gives bytes of text and counts those of the file. It knows no statement, and never opens a database: it only
//! says that a file is one.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

use super::error::{DumpError, NotADump};

/// How a database file begins: <https://sqlite.org/fileformat.html#magic_header_string>.
const DATABASE: &[u8] = b"SQLite format 3\0";

/// How much of a text is looked at before it is taken for one.
const HEAD: usize = 4096;

/// How much of the end of a file is looked at for its `COMMIT`.
const TAIL: u64 = 64 * 1024;

/// What a path leads to.
#[derive(Debug)]
pub enum Opened {
    /// A text.
    Text(Source),
    /// A database: what its dump would be is for the caller to find out.
    Database(PathBuf),
}

/// The text of a dump, not read yet.
pub struct Source {
    name: String,
    length: Option<u64>,
    packed: Packing,
    progress: Arc<AtomicU64>,
    ending: Option<Ending>,
    text: Box<dyn Read + Send>,
    /// What stopped the last reading that gave something all the same.
    stopped: Option<io::Error>,
}

/// Whether a text is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// It is not.
    Plain,
    /// With gzip.
    Gzip,
}

/// How a file ends, as far as its last bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// There is a `COMMIT`.
    Commit,
    /// The last line is `ROLLBACK`, at this byte.
    Rollback {
        /// Bytes before it.
        offset: u64,
    },
    /// There is neither: a transaction that was begun is not complete.
    Open,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.name)
            .field("length", &self.length)
            .field("packed", &self.packed)
            .field("ending", &self.ending)
            .finish_non_exhaustive()
    }
}

impl Source {
    /// Opens a file.
    ///
    /// # Errors
    /// The system's, and where the file is neither a text nor a database.
    pub fn open(path: &Path) -> Result<Opened, DumpError> {
        let name = path.display().to_string();
        let open = |cause| DumpError::Open {
            name: name.clone(),
            cause,
        };
        let mut file = File::open(path).map_err(open)?;
        let metadata = file.metadata().map_err(open)?;
        if metadata.is_dir() {
            return Err(open(io::ErrorKind::IsADirectory.into()));
        }
        // A pipe has no length, and no end to look at.
        let length = metadata.is_file().then_some(metadata.len());
        let ending = match length {
            Some(length) => Some(ending(&mut file, length).map_err(open)?),
            None => None,
        };
        match sniffed(name.clone(), file, length)? {
            Sniffed::Database => Ok(Opened::Database(path.to_owned())),
            Sniffed::Text(source) => Ok(Opened::Text(Source {
                ending: ending.filter(|_| source.packed == Packing::Plain),
                ..source
            })),
        }
    }

    /// Standard input.
    ///
    /// # Errors
    /// The system's, and where what comes is no text.
    pub fn stdin() -> Result<Source, DumpError> {
        Source::of("<stdin>", io::stdin())
    }

    /// Whatever can be read; `name` is how it is spoken of.
    ///
    /// # Errors
    /// The stream's, and where what comes is no text. A database is none: it cannot be opened where it flows.
    pub fn of(
        name: impl Into<String>,
        read: impl Read + Send + 'static,
    ) -> Result<Source, DumpError> {
        let name = name.into();
        match sniffed(name.clone(), read, None)? {
            Sniffed::Text(source) => Ok(source),
            Sniffed::Database => Err(DumpError::NotADump {
                name,
                what: NotADump::Database,
            }),
        }
    }

    /// How it is spoken of: its path as given, or `<stdin>`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its length in bytes, packed as it is; none for what has no end until it comes.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// How many of [`Source::length`] bytes have been read: shared, for whoever shows it while another thread reads.
    pub fn progress(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.progress)
    }

    /// Whether it is packed.
    pub fn packing(&self) -> Packing {
        self.packed
    }

    /// How it ends, where that can be known before it is read: for a plain file.
    pub fn ending(&self) -> Option<Ending> {
        self.ending
    }

    /// Whether the next reading gives an error.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// Fills `space` as far as the text goes; what can be read before an error comes first.
    ///
    /// # Errors
    /// The stream's. A packed text that ends too early says [`io::ErrorKind::UnexpectedEof`].
    pub(super) fn fill(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if let Some(cause) = self.stopped.take() {
            return Err(cause);
        }
        let (length, end) = full(&mut self.text, space);
        match end {
            Err(cause) if length == 0 => return Err(cause),
            end => self.stopped = end.err(),
        }
        Ok(length)
    }
}

enum Sniffed {
    Text(Source),
    Database,
}

/// Finds out what `read` gives.
fn sniffed(
    name: String,
    read: impl Read + Send + 'static,
    length: Option<u64>,
) -> Result<Sniffed, DumpError> {
    let progress = Arc::new(AtomicU64::new(0));
    let mut read = Counted {
        read,
        count: Arc::clone(&progress),
    };
    let (opened, end) = head(&mut read);
    end.map_err(|cause| DumpError::Open {
        name: name.clone(),
        cause,
    })?;
    if opened.starts_with(DATABASE) {
        return Ok(Sniffed::Database);
    }
    let mut packed = Packing::Plain;
    let gzip = opened.starts_with(&[0x1f, 0x8b]);
    let mut text: Box<dyn Read + Send> = Box::new(io::Cursor::new(opened.clone()).chain(read));
    let mut start = opened;
    if gzip {
        packed = Packing::Gzip;
        let mut unpacked = MultiGzDecoder::new(text);
        // What is broken already is told by whoever reads on, with its place.
        let (first, end) = head(&mut unpacked);
        start = first;
        text = match end {
            Ok(()) => Box::new(io::Cursor::new(start.clone()).chain(unpacked)),
            Err(cause) => Box::new(io::Cursor::new(start.clone()).chain(Broken(Some(cause)))),
        };
    }
    if let Some(what) = no_text(&start) {
        return Err(DumpError::NotADump { name, what });
    }
    Ok(Sniffed::Text(Source {
        name,
        length,
        packed,
        progress,
        ending: None,
        text,
        stopped: None,
    }))
}

/// What a text never begins with.
fn no_text(start: &[u8]) -> Option<NotADump> {
    let magic: [(&[u8], &'static str); 4] = [
        (b"PK\x03\x04", "zip"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"\xfd7zXZ\0", "xz"),
        (b"BZh", "bzip2"),
    ];
    if start.starts_with(DATABASE) {
        return Some(NotADump::Database);
    }
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        return Some(NotADump::Utf16);
    }
    if let Some((_, format)) = magic.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Some(NotADump::Packed { format });
    }
    let nul = start.iter().position(|&byte| byte == 0)?;
    // Every other byte of a text in Latin letters.
    let halves = |odd: usize| {
        let mut pairs = start.chunks_exact(2).take(8);
        start.len() >= 4 && pairs.all(|pair| pair[odd] == 0 && pair[1 - odd] != 0)
    };
    Some(if halves(0) || halves(1) {
        NotADump::Utf16
    } else {
        NotADump::Binary { offset: nul as u64 }
    })
}

/// How the file ends; it is at its begin again then.
fn ending(file: &mut File, length: u64) -> io::Result<Ending> {
    let from = length.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(ending_of(&tail, from))
}

/// How a text ends whose last bytes are `tail`, and `offset` bytes stand before them.
pub(super) fn ending_of(tail: &[u8], offset: u64) -> Ending {
    let begins = |line: &[u8], word: &[u8]| {
        let rest = line.get(word.len()..).unwrap_or_default();
        line.len() >= word.len()
            && line[..word.len()].eq_ignore_ascii_case(word)
            && matches!(rest.first(), Some(b';' | b' ' | b'\t'))
            && rest.contains(&b';')
    };
    let mut end = tail.len();
    let mut is_last = true;
    for line in tail.split(|&byte| byte == b'\n').rev() {
        let start = end - line.len();
        end = start.saturating_sub(1);
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"--") {
            continue;
        }
        if is_last && begins(line, b"ROLLBACK") {
            return Ending::Rollback {
                offset: offset + start as u64,
            };
        }
        // Some write a dump as one line.
        let last = line.strip_suffix(b";").unwrap_or_default();
        let last = last.rsplit(|&byte| byte == b';').next().unwrap_or(last);
        let last = [last.trim_ascii(), b";"].concat();
        let ends = |word: &[u8]| begins(line, word) || begins(&last, word);
        // A trigger ends with `END;` too, and is no last line.
        if ends(b"COMMIT")
            || ends(b"RELEASE")
            || ends(b"END TRANSACTION")
            || (is_last && ends(b"END"))
        {
            return Ending::Commit;
        }
        is_last = false;
    }
    Ending::Open
}

/// The first bytes, and what stopped their reading.
fn head(read: &mut impl Read) -> (Vec<u8>, io::Result<()>) {
    let mut head = vec![0; HEAD];
    let (length, end) = full(read, &mut head);
    head.truncate(length);
    (head, end)
}

/// Reads until `space` is full or nothing comes any more, however small the pieces are: what is read never depends on
/// how it came.
fn full(read: &mut (impl Read + ?Sized), space: &mut [u8]) -> (usize, io::Result<()>) {
    let mut length = 0;
    while length < space.len() {
        match read.read(&mut space[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (length, Err(error)),
        }
    }
    (length, Ok(()))
}

/// Counts the bytes that pass.
struct Counted<R> {
    read: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let length = self.read.read(space)?;
        self.count.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// Fails.
struct Broken(Option<io::Error>);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        match self.0.take() {
            Some(cause) => Err(cause),
            None => Ok(0),
        }
    }
}
