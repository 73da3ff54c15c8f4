//! The same specification on every mode.

in_every_mode! {
    the_same_content_gives_the_same_text
    a_database_without_tables_is_an_empty_dump
    large_values_and_many_rows_come_whole
    rows_of_several_queries_come_in_order
    a_stream_ends_where_it_is_broken_off
    a_query_that_fails_fails_the_stream
    a_stream_is_of_one_state
    reading_ends_when_it_is_told_to
}
