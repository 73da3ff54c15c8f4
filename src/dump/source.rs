//! What a dump is read from: a file, standard input, or any stream; plain or packed with gzip, told by its content.
//!
//! It gives bytes of text and counts those of the file. It knows no statement, and never opens a database: it only
//! says that a file is one.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::GzDecoder;

use super::error::{DumpError, NotADump};
use super::other_file::{DATABASE, other_file};

/// How much of a text is looked at before it is taken for one.
const HEAD: usize = 4096;

/// What a path leads to.
#[derive(Debug)]
#[non_exhaustive]
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
    text: Box<dyn Read + Send>,
    /// What stopped the last reading that gave something all the same.
    stopped: Option<io::Error>,
}

/// Whether a text is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Packing {
    /// It is not.
    Plain,
    /// With gzip.
    Gzip,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.name)
            .field("length", &self.length)
            .field("packed", &self.packed)
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
        let file = File::open(path).map_err(open)?;
        let metadata = file.metadata().map_err(open)?;
        if metadata.is_dir() {
            return Err(open(io::ErrorKind::IsADirectory.into()));
        }
        // A pipe has no length.
        let length = metadata.is_file().then_some(metadata.len());
        // The engine takes an empty file for a database without tables.
        if length == Some(0) && is_named_as_a_database(path) {
            return Ok(Opened::Database(path.to_owned()));
        }
        Ok(match sniffed(name.clone(), file, length)? {
            Sniffed::Database => Opened::Database(path.to_owned()),
            Sniffed::Text(source) => Opened::Text(source),
        })
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

    /// How many of [`Source::length`] bytes have been read: shared, to show it while another thread reads.
    pub fn progress(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.progress)
    }

    /// Whether it is packed.
    pub fn packing(&self) -> Packing {
        self.packed
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
        let mut unpacked = Members::new(text);
        // What is broken already is reported by the next read, with its place.
        let (first, end) = head(&mut unpacked);
        start = first;
        text = match end {
            Ok(()) => Box::new(io::Cursor::new(start.clone()).chain(unpacked)),
            Err(cause) => Box::new(io::Cursor::new(start.clone()).chain(Broken(Some(cause)))),
        };
    }
    if let Some(what) = other_file(&start, length.filter(|_| !gzip)) {
        return Err(DumpError::NotADump { name, what });
    }
    Ok(Sniffed::Text(Source {
        name,
        length,
        packed,
        progress,
        text,
        stopped: None,
    }))
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

/// The text of one gzip after the other, as `cat a.gz b.gz` makes it. Zeros at the end are padding, as for `gzip`.
struct Members<R> {
    /// The one under way; none between two of them.
    member: Option<GzDecoder<BufReader<R>>>,
    rest: Option<BufReader<R>>,
}

impl<R: Read> Members<R> {
    fn new(read: R) -> Members<R> {
        Members {
            member: Some(GzDecoder::new(BufReader::new(read))),
            rest: None,
        }
    }
}

impl<R: Read> Read for Members<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(member) = &mut self.member {
                let length = member.read(space)?;
                if length > 0 || space.is_empty() {
                    return Ok(length);
                }
                self.rest = self.member.take().map(GzDecoder::into_inner);
            }
            let Some(rest) = &mut self.rest else {
                return Ok(0);
            };
            loop {
                let bytes = rest.fill_buf()?;
                let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
                let is_padding = zeros == bytes.len();
                if bytes.is_empty() {
                    return Ok(0);
                }
                rest.consume(zeros);
                if !is_padding {
                    break;
                }
            }
            if bytes_of_another_kind(rest)? {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "bytes that are no gzip follow its end",
                ));
            }
            self.member = self.rest.take().map(GzDecoder::new);
        }
    }
}

/// Whether what follows, which is not nothing, begins no gzip. A piece may end behind its first byte.
fn bytes_of_another_kind(rest: &mut BufReader<impl Read>) -> io::Result<bool> {
    const MAGIC: [u8; 2] = [0x1f, 0x8b];
    let bytes = rest.fill_buf()?;
    let length = bytes.len().min(MAGIC.len());
    Ok(bytes[..length] != MAGIC[..length])
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

/// Whether a file has the ending of a database.
fn is_named_as_a_database(path: &Path) -> bool {
    const ENDINGS: [&str; 5] = ["db", "db3", "s3db", "sqlite", "sqlite3"];
    path.extension().is_some_and(|ending| {
        let mut endings = ENDINGS.iter();
        endings.any(|known| ending.eq_ignore_ascii_case(known))
    })
}
