//! Rows that a rehearsal puts into the tables of a database in memory.

use crate::db::{Code, Db, DbError, EngineError};

/// Rows that a rehearsal puts into the tables of a database in memory.
pub(super) struct Fill;

/// A table that could not be filled.
pub(super) struct Unfilled {
    pub table: String,
    pub reason: String,
}

/// Literals of all files.
pub(super) struct Literals;

impl Literals {
    pub(super) fn of<'a>(_texts: impl IntoIterator<Item = &'a str>) -> Literals {
        Literals
    }
}

/// Whether a failure of a statement on filled tables happens whatever the old rows hold.
pub(super) enum Depends {
    OnTheStatement,
    OnGeneratedRows,
}

pub(super) fn depends(statement: &str, error: &EngineError) -> Depends {
    match crate::sql::kind(statement) {
        crate::sql::Kind::Alter if error.code != Code::Constraint => Depends::OnTheStatement,
        _ => Depends::OnGeneratedRows,
    }
}

impl Fill {
    pub(super) fn new(_literals: Literals) -> Fill {
        Fill
    }

    pub(super) async fn before(&mut self, db: &Db) -> Result<Vec<Unfilled>, DbError> {
        use crate::db::{Query, Transaction};
        use crate::script::{Atomicity, ForeignKeys, Step};
        let schema = crate::schema::inspect(db).await?;
        for object in &schema.objects {
            if object.kind != crate::schema::ObjectKind::Table {
                continue;
            }
            let name = crate::sql::identifier(&object.name);
            let [n] = db
                .ask(Query::new(format!("SELECT count(*) FROM {name}")))
                .await?
                .row()?;
            if n.as_i64() == Some(0) {
                let transaction = Transaction {
                    foreign_keys: ForeignKeys::On,
                    atomicity: Atomicity::Bare,
                    steps: (0..2)
                        .map(|_| Step::own(format!("INSERT INTO {name} DEFAULT VALUES"), vec![]))
                        .collect(),
                };
                let _ = db.run(vec![transaction], std::sync::Arc::new(|_| {})).await;
            }
        }
        Ok(Vec::new())
    }

    pub(super) async fn empty(&mut self, db: &Db) -> Result<(), DbError> {
        use crate::db::Transaction;
        use crate::script::{Atomicity, ForeignKeys, Step};
        let schema = crate::schema::inspect(db).await?;
        for object in &schema.objects {
            if object.kind == crate::schema::ObjectKind::Table {
                let name = crate::sql::identifier(&object.name);
                let transaction = Transaction {
                    foreign_keys: ForeignKeys::Off,
                    atomicity: Atomicity::Bare,
                    steps: vec![Step::own(format!("DELETE FROM {name}"), vec![])],
                };
                let _ = db.run(vec![transaction], std::sync::Arc::new(|_| {})).await;
            }
        }
        Ok(())
    }
}
