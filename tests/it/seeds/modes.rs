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
                    crate::seeds::specification::$name(crate::world::World::$mode().await).await;
                }
            )*
        }
    };
}

in_every_mode! {
    a_first_run_makes_the_rows_and_a_second_writes_nothing
    an_edited_file_changes_what_differs
    a_new_comment_is_recorded_and_nothing_else
    a_seed_that_inserts_leaves_rows_alone
    a_seed_that_syncs_deletes_its_own_rows
    a_row_changed_by_hand_is_told_and_left_so
    refreshing_makes_all_as_declared
    kept_columns_are_written_once
    times_do_not_count_as_changes
    the_first_seeding_marks_the_database
    files_come_by_environment_and_tag
    references_cross_files_and_go_in_circles
    all_kinds_of_tables_are_seeded
    values_arrive_as_they_are_written
    a_failing_row_leaves_nothing
    many_rows_go_together
    a_changed_variable_is_applied_again
    two_runs_at_once_seed_once
}
