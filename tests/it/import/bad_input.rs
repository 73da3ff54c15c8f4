//! Dumps that cannot be imported, as people see it.
