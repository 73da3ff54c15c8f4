//! The same specification on every mode.

in_every_mode! {
    a_folder_of_each_tool_makes_a_new_database_and_undoes_it
    a_history_that_is_behind_is_taken_over_and_the_rest_is_applied
    a_history_that_is_up_to_date_leaves_nothing_to_do
    a_file_that_was_changed_after_its_tool_ran_it_is_refused
    a_file_with_other_line_ends_is_the_same
    what_a_tool_did_not_finish_is_refused
    a_schema_that_drifted_is_refused
    a_file_that_is_new_after_adopting_is_applied_and_undone_alone
    a_file_that_its_tool_left_out_stays_pending_and_is_named
    what_the_tool_applies_later_is_told
    two_histories_need_a_choice
    a_database_without_a_history_is_told_the_way
    a_changed_down_section_is_no_edit_and_repair_records_it
}
