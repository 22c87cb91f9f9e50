//! What every store promises, and one suite that holds all of them to it.

mod cases;
mod support;

macro_rules! tests {
    ($stores:ident: $($file:ident::$case:ident,)*) => {$(
        #[test]
        fn $case() {
            crate::cases::$file::$case(&crate::support::Stores::$stores());
        }
    )*};
}

macro_rules! suite {
    ($($stores:ident)*) => {$(
        mod $stores {
            tests! { $stores:
                map::ranges_hold_what_their_bounds_say,
                map::limits_are_kept_and_named,
                map::answers_are_bounded_however_little_the_question_costs,
                map::a_batch_is_all_or_nothing,
                map::keys_are_ordered_by_their_bytes,
                map::values_come_back_as_they_were_set,
                map::an_answer_has_few_regular_expressions,
                map::modules_do_not_meet,
                map::a_call_that_is_dropped_is_done_as_a_whole_or_not,
                atomic::a_key_changes_if_it_has_what_was_expected,
                atomic::sums_are_exact_and_integers,
                atomic::limits_hold_for_every_way_to_write,
                atomic::many_at_once_lose_nothing_and_break_no_limit,
                ttl::what_has_expired_is_nowhere,
                ttl::what_has_expired_makes_room,
                ttl::a_time_to_live_is_read_set_and_ended,
                model::a_store_is_a_map_within_its_limits,
                model::ranges_hold_what_lies_between_their_bounds,
            }
        }
    )*};
}

suite! { memory redb redis cluster }
