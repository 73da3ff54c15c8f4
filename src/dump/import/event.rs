//! Which statement sets a trigger off. Pure.

use crate::sql;

/// What a trigger runs for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Insert,
    Delete,
    /// Nothing that a dump does.
    Update,
}

impl Event {
    /// Of a `CREATE TRIGGER`: <https://sqlite.org/lang_createtrigger.html>. The words are reserved, so the first of
    /// them that is not quoted is no name.
    pub(super) fn of(sql: &str) -> Event {
        const EVENTS: [(&str, Event); 3] = [
            ("INSERT", Event::Insert),
            ("DELETE", Event::Delete),
            ("UPDATE", Event::Update),
        ];
        let event = |token: sql::Token| {
            let mut events = EVENTS.iter();
            let found = events.find(|(word, _)| token.is_word(sql, word));
            found.map(|(_, event)| *event)
        };
        sql::significant(sql)
            .find_map(event)
            .unwrap_or(Event::Insert)
    }
}
