//! The dump that a database would make, as a stream of bytes: so whatever reads dumps reads databases too.

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::export::{ExportOptions, WrittenTables, export_noting};
use crate::db::{Db, DbError, Options};

/// How many pieces of a dump wait at the most to be read.
const AHEAD: usize = 4;

/// The dump of a database file, written by a thread of its own while it is read.
pub(super) fn dump_of(path: &Path) -> Pieces {
    let path = path.to_owned();
    let open = move || Db::local(&path, Options::default());
    let (send, pieces) = channel();
    write(
        open,
        ExportOptions::default(),
        vec![send],
        WrittenTables::default(),
    );
    pieces
}

/// The same of an open database, as often as there are readers: all of them get the same bytes. The tables are known once
/// the first byte is read.
pub(super) fn dump_of_open<const N: usize>(
    db: &Db,
    options: ExportOptions,
) -> ([Pieces; N], WrittenTables) {
    let db = db.clone();
    let channels = [(); N].map(|()| channel());
    let senders = channels.iter().map(|(send, _)| send.clone()).collect();
    // Connections of another runtime end with it.
    let tables = WrittenTables::default();
    write(move || db.apart(), options, senders, tables.clone());
    (channels.map(|(_, pieces)| pieces), tables)
}

/// What is written on one side is read on the other.
pub(super) fn pipe() -> (Senders, Pieces) {
    let (send, pieces) = channel();
    (Senders(vec![send]), pieces)
}

fn channel() -> (SyncSender<io::Result<Vec<u8>>>, Pieces) {
    let (send, receive) = sync_channel(AHEAD);
    let pieces = Pieces {
        receive,
        piece: Vec::new(),
        read: 0,
    };
    (send, pieces)
}

fn write(
    open: impl FnOnce() -> Result<Db, DbError> + Send + 'static,
    options: ExportOptions,
    readers: Vec<SyncSender<io::Result<Vec<u8>>>>,
    tables: WrittenTables,
) {
    std::thread::spawn(move || {
        let mut out = Senders(readers);
        let Err(error) = written(open, &options, &mut out, &tables) else {
            return;
        };
        // Where this fails, the readers are gone. The first reader reports the error.
        let (kind, words) = (error.kind(), error.to_string());
        let mut error = Some(error);
        for reader in &out.0 {
            let error = error.take();
            let _ = reader.send(Err(error.unwrap_or_else(|| io::Error::new(kind, &*words))));
        }
    });
}

/// It has a runtime of its own: it must go on while the runtime of the reader is busy.
fn written(
    open: impl FnOnce() -> Result<Db, DbError>,
    options: &ExportOptions,
    out: &mut Senders,
    tables: &WrittenTables,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let db = open().map_err(io::Error::other)?;
    let done = runtime.block_on(export_noting(&db, options, out, tables));
    done.map(drop).map_err(io::Error::other)
}

/// The side that writes. Where the first reader is gone, nothing is written any more.
pub(super) struct Senders(Vec<SyncSender<io::Result<Vec<u8>>>>);

impl Write for Senders {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for reader in &self.0 {
            let sent = reader.send(Ok(bytes.to_vec()));
            sent.map_err(|_| io::ErrorKind::BrokenPipe)?;
        }
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
