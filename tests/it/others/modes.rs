//! The same specification on every mode.

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
                    crate::others::specification::$name(crate::world::World::$mode().await).await;
                }
            )*
        }
    };
}

in_every_mode! {
    a_database_that_another_tool_migrated_is_not_empty_and_a_baseline_takes_it
    a_tool_that_has_applied_nothing_is_no_history
    tables_of_an_application_that_are_called_like_those_of_tools_are_its_own
    beside_recorded_migrations_another_history_is_ignored
    a_migration_that_another_tool_did_not_finish_has_to_be_finished_by_it
    a_gap_below_the_newest_version_of_another_tool_is_not_taken_for_applied
    only_what_flyway_has_applied_now_counts
    the_newest_version_is_that_of_the_highest_number
    undo_tells_of_another_history
    a_table_that_is_there_already_is_told_once
    a_table_that_is_there_already_is_a_warning_before_its_creation_fails
    a_table_beside_an_empty_history_is_there_already_too
    a_file_for_another_tool_runs_no_statement
}
