//! The same specification on every mode.

/// Makes a test of each specification in each mode.
macro_rules! in_every_mode {
    ($($name:ident)*) => {
        in_every_mode!(@ local: $($name)*);
        in_every_mode!(@ memory: $($name)*);
        in_every_mode!(@ remote: $($name)*);
        in_every_mode!(@ replica: $($name)*);
    };
    (@ $mode:ident: $($name:ident)*) => {
        mod $mode {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    crate::specification::$name(crate::world::World::$mode().await).await;
                }
            )*
        }
    };
}

in_every_mode! {
    pending_migrations_are_applied_in_order_of_their_numbers
    an_up_to_date_database_is_not_written_to
    looking_at_a_database_leaves_no_table
    a_failing_statement_leaves_nothing_of_its_script
    the_place_of_a_syntax_error_is_told
    each_migration_has_its_own_transaction_where_that_is_asked_for
    a_run_stops_after_the_version_that_it_was_told
    a_version_below_the_newest_is_refused_unless_allowed
    a_u_file_may_come_late
    an_edited_file_is_refused_and_a_new_comment_is_not
    line_ends_and_byte_order_marks_are_not_edits
    a_missing_file_is_refused
    a_database_that_is_ahead_is_left_as_it_is
    all_problems_come_at_once
    a_repeatable_is_applied_again_when_it_changes
    undo_runs_the_recorded_down_text
    undo_without_a_down_text_changes_nothing
    the_rebuild_of_a_parent_keeps_its_children
    the_rebuild_of_a_parent_keeps_its_children_whatever_the_pragmas
    the_rebuild_of_a_table_that_refers_to_itself_keeps_its_rows
    a_rebuild_that_loses_a_parent_is_rolled_back
    violations_that_were_there_before_are_no_obstacle
    undo_of_a_parent_is_safe_for_foreign_keys_too
    a_bare_migration_is_recorded_before_and_after
    a_bare_migration_that_failed_is_settled_by_repair
    an_unfinished_migration_of_somebody_else_is_waited_for
    repair_records_what_changes_no_meaning
    repair_of_one_version_records_its_file
    repair_of_one_version_keeps_a_down_text_without_a_file
    a_plan_made_on_an_old_history_is_refused
    a_foreign_table_of_that_name_is_left_alone
    a_newer_layout_is_left_alone
    a_long_text_is_recorded_packed_and_read_back
    the_history_can_have_another_name_beside_a_foreign_table
    a_name_with_a_quote_and_upper_case_is_quoted
    a_history_under_another_name_is_never_run_a_second_time
    a_file_may_not_change_the_history_under_its_name
    two_runs_at_once_apply_each_migration_once
    a_statement_that_returns_rows_is_run_to_its_end
    triggers_and_strings_with_semicolons_are_one_statement
    refinerys_own_runner_works
    tables_are_listed_with_rows_and_indexes
    rows_are_exported_as_a_seed
    a_query_plan_tells_its_index_and_runs_nothing
    row_level_security_is_refused
    deferred_foreign_keys_end_with_the_file
    a_file_of_comments_is_applied_and_does_nothing
    a_down_file_of_comments_is_none
    transactions_around_whole_files_are_taken_out
    a_bare_migration_manages_its_own_transactions
    a_baseline_takes_foreign_keys_that_the_engine_has_rewritten
    a_table_whose_name_begins_like_one_of_the_turso_engine_is_the_applications
}
