//! The specifications of the guards in every mode.

macro_rules! in_every_mode {
    ($file:ident: $($name:ident)*) => {
        in_every_mode!(without_server $file: $($name)*);
        in_every_mode!(@ remote $file: $($name)*);
        in_every_mode!(@ replica $file: $($name)*);
    };
    (without_server $file:ident: $($name:ident)*) => {
        in_every_mode!(@ local $file: $($name)*);
        in_every_mode!(@ memory $file: $($name)*);
    };
    (@ $mode:ident $file:ident: $($name:ident)*) => {
        mod $mode {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    super::super::super::$file::$name(crate::world::World::$mode().await).await;
                }
            )*
        }
    };
}

mod orphans {
    in_every_mode! { orphans:
        orphans_of_a_renumbered_table_are_no_obstacle
        orphans_that_move_to_another_table_are_no_obstacle
        orphans_whose_parent_is_replaced_are_no_obstacle
        orphans_whose_parent_never_was_are_no_obstacle
        orphans_are_followed_through_the_files_of_a_run
        a_new_orphan_among_those_that_move_is_refused
        an_old_orphan_of_another_key_makes_no_room_for_a_new_one
        a_row_that_had_a_parent_is_new_whatever_old_orphan_goes
        an_old_orphan_with_another_value_is_no_obstacle
        a_new_orphan_among_old_ones_with_other_values_is_refused
    }
}

mod left_rows {
    in_every_mode! { left_rows:
        a_rebuild_over_several_files_is_no_fault
        a_parent_that_comes_back_without_its_rows_is_refused
        rows_that_a_later_file_does_not_bring_back_are_told
        what_a_run_left_to_files_that_it_did_not_apply_is_judged_in_the_next_run
    }
}

mod outside {
    in_every_mode! { outside:
        a_file_without_a_transaction_is_no_judge_of_what_an_earlier_one_breaks
        a_file_about_something_else_repairs_nothing
        what_a_file_without_a_transaction_breaks_stops_the_run
        a_key_that_a_file_without_a_transaction_takes_away_stops_the_run
        a_new_foreign_key_without_its_key_stops_the_run
        a_new_foreign_key_whose_parent_comes_later_is_no_fault
        what_a_later_file_repairs_behind_one_without_a_transaction_is_no_fault
        what_was_broken_before_a_file_without_a_transaction_is_no_fault
        rows_that_a_file_without_a_transaction_orphans_stop_the_run
        rows_behind_a_file_without_a_transaction_are_compared_and_not_counted
        a_text_in_place_of_a_column_behind_a_file_without_a_transaction_stops_the_run
    }
}

/// No other mode takes `PRAGMA legacy_alter_table`.
#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_a_legacy_renaming_breaks_is_refused_before_a_file_without_a_transaction() {
    super::outside::a_view_that_a_legacy_renaming_breaks_is_refused(
        crate::world::World::local().await,
    )
    .await;
}

/// A server does not take `PRAGMA ignore_check_constraints`.
mod constraints {
    in_every_mode! { without_server constraints:
        rows_that_break_a_constraint_that_a_file_ignores_are_refused
        rows_that_break_a_constraint_are_refused_from_empty
        rows_that_broke_a_constraint_before_are_no_obstacle
        a_row_that_keeps_its_constraint_makes_no_room_for_another
        a_file_that_ignores_constraints_and_breaks_none_is_applied
        a_file_without_a_transaction_that_breaks_a_constraint_is_reported
    }
}

mod specification {
    in_every_mode! { specification:
        a_rebuild_in_the_wrong_order_is_refused_after_its_parent_was_applied
        a_rebuild_in_the_wrong_order_is_refused_from_empty
        a_rebuild_in_the_right_order_is_applied
        a_parent_that_is_dropped_under_a_child_without_rows_is_refused
        a_parent_that_a_later_file_makes_again_is_no_fault
        a_child_that_is_dropped_with_its_parent_is_no_fault
        a_foreign_key_that_never_had_a_parent_is_no_fault
    an_undo_that_takes_a_parent_away_is_refused
        a_view_that_stops_compiling_is_refused
        a_view_on_a_view_that_stops_compiling_is_refused
        a_trigger_that_stops_compiling_is_refused
        a_trigger_on_a_view_that_stops_compiling_is_refused
        a_column_that_makes_a_name_ambiguous_is_refused
        a_full_text_index_that_loses_its_table_is_refused
        a_full_text_index_whose_table_is_renamed_is_refused
        a_full_text_index_that_loses_a_column_is_refused
        a_full_text_index_that_loses_its_table_in_several_scripts_is_refused
        a_full_text_index_that_is_whole_at_the_end_is_no_fault
        a_new_view_that_does_not_compile_is_refused
        a_view_that_a_later_file_completes_is_no_fault
        a_file_that_breaks_a_view_is_refused_at_its_own_commit
        a_file_whose_view_a_later_one_repairs_is_applied
    what_a_later_file_did_not_repair_is_told_with_what_is_committed
        a_failure_tells_what_an_earlier_file_left_broken
        a_file_that_takes_a_parent_away_is_refused_at_its_own_commit
        a_view_that_is_broken_already_is_no_obstacle_and_a_new_one_is_found
        a_broken_view_that_is_repaired_or_replaced_by_a_table_is_applied
        a_broken_trigger_is_no_obstacle
        a_repeatable_that_does_not_compile_is_refused
    an_orphan_that_goes_does_not_make_room_for_a_new_one
    an_orphan_of_a_rebuilt_child_does_not_make_room_for_a_new_one
    old_orphans_of_a_rebuilt_child_are_no_obstacle
    only_new_orphans_are_listed
    orphans_survive_the_renaming_of_their_tables
    orphans_of_composite_keys_and_of_tables_without_rowid_are_found
    orphans_of_a_table_that_refers_to_itself_are_found
        a_cascade_that_did_not_run_is_explained
        a_mismatch_that_was_there_before_is_no_obstacle
        a_file_that_repairs_a_mismatch_is_applied
        a_new_mismatch_is_refused
    keys_of_every_kind_are_no_mismatch
    rows_that_do_not_fit_an_added_column_are_refused
        rows_that_do_not_fit_a_changed_column_are_refused
    rows_that_fit_a_changed_column_are_no_obstacle
        a_changed_default_that_would_change_old_values_is_refused
        a_changed_column_of_no_table_fails_as_its_statement_does
        a_changed_column_is_checked_under_every_name_of_its_table
    faults_that_are_there_before_a_renaming_are_no_obstacle
    the_help_for_a_changed_column_works
        a_foreign_key_that_loses_its_index_is_refused
        a_key_that_a_file_takes_away_is_refused_at_its_own_commit
        a_key_that_a_later_file_brings_back_is_no_fault
        a_key_that_a_later_file_did_not_bring_back_is_told
        a_new_foreign_key_that_refers_to_no_key_is_refused
    an_old_mismatch_is_no_obstacle_with_foreign_keys_on
        a_new_orphan_in_a_row_that_is_one_by_another_key_is_refused
        a_deferred_foreign_key_names_its_rows_and_files
        a_trigger_whose_column_is_dropped_is_refused
        a_trigger_whose_table_is_made_again_without_a_column_is_refused
        a_trigger_that_inserts_another_number_of_columns_is_refused
        a_trigger_whose_unique_index_is_dropped_is_refused
        a_trigger_that_writes_to_a_table_that_becomes_a_view_is_refused
        a_trigger_of_a_column_that_does_not_exist_is_refused
        a_trigger_of_a_column_that_its_table_does_not_have_is_refused
        a_new_trigger_that_names_no_column_is_refused
        a_trigger_is_compiled_by_every_name_of_its_table_and_columns
    the_trigger_that_names_what_is_missing_is_blamed
    new_triggers_of_every_kind_are_compiled
    an_old_trigger_that_does_not_compile_refuses_nothing
        a_trigger_that_is_created_again_may_have_another_event
        a_trigger_that_a_later_file_repairs_is_no_fault
        a_foreign_key_that_a_later_file_repairs_makes_no_trigger_a_fault
    orphans_without_rowid_are_compared_by_their_values
        a_recreated_child_of_another_type_has_the_same_orphans
    more_than_ten_thousand_orphans_are_counted
        a_foreign_key_that_names_no_columns_is_checked_too
        a_renamed_column_is_no_new_mismatch
    the_index_that_the_help_names_works
    nothing_is_remembered_behind_a_run
        a_rebuild_in_the_wrong_order_over_rows_is_told_the_order
        a_new_view_that_only_reading_it_finds_broken_is_refused
        a_view_that_a_new_column_breaks_is_refused
        a_view_that_a_later_file_creates_again_with_the_new_column_is_no_fault
        a_column_in_double_quotes_that_becomes_a_text_is_refused
        a_view_that_is_made_in_the_same_run_is_looked_at_where_it_is_made
        a_view_that_is_made_again_with_a_new_text_in_double_quotes_is_no_fault
    an_old_view_that_reading_it_finds_broken_refuses_nothing
    }
}

/// No other mode takes `PRAGMA writable_schema`.
#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_written_by_hand_and_does_not_fit_is_refused() {
    super::specification::a_schema_that_is_written_by_hand_and_does_not_fit_is_refused(
        crate::world::World::local().await,
    )
    .await;
}
