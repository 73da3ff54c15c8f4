//! Text of SQL: tokens with byte spans, statements, quoting, values, and what a statement is and does.
//!
//! Everything here is a pure function of a text. It knows no database, reads no file and never judges
//! whether SQL is right: that is the engine's. Only what no engine could read (an unterminated string,
//! a byte that starts no token, a trigger without its `END`) is an error here, with its byte offset.
//!
//! Offsets are bytes into the text that was passed in; [`place`] turns them into line and column.

mod altered;
mod comment;
mod cursor;
mod declared;
mod describe;
mod end;
mod fingerprint;
mod kind;
mod locate;
mod packed;
mod place;
mod quote;
mod rowid;
mod split;
mod targets;
mod temporary;
mod token;
mod value;

pub(crate) use altered::altered;
pub(crate) use comment::{CommentLine, Form, comment_lines, mentions};
pub(crate) use declared::{Declared, check_constraints, declared, parenthesized, parts};
pub use describe::{describe, describe_all};
pub(crate) use end::Progress;
pub(crate) use fingerprint::for_each_part;
pub use fingerprint::{fingerprint, normal_form};
pub use kind::{Kind, Object, Pragma, What, has_name, kind};
pub(crate) use kind::{may_have_name, renamed_table};
pub use locate::{Located, locate};
pub(crate) use packed::{Packed, Values};
pub use place::{Lines, Place, place};
pub(crate) use quote::{LiteralReader, is_in_quotes, sql_text, write_literal};
pub use quote::{identifier, literal, text, unquote};
pub(crate) use rowid::{ROWID, free_rowid, is_rowid};
pub(crate) use split::split_tokens;
pub use split::{SplitError, Statement, split};
pub use targets::{Target, targets};
pub(crate) use temporary::drops_of_temporary;
pub use token::{
    LexError, LexErrorKind, Significant, Token, TokenKind, Tokens, significant, tokens,
};
pub(crate) use token::{gives_way, is_autoincrement, is_space, is_word};
pub use value::{Value, ValueRef};
