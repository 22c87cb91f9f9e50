//! One suite of cases that every store has to pass.

mod atomic;
mod map;
mod model;
mod ttl;

macro_rules! tests {
    ($stores:ident: $($file:ident::$case:ident,)*) => {$(
        #[test]
        fn $case() {
            crate::conformance::$file::$case(&crate::support::Stores::$stores());
        }
    )*};
}

/// The cases with requests that a plugin can make.
macro_rules! suite {
    ($($stores:ident $(and $more:ident)?,)*) => {$(
        mod $stores {
            $($more! { $stores })?
            tests! { $stores:
                map::ranges_honor_their_bounds,
                map::limits_are_kept_and_named,
                map::responses_are_bounded_even_for_cheap_requests,
                map::a_batch_is_all_or_nothing,
                map::keys_are_ordered_by_their_bytes,
                map::values_are_returned_as_they_were_set,
                map::modules_are_isolated,
                map::a_dropped_call_applies_as_a_whole_or_not_at_all,
                atomic::a_key_changes_if_it_has_the_expected_value,
                atomic::sums_are_exact_and_integers,
                atomic::limits_hold_for_every_way_to_write,
                atomic::many_at_once_lose_nothing_and_break_no_limit,
                ttl::expired_keys_do_not_exist,
                ttl::expired_entries_make_room,
                ttl::a_time_to_live_is_read_set_and_removed,
                ttl::a_counter_gets_its_time_to_live_when_it_is_made,
                model::a_store_is_a_map_within_its_limits,
                model::any_range_is_read_and_deleted_like_that_of_a_map,
            }
        }
    )*};
}

/// The cases with a value of more regular expressions than a message may have. The host for unit tests
/// refuses the request, as a runtime does before its store.
macro_rules! stored_values {
    ($stores:ident) => {
        tests! { $stores:
            map::a_response_has_a_bounded_number_of_regular_expressions,
            atomic::a_value_that_is_not_asked_for_is_not_decoded,
        }
    };
}

suite! {
    unit_test,
    memory and stored_values,
    redb and stored_values,
    redis and stored_values,
    cluster and stored_values,
}
