//! The same specification on every mode.

in_every_mode! {
    a_record_moves_to_the_file_that_holds_its_text
    records_that_exchanged_their_numbers_are_moved_at_once
    a_record_is_not_moved_onto_another_one
    a_repeatable_of_another_name_keeps_its_record
    a_migration_that_did_not_run_is_not_recorded_as_if_it_had
    a_migration_of_a_baseline_is_undone_only_where_that_is_asked_for
    a_redo_undoes_by_the_recorded_text_and_applies_the_file
    a_redo_that_fails_leaves_what_was_applied
    a_redo_without_a_down_text_runs_nothing
    the_database_of_another_project_is_one_problem
}
