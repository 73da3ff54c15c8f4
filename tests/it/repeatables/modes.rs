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
                    crate::repeatables::specification::$name(crate::world::World::$mode().await).await;
                }
            )*
        }
    };
}

in_every_mode! {
    an_index_that_an_undo_dropped_comes_back
    what_is_gone_is_pending_and_made_again
    a_rebuild_keeps_the_index_of_a_repeatable
    each_in_its_own_transaction_keeps_it_too
    an_edited_view_keeps_the_trigger_of_another_repeatable
    a_trigger_whose_name_comes_before_its_view_is_kept
    what_was_not_dropped_after_all_does_not_run
    a_repeatable_that_cannot_be_made_again_fails_the_run
    a_dropped_view_comes_back_while_its_file_is_there
    views_on_views_come_back_in_the_order_of_their_names
    a_full_text_table_comes_back
    undo_makes_again_what_a_down_file_drops
    undo_succeeds_where_some_repeatables_cannot_be_made_again
    a_view_that_would_stay_as_it_is_is_not_recorded_as_made
    undo_and_redo_make_views_behind_those_that_they_use
    undo_makes_no_view_and_no_trigger_that_does_not_compile
    records_of_a_repeatable_stay_as_they_were_where_it_is_kept
    a_version_as_target_leaves_repeatables_pending_and_says_so
    the_newest_version_as_target_gives_what_no_target_gives
    a_trigger_that_no_repeatable_makes_is_never_lost
    a_repeatable_that_is_made_again_keeps_the_triggers_of_its_view
    an_edited_repeatable_keeps_the_triggers_of_its_view
    undo_makes_no_trigger_of_a_column_that_is_gone
    a_repeatable_without_a_transaction_is_made_again_in_the_same_run
    repeatables_that_drop_each_others_objects_end
    an_object_that_is_there_by_another_sort_is_no_reason
    a_row_that_refers_to_nothing_does_not_pass_with_a_repeatable
    two_runs_at_once_make_it_again_once
    a_down_file_without_a_transaction_drops_the_views_first
    an_undo_without_a_transaction_that_had_no_effect_leaves_everything
    a_migration_without_a_transaction_that_had_no_effect_is_pending
    a_redo_makes_a_view_from_its_file
}
