//! Reading ahead: a dump is read on a thread of its own while what was read before is written.

use tokio::sync::mpsc::{Receiver, channel};

use crate::dump::{Block, DumpError};

/// How many blocks may wait to be written.
const AHEAD: usize = 4;

/// What gives the blocks of a dump.
pub(crate) trait Blocks: Send + 'static {
    /// The next one; none at the end of the dump.
    fn next_block(&mut self) -> Result<Option<Block>, DumpError>;
}

/// The blocks of a dump, as they come from that thread.
pub(crate) struct Ahead(Receiver<Result<Block, DumpError>>);

impl Ahead {
    /// Begins to read. The thread ends with the dump, with its first error, or once this is dropped.
    pub(crate) fn of(mut blocks: impl Blocks) -> Ahead {
        let (send, receive) = channel(AHEAD);
        std::thread::spawn(move || {
            loop {
                let (block, is_last) = match blocks.next_block() {
                    Ok(Some(block)) => (Ok(block), false),
                    Ok(None) => break,
                    Err(error) => (Err(error), true),
                };
                if send.blocking_send(block).is_err() || is_last {
                    break;
                }
            }
        });
        Ahead(receive)
    }

    /// The next block, for who may block.
    pub(super) fn blocking_next(&mut self) -> Option<Result<Block, DumpError>> {
        self.0.blocking_recv()
    }

    /// The next block.
    pub(super) async fn next(&mut self) -> Option<Result<Block, DumpError>> {
        self.0.recv().await
    }
}
