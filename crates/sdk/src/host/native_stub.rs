//! Host functions that return an error, for the native tests of a plugin.

macro_rules! stub {
    ($($name:ident($($parameter:ty),*) -> $result:ty;)*) => {$(
        pub(crate) fn $name($(_: $parameter),*) -> Result<$result, String> {
            Err(concat!(
                "cannot call `",
                stringify!($name),
                "`: a native test has no host; load the plugin into a host to test this",
            )
            .to_string())
        }
    )*};
}

stub! {
    sql(&str, &[u8]) -> Vec<u8>;
    run(&str, Option<&str>, &[u8]) -> Vec<u8>;
    kv_get(&str) -> Option<Vec<u8>>;
    kv_set(&str, &[u8]) -> ();
    kv_del(&str) -> ();
    kv_exists(&str) -> bool;
    kv_del_rng(&[u8]) -> ();
    kv_get_batch(&[String]) -> Vec<u8>;
    kv_set_batch(&[u8]) -> ();
    kv_del_batch(&[String]) -> ();
    kv_keys(&[u8]) -> Vec<String>;
    kv_values(&[u8]) -> Vec<u8>;
    kv_entries(&[u8]) -> Vec<u8>;
    kv_count(&[u8]) -> u64;
    kv_compare_and_set(&str, Option<&[u8]>, Option<&[u8]>) -> bool;
    kv_increment(&str, i64) -> i64;
    kv_set_with_ttl(&str, &[u8], u64) -> ();
    kv_increment_with_ttl(&str, i64, u64) -> i64;
    kv_get_ttl(&str) -> Option<u64>;
    kv_set_ttl(&str, Option<u64>) -> bool;
}
