//! The views and triggers that the files of a run create, and whether older ones may stay in their place. Pure.

use crate::schema::SchemaObject;
use crate::script::{Record, Unit};
use crate::sql::{Kind, Object, What, kind};

/// A view or a trigger that a run creates.
#[derive(Debug, Clone)]
pub(super) struct Created {
    pub(super) name: String,
    /// Whether an older one of this name may stay: `IF NOT EXISTS`, or a unit that runs only where it is gone.
    is_conditional: bool,
}

impl Created {
    /// Whether one of these may stay in its place. `dropped` are the names that the run drops, in lower case.
    pub(super) fn is_there_already(&self, there: &[SchemaObject], dropped: &[String]) -> bool {
        if !self.is_conditional || dropped.contains(&self.name.to_ascii_lowercase()) {
            return false;
        }
        let mut names = there.iter().filter_map(|[_, name, ..]| name.as_str());
        names.any(|name| self.has_name(name))
    }

    pub(super) fn has_name(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// What a unit creates of this sort, with what the statement says and its text.
pub(super) fn created(
    unit: &Unit,
    what: What,
) -> impl Iterator<Item = (Created, Box<Object>, &str)> {
    let is_restored = matches!(unit.record, Record::Restore(_));
    let migrates = unit.record.key().is_migration();
    let steps = unit.steps.iter().filter(move |_| migrates);
    steps.filter_map(move |step| match kind(&step.sql) {
        Kind::Create(object) if object.what == what => {
            let created = Created {
                name: object.name.clone(),
                is_conditional: object.if_exists || is_restored,
            };
            Some((created, object, &*step.sql))
        }
        _ => None,
    })
}
