//! `verify`, and what `import --verify full` does at its end.

use std::path::Path;

use crate::args;
use crate::exit::Exit;
use crate::session::{Ending, Opened, Session, Stopped};
use seedbed::diagnostic::Class;
use seedbed::dump::{self, Input, Level, Verified};
use seedbed::report::{self, Document, Report};

/// `verify`
pub(crate) async fn verify(session: &Session, flags: &args::VerifyDump) -> Ending {
    let input = input(&flags.dump);
    let level = match flags.counts {
        true => Level::Counts,
        false => Level::Full,
    };
    let opened = session.open(flags.lock.lock_timeout).await?;
    super::dump::is_there(session, &opened)?;
    let verified = compare(session, &opened, &input, level).await?;
    let exit = exit(&verified);
    session.result(
        Some(&opened),
        exit,
        |call| Document::verified(call, &verified),
        |style| report::verified(&verified, style),
    );
    session.annotate(&Report::verified(&verified));
    Ok(exit)
}

/// What a name of a dump means.
pub(super) fn input(name: &Path) -> Input {
    match name.as_os_str().to_str() {
        Some("-") => Input::Stdin,
        _ => Input::File(name.to_path_buf()),
    }
}

pub(super) fn exit(verified: &Verified) -> Exit {
    match verified.is_equal() {
        true => Exit::Done,
        false => Exit::Stopped(Class::Failed),
    }
}

/// Compares, or says why that cannot be done.
pub(super) async fn compare(
    session: &Session,
    opened: &Opened,
    input: &Input,
    level: Level,
) -> Result<Verified, Stopped> {
    dump::verify(&opened.db, input, level)
        .await
        .map_err(|error| {
            let report = Report::unverified(&error);
            session.stopped(opened.with_token(report)).about(opened)
        })
}
