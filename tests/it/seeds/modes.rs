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
    references_that_no_foreign_key_declares_are_labels
    a_list_of_labels_syncs_the_rows_of_its_join_table
    one_of_the_rows_of_a_table_is_drawn_or_taken_in_turn
    a_changed_value_that_rows_refer_to_is_refused_with_the_rows_named
    rows_without_a_key_are_made_once
    an_edited_file_changes_what_differs
    a_new_comment_is_recorded_and_nothing_else
    a_seed_that_inserts_leaves_rows_alone
    a_forgotten_seed_takes_rows_that_refer_to_each_other_along
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
    many_rows_are_found_as_few_are
    a_changed_variable_is_applied_again
    two_runs_at_once_seed_once
    a_reference_is_kept_as_its_own_column_keeps_it
    a_foreign_key_compares_as_its_parent_does
    a_reference_that_a_column_cannot_keep_is_an_error
    text_with_a_nul_is_read_to_its_end
    a_unique_index_decides_what_is_the_same
    any_value_in_any_column_is_written_once
    a_value_of_a_variable_that_was_changed_by_hand_is_left
    a_row_that_was_deleted_and_made_again_by_hand_is_left
    a_record_without_traces_leaves_what_differs
    an_edited_seed_brings_its_variables
    a_reference_to_a_variable_is_one
    times_and_hashes_changed_by_hand_are_reported
    a_trace_reveals_nothing
    a_sync_moves_a_row_with_the_variable_of_its_key
    a_sync_inserts_under_a_new_primary_key_and_deletes_the_old_row
    a_label_is_the_row_of_its_new_primary_key
    a_sync_deletes_the_rows_of_both_keys
    a_sync_follows_a_referenced_id_that_the_application_changed
    a_sync_moves_a_row_whose_key_was_edited_and_keeps_its_children
    a_sync_counts_only_rows_that_it_found
    a_key_from_a_variable_is_not_in_the_ledger
    a_row_whose_key_changed_is_not_reported_as_deleted
    a_reference_to_a_row_that_is_not_there_is_refused
    a_row_of_a_hashed_key_that_is_no_longer_declared_is_deleted
    no_declared_row_is_lost_when_variables_change_places
    a_changed_key_that_a_row_of_the_same_seed_refers_to_is_refused
    a_variable_of_the_wrong_type_is_not_to_be_quoted
    a_row_with_an_id_of_its_own_follows_the_variable_of_its_key
    a_corrected_key_updates_the_row_that_was_made
    an_address_that_a_user_changed_blocks_nothing
    an_edit_takes_back_nothing_that_was_done_by_hand
    an_inserted_row_is_made_once
    a_renamed_table_keeps_its_rows
    a_renamed_label_keeps_its_row
    rows_that_are_named_after_a_renamed_row_stay_themselves
    rows_that_are_named_after_a_renamed_row_stay_those_of_a_sync
    a_renamed_file_keeps_its_rows
    rows_of_a_removed_file_go_to_a_file_that_was_there
    all_rows_of_a_removed_file_go_to_a_file_that_syncs
    a_file_that_could_continue_two_ways_says_which
    a_row_that_moves_to_another_file_is_the_same
    a_seed_that_begins_to_sync_knows_what_it_made
    another_key_column_finds_the_same_rows
    rows_of_a_dropped_table_are_made_again
    a_rebuilt_table_keeps_what_was_done_by_hand
    rows_that_follow_from_their_labels_have_no_entries
    a_seed_is_forgotten
    a_seed_is_forgotten_with_its_rows
    a_database_of_layout_1_is_continued
    a_removed_label_is_remembered
    random_lives_keep_four_promises
    random_generations_keep_their_promises
    positions_swap_rotate_and_shift_in_one_run
    texts_and_strict_columns_change_hands_too
    a_value_that_its_row_keeps_is_still_taken
    every_refused_row_is_reported_at_its_place
    one_refused_row_among_many_is_reported_at_its_own_place
    an_exchange_leaves_the_other_columns_of_a_unique_index_as_they_are
    rotated_rows_keep_what_no_file_declares
    rows_exchange_beside_a_column_that_was_changed_by_hand
    a_row_leaves_an_index_of_some_rows_before_another_comes_into_it
    an_exchange_without_a_value_for_a_while_says_so
    a_database_numbers_rows_in_the_order_of_the_file
    rows_refer_to_rows_that_are_numbered_in_the_same_run
    json_that_gets_a_reference_to_a_new_number_is_refused
    a_number_that_another_row_got_is_left_to_it
    numbered_rows_that_were_there_are_met
    rows_that_were_deleted_with_their_parent_do_not_stay
    a_numbered_row_whose_key_was_changed_by_hand_is_not_made_twice
    a_declared_primary_key_that_a_row_does_not_have_is_reported
    uuids_are_kept_in_the_type_of_their_column
    an_id_that_its_column_cannot_hold_is_an_error
    keys_that_change_places_do_so_in_one_run
    primary_keys_that_change_places_change_the_rows
    references_follow_a_renamed_table_wherever_they_stand
    a_column_that_is_declared_no_longer_is_reported
    each_parent_has_its_children
    a_default_for_all_tables_is_the_weakest
    rows_of_files_are_rows_of_their_seed
    an_environment_overrides_rows_of_another_file
    children_of_a_row_that_was_there_go_with_the_seed
    children_of_numbered_rows_go_with_them
    a_forgotten_seed_takes_children_of_met_rows_along
    children_in_another_file_are_found_by_the_row_that_was_met
    rows_of_a_join_table_are_found_by_the_rows_that_were_met
    a_renamed_table_that_is_left_out_loses_its_rows_in_sync
    a_table_that_is_renamed_and_left_out_at_once_loses_its_rows
    a_seed_is_forgotten_with_its_rows_in_renamed_tables
    a_renamed_table_keeps_its_rows_without_its_old_name
    a_renamed_column_keeps_what_was_changed_by_hand
    a_table_and_its_column_are_renamed_together
    rows_that_keep_another_from_being_deleted_are_named
    rows_of_lists_have_rows_of_patterns
    a_renamed_column_keeps_its_generated_values
    the_reason_for_a_missing_row_survives_a_rename
    a_column_that_is_renamed_by_a_rebuild_keeps_what_was_changed_by_hand
    a_number_that_is_given_once_names_its_row
    children_of_rows_that_no_seed_declares_any_more_go
    a_row_of_which_nothing_tells_the_key_is_not_left_in_silence
    a_row_whose_choice_is_gone_moves_to_another
}
