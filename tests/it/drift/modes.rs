//! The same specification on every mode.

in_every_mode! {
    a_database_that_nothing_else_changed_has_no_drift
    what_the_engine_prints_otherwise_is_no_drift
    every_kind_of_object_is_compared
    a_drift_that_is_reverted_is_gone_after_the_next_migrate
    a_drift_that_is_adopted_is_recorded_and_applied_elsewhere
    tables_of_other_tools_are_left_out
}
