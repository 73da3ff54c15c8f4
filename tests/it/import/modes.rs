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
                    crate::import::specification::$name(crate::world::World::$mode().await).await;
                }
            )*
        }
    };
}

in_every_mode! {
    a_dump_arrives_with_all_that_it_holds
    every_value_arrives_as_it_is_written
    a_second_import_does_nothing
    a_dump_goes_beside_what_is_there
    what_is_there_already_is_told_before_anything_runs
    rows_alone_go_into_existing_tables
    a_row_that_is_refused_is_told_with_its_line_and_leaves_nothing
    a_row_that_is_refused_in_a_database_with_others_leaves_nothing
    a_large_dump_goes_in_chunks
    a_large_dump_stops_at_a_row_that_is_refused_and_goes_on_once_it_may
    an_unfinished_import_is_in_the_way_of_everything_else
    an_unfinished_import_is_taken_back
    a_changed_dump_is_refused
    another_dump_is_refused_while_one_is_unfinished
    rows_without_parents_are_refused_unless_allowed
    a_dump_with_a_history_brings_it
    a_virtual_table_arrives_with_its_content
    a_sequence_goes_on_under_the_name_that_the_engine_gives_the_table
    an_application_id_arrives_where_the_engine_takes_it
    sequences_go_on_where_they_were
    a_sequence_that_numbers_no_table_is_passed_over
    a_cut_dump_and_a_refused_statement_leave_nothing
    a_gzip_is_told_by_its_content
    triggers_behind_the_rows_of_their_tables_wait_for_no_chunk
    a_dump_beyond_the_usual_size_of_a_transaction_arrives
    a_trigger_before_rows_of_its_table_is_refused_wherever_it_stands
    a_trigger_that_rows_do_not_set_off_may_stand_before_them
    rows_without_their_table_are_refused_by_a_dry_run_too
    an_import_that_goes_on_knows_the_triggers_of_its_first_part
    an_import_that_goes_on_counts_the_tables_that_it_comes_to
    a_dry_run_says_what_an_unfinished_import_is_in_the_way_of
    a_large_dump_of_a_full_text_index_arrives
    records_that_cannot_be_read_are_refused_before_anything_is_written
    records_of_another_tool_that_an_earlier_version_left_are_removed_by_a_restart
    a_restart_that_is_refused_removes_nothing
    rows_that_others_wrote_beside_an_import_are_kept
    two_imports_of_one_dump_at_once_bring_it_once
    dumps_of_other_tools_arrive
    rows_that_give_way_are_told
    what_a_dump_would_drop_is_told
    triggers_of_existing_tables_run_only_where_they_are_to
    half_of_an_import_is_not_exported_as_a_whole
    a_table_may_be_called_like_one_of_a_virtual_table
    a_dump_of_python_with_a_virtual_table_arrives
    the_content_of_a_virtual_table_with_rows_is_not_replaced
    the_content_of_a_virtual_table_arrives_in_an_empty_one
    the_content_of_a_large_virtual_table_arrives_in_an_empty_one
    an_unfinished_import_into_a_virtual_table_goes_on_or_is_taken_back
    rows_that_a_dump_deletes_again_are_not_missed
    rows_that_give_way_by_a_constraint_of_their_table_are_told
    the_widest_tables_make_the_trip
    all_rows_without_their_parents_are_counted
    a_foreign_key_to_no_key_is_named
}
