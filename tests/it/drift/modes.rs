//! The same specification on every mode.

in_every_mode! {
    a_database_that_nothing_else_changed_has_no_drift
    what_the_engine_prints_otherwise_is_no_drift
    every_kind_of_object_is_compared
    a_drift_that_is_reverted_is_gone_after_the_next_migrate
    a_drift_that_is_adopted_is_recorded_and_applied_elsewhere
    a_drift_is_adopted_behind_a_deleted_repeatable
    tables_of_other_tools_are_left_out
    a_run_that_changes_a_drifted_object_is_refused_and_changes_nothing
    what_a_run_does_not_touch_is_no_hindrance
    what_is_extra_on_a_table_that_a_run_changes_is_a_warning
    an_undo_and_a_redo_are_refused_in_the_same_way
    a_file_that_reverts_the_drift_of_this_database_is_applied_and_another_one_is_refused
    what_a_repeatable_makes_again_is_no_hindrance
    late_versions_are_no_drift
    a_database_that_is_known_to_be_as_recorded_is_not_compared
    what_is_recorded_without_running_is_not_known
    the_first_generated_schema_is_put_right
    the_second_generated_schema_is_put_right
    the_third_generated_schema_is_put_right
}
