//! An `init` that does not succeed at load is left to each instance, with the same result.

use std::pin::pin;
use std::time::{Duration, Instant};

use surrealism_runtime::limits::MAX_PREINIT_TIME;
use surrealism_runtime::{DetachedContext, Isolation};

use super::guest::{FAIL, Guest, IN_MEMORY, SPIN};
use super::{call, finds, fresh};
use crate::support::{PATIENCE, Transcript, assert_error_contains, trusted};

#[tokio::test]
async fn a_failing_init_fails_every_call_as_it_would_without_preinitialization() {
    const EXHAUST_MEMORY: &str = "
        (loop $on (br_if $on (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable";
    let mut transcript = Transcript::default();
    for (case, init, time) in [
        ("an error", FAIL, PATIENCE),
        ("a trap", "unreachable", PATIENCE),
        ("no end", SPIN, Duration::from_millis(200)),
        ("no memory", EXHAUST_MEMORY, PATIENCE),
        ("a malformed result", "(return (i32.const -1))", PATIENCE),
    ] {
        let [reuse, fresh] = [Isolation::Reuse, Isolation::Fresh].map(|isolation| {
            trusted(Guest { init, ..IN_MEMORY }.package())
                .isolation(isolation)
                .max_memory_bytes(1 << 20)
                .max_execution_time(time)
                .build()
                .unwrap()
        });
        assert!(!fresh.usage().preinitialized, "{case}");
        let expected = call(&reuse, DetachedContext::new()).await.unwrap_err();
        for _ in 0..2 {
            let error = call(&fresh, DetachedContext::new()).await.unwrap_err();
            assert_eq!(error.to_string(), expected.to_string(), "{case}");
        }
        transcript.add(case, expected);
    }
    transcript.assert(|text| insta::assert_snapshot!(text));
}

#[test]
fn an_endless_init_delays_its_load_by_no_more_than_a_call_may_take() {
    let package = || Guest { init: SPIN, ..IN_MEMORY }.package_of_its_own(8);
    // The best of several, since a busy machine compiles slowly.
    let is_prompt = (0..5).any(|_| {
        let began = Instant::now();
        let limit = Duration::from_millis(200);
        fresh(package()).max_execution_time(limit).build().unwrap();
        began.elapsed() < MAX_PREINIT_TIME
    });
    assert!(
        is_prompt,
        "each load took {MAX_PREINIT_TIME:?}, the limit without `max_execution_time`"
    );
}

#[tokio::test(flavor = "current_thread")]
async fn an_endless_init_delays_its_load_up_to_a_limit_and_blocks_no_executor() {
    // Without a strict timeout, the module's own code could not be stopped.
    let mut package = Guest { init: SPIN, ..IN_MEMORY }.package();
    package.config.capabilities.strict_timeout = false;
    let (began, mut ticks) = (Instant::now(), 0);
    let mut loading = pin!(fresh(package).build_async());
    let runtime = loop {
        tokio::select! {
            loaded = &mut loading => break loaded.unwrap(),
            () = tokio::time::sleep(Duration::from_millis(10)) => ticks += 1,
        }
    };
    let took = began.elapsed();
    assert!(!runtime.usage().preinitialized);
    assert!((MAX_PREINIT_TIME..PATIENCE).contains(&took), "{took:?}");
    assert!(ticks > 50, "{ticks} ticks in {took:?}");
}

#[tokio::test]
async fn state_that_fits_one_memory_limit_is_not_used_under_another() {
    let guest = Guest {
        init: "(if (i32.eq (memory.grow (i32.const 31)) (i32.const -1))
                 (then (return (i32.const 32))))
               (i32.store (i32.const 2048) (i32.const 7))",
        ..IN_MEMORY
    };
    let load = |mib: usize| fresh(guest.package()).max_memory_bytes(mib << 20).build().unwrap();
    let (enough, less) = (load(2), load(1));
    assert_eq!([&enough, &less].map(|it| it.usage().preinitialized), [true, false]);
    assert!(finds(&enough, DetachedContext::new()).await);
    let error = call(&less, DetachedContext::new()).await.unwrap_err();
    assert_error_contains(&error, &["`init` of acme/x 1.0.0 failed: no such day"]);
}
