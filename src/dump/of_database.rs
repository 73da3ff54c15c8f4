//! The dump that a database file would make, as a stream of bytes: so whatever reads dumps reads databases too.

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::export::{ExportOptions, export};
use crate::db::{Db, Options};

/// How many pieces of a dump wait at the most to be read.
const AHEAD: usize = 4;

/// The dump of a database file, written by a thread of its own while it is read.
pub(super) fn dump_of(path: &Path) -> impl Read + Send + 'static {
    let (mut out, pieces) = pipe();
    let path = path.to_owned();
    std::thread::spawn(move || {
        if let Err(error) = written(&path, &mut out) {
            // Nobody reads any more where this fails.
            let _ = out.0.send(Err(error));
        }
    });
    pieces
}

/// What is written on one side is read on the other.
pub(super) fn pipe() -> (Sender, Pieces) {
    let (send, receive) = sync_channel(AHEAD);
    let pieces = Pieces {
        receive,
        piece: Vec::new(),
        read: 0,
    };
    (Sender(send), pieces)
}

/// It has a runtime of its own: it must go on while the one of who reads is busy.
fn written(path: &Path, out: &mut Sender) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let db = Db::local(path, Options::default()).map_err(io::Error::other)?;
    let done = runtime.block_on(export(&db, &ExportOptions::default(), out));
    done.map(drop).map_err(io::Error::other)
}

/// The side that writes.
pub(super) struct Sender(SyncSender<io::Result<Vec<u8>>>);

impl Write for Sender {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.send(Ok(bytes.to_vec()));
        sent.map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The side that reads.
pub(super) struct Pieces {
    receive: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    read: usize,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read == self.piece.len() {
            match self.receive.recv() {
                Ok(piece) => self.piece = piece?,
                Err(_) => return Ok(0),
            }
            self.read = 0;
        }
        let length = buffer.len().min(self.piece.len() - self.read);
        buffer[..length].copy_from_slice(&self.piece[self.read..self.read + length]);
        self.read += length;
        Ok(length)
    }
}
