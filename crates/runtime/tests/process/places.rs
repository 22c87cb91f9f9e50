//! The pool of the process, shared by its modules.

use std::fs;

use futures::executor::block_on;
use surrealism_runtime::{Controller, DetachedContext, EngineConfig, Runtime};

use crate::{builder, child};

fn acquire(runtime: &Runtime, instances: usize) -> Vec<Controller> {
    let acquire = || runtime.acquire_controller(Box::new(DetachedContext::new()));
    (0..instances).map(|_| block_on(acquire()).unwrap()).collect()
}

fn call_all(controllers: &mut [Controller], function: &str) {
    for controller in controllers {
        block_on(controller.invoke(Some(function.to_string()), ())).unwrap();
    }
}

fn memory_maps() -> usize {
    fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

pub(crate) fn shared_pool() {
    EngineConfig::new().pooled_instances(8).install().unwrap();
    let greedy = builder("state").pool_size(20).build().unwrap();
    let other = builder("hostile").pool_size(20).build().unwrap();
    assert!(greedy.usage().pooled && other.usage().pooled);
    for _ in 0..2 {
        let (mut of_greedy, mut of_other) = (acquire(&greedy, 20), acquire(&other, 20));
        call_all(&mut of_greedy, "count");
        call_all(&mut of_other, "alive");
        of_greedy.into_iter().for_each(|instance| greedy.release_controller(instance));
        of_other.into_iter().for_each(|instance| other.release_controller(instance));
        assert_eq!(greedy.usage().instances.current, 20);
    }
    // An instance outside of the pool is stopped like one in it.
    let mut of_other = acquire(&other, 20);
    for instance in &mut of_other {
        let timeout = Some(std::time::Duration::from_millis(30));
        let spin = instance.invoke_with_timeout(Some("spin_forever".into()), (), timeout);
        assert!(block_on(spin).unwrap_err().is_timeout());
    }
}

pub(crate) fn many_instances() {
    const INSTANCES: usize = 1_500;

    let runtime = builder("state").pool_size(20_000).build().unwrap();
    drop(acquire(&runtime, 1));
    let before = memory_maps();
    let mut instances = acquire(&runtime, INSTANCES);
    call_all(&mut instances, "count");
    let during = memory_maps();
    drop(instances);
    let after = memory_maps();
    println!("memory maps: {before} before, {during} with {INSTANCES} instances, {after} after");
    assert!(after - before < 4_000, "{before}, {during}, {after}");
    let other = builder("hostile").build().unwrap();
    call_all(&mut acquire(&other, 1), "alive");
}

#[test]
fn no_module_takes_the_pool_from_the_others() {
    child::run("shared pool");
}

#[test]
fn dropped_instances_give_their_memory_maps_back() {
    child::run("many instances");
}
