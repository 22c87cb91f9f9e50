//! Values for the keys that archives declare in `[config]`.

use std::time::Duration;

use surrealdb_types::{SurrealValue, ToSql};
use surrealism_runtime::limits::{MAX_CONFIG_BYTES, MAX_CONFIG_VALUE_BYTES};
use surrealism_runtime::{
    ConfigValues, DetachedContext, Error, ErrorKind, Grants, Isolation, LoadError, Runtime,
    SurrealismConfig, SurrealismPackage,
};

use crate::support::{Recorder, assert_error_contains, builder, load, package, text};

/// What no output may have.
const SECRET: &str = "hunter2";

fn values() -> ConfigValues {
    ConfigValues::new().text("api_url", "https://weather.example").text("api_key", SECRET)
}

fn configured(values: ConfigValues) -> Result<Runtime, Error> {
    builder("config").config(values).build()
}

async fn get(runtime: &Runtime, key: &str) -> Result<String, Error> {
    let value = runtime.call("get", vec![text(key)], DetachedContext::new()).await?;
    Ok(value.to_sql())
}

/// The guest with another `[config]`, and with others' code.
fn declaring(keys: &str) -> SurrealismPackage {
    let mut package = package("config");
    package.config = SurrealismConfig::parse(&format!(
        "abi = 2\n[package]\norganisation = 'acme'\nname = 'weather'\nversion = '1.0.0'\n{keys}"
    ))
    .unwrap();
    package
}

#[tokio::test]
async fn a_guest_reads_typed_values() {
    let runtime = configured(values()).unwrap();
    for (key, expected) in [
        ("api_url", "'https://weather.example'"),
        ("api_key", "'hunter2'"),
        ("retries", "3"),
        ("timeout", "1s"),
        ("server", "{ host: 'localhost', port: 80, tags: [] }"),
        ("note", "NONE"),
    ] {
        assert_eq!(get(&runtime, key).await.unwrap(), expected, "{key}");
    }
    let url = runtime.call("url", (), DetachedContext::new()).await.unwrap();
    assert_eq!(url.to_sql(), "'https://weather.example 3 1s None'");
    let server = runtime.call("server", (), DetachedContext::new()).await.unwrap();
    assert_eq!(server.to_sql(), "'localhost:80 []'");
}

#[tokio::test]
async fn values_are_coerced_by_kind_whatever_they_come_from() {
    let all = "[config.a]\nkind = 'decimal'\n[config.b]\nkind = 'option<datetime>'\n\
        [config.c]\nkind = 'set<int>'\n[config.d]\nkind = 'string'\n[config.e]\nkind = 'bool'\n\
        [config.f]\nkind = \"'small' | 'large'\"\n[config.g]\nkind = 'record<city>'\n\
        [config.h]\nkind = 'float'\n";
    let texts = ConfigValues::new()
        .text("a", "0.12345678901234567890")
        .text("b", "2026-01-31")
        .text("c", "[3, 1, 3]")
        .text("d", "12")
        .text("e", "true")
        .text("f", "large")
        .text("g", "city:paris")
        .text("h", "1e3");
    let toml = "a = '0.12345678901234567890'\nb = 2026-01-31\nc = [3, 1, 3]\nd = '12'\ne = true\n\
        f = 'large'\ng = 'city:paris'\nh = 1000";
    let json = r#"{ "a": "0.12345678901234567890", "b": "2026-01-31T00:00:00Z", "c": [1, 3],
        "d": "12", "e": true, "f": "large", "g": { "table": "city", "key": "paris" }, "h": 1000 }"#;
    for values in
        [texts, ConfigValues::from_toml(toml).unwrap(), ConfigValues::from_json(json).unwrap()]
    {
        let runtime = load(declaring(all)).config(values).build().unwrap();
        for (key, expected) in [
            ("a", "0.12345678901234567890dec"),
            ("b", "d'2026-01-31T00:00:00Z'"),
            ("c", "{1, 3}"),
            ("d", "'12'"),
            ("e", "true"),
            ("f", "'large'"),
            ("g", "city:paris"),
            ("h", "1000f"),
        ] {
            assert_eq!(get(&runtime, key).await.unwrap(), expected, "{key}");
        }
    }
    let typed = ConfigValues::new().value("timeout", Duration::from_secs(5)).or(values());
    assert_eq!(get(&configured(typed).unwrap(), "timeout").await.unwrap(), "5s");
}

#[test]
fn all_that_is_wrong_is_one_error_with_kinds_and_comments() {
    let wrong = ConfigValues::new().text("api_kye", SECRET).text("retries", "many");
    let error = configured(wrong).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Load(LoadError::InvalidConfigValues)), "{error:?}");
    assert_error_contains(
        &error,
        &[
            "the configuration of surrealism/config 0.1.0 is not valid: ",
            "`api_key` (string, secret: The key of the weather service) has no value; ",
            "`api_url` (string: Where the weather service is) has no value; ",
            "`retries` (int: Attempts before an error): expected int, got string 'many'",
            "\"api_kye\" is not declared in [config]; did you mean `api_key` (string, secret: The key",
        ],
    );
    assert!(!format!("{error:?}").contains(SECRET), "{error:?}");
}

#[test]
fn many_problems_are_listed_to_a_bound() {
    let comment = "x".repeat(1024);
    let keys: String =
        (0..60).map(|n| format!("[config.k{n}]\nkind = 'int'\ncomment = '{comment}'\n")).collect();
    let error = load(declaring(&keys)).build().unwrap_err().to_string();
    assert!(error.ends_with("; and 50 more") && error.len() < 4096, "{error}");
    let values = ConfigValues::new().text("\u{1b}[2J".repeat(1000), "1");
    let error = load(declaring("")).config(values).build().unwrap_err().to_string();
    assert!(error.contains("which has no keys") && error.len() < 512, "{error}");
    assert!(!error.contains('\u{1b}'), "{error:?}");
}

#[tokio::test]
async fn the_published_constructor_gives_defaults() {
    let new = |package| Runtime::new(package, 1, None, None, None, None);
    let error = new(package("config")).unwrap_err();
    assert_error_contains(
        &error,
        &["`api_url` (string: Where the weather service is) has no value"],
    );
    let defaults = "[config.a]\nkind = 'int'\ndefault = 3\n[config.b]\nkind = 'option<int>'";
    let runtime = new(declaring(defaults)).unwrap();
    assert_eq!(get(&runtime, "a").await.unwrap(), "3");
    assert_eq!(get(&runtime, "b").await.unwrap(), "NONE");
}

#[tokio::test]
async fn an_undeclared_key_is_an_error_that_suggests_one() {
    let runtime = configured(values()).unwrap();
    for (key, expected) in [
        ("api_kye", "\"api_kye\" is not declared in [config]; did you mean `api_key`?"),
        ("xyz", "\"xyz\" is not declared in [config], which has `api_key`, `api_url`"),
        ("surrealism:api_key", "\"surrealism:api_key\" is not declared"),
        (&"\u{1b}".repeat(100_000), "is not declared"),
    ] {
        let error = get(&runtime, key).await.unwrap_err();
        assert_error_contains(&error, &[expected]);
        assert!(error.to_string().len() < 1024, "{error}");
    }
}

#[tokio::test]
async fn values_are_bounded() {
    // What the encoding has beside the text.
    let encoded =
        |length: usize| surrealism_types_encoded("x".repeat(length)).checked_sub(length).unwrap();
    let fits = MAX_CONFIG_VALUE_BYTES - encoded(MAX_CONFIG_VALUE_BYTES - 100).next_multiple_of(8);
    let with = |length: usize| values().text("api_key", "x".repeat(length));
    let runtime = configured(with(fits)).unwrap();
    let length = runtime.call("key_length", (), DetachedContext::new()).await.unwrap();
    assert_eq!(length, (fits as i64).into_value());
    let error = configured(with(MAX_CONFIG_VALUE_BYTES)).unwrap_err();
    assert_error_contains(&error, &["`api_key` (string, secret", "and 65536 are allowed"]);
    assert!(!error.to_string().contains("xxx"), "{error}");

    let keys: String = (0..8).map(|n| format!("[config.k{n}]\nkind = 'string'\n")).collect();
    let all = |length: usize| {
        let each = "x".repeat(length);
        (0..8).fold(ConfigValues::new(), |all, n| all.text(format!("k{n}"), each.as_str()))
    };
    let build = |values| load(declaring(&keys)).config(values).build();
    build(all(MAX_CONFIG_BYTES / 8 - 100)).unwrap();
    let error = build(all(MAX_CONFIG_BYTES / 8)).unwrap_err();
    assert_error_contains(&error, &["its values take", "and 262144 are allowed"]);
}

/// Returns the length of an encoded text.
fn surrealism_types_encoded(text: String) -> usize {
    surrealdb_types::encode(&text.into_value()).unwrap().len()
}

#[tokio::test]
async fn a_secret_is_in_no_output_of_the_host() {
    let object = format!("{{ \"host\": \"{SECRET}\", \"port\": 1, \"tags\": [] }}");
    let values = values().text("server", object);
    let mut outputs =
        vec![format!("{values:?}"), format!("{:?}", builder("config").config(values.clone()))];
    let runtime = configured(values).unwrap();
    outputs.push(format!("{runtime:?} {:?} {:?}", runtime.config(), runtime.usage()));
    for function in ["mistyped", "fail", "trap"] {
        let context = Recorder::new();
        let error = runtime.call(function, (), context.clone()).await.unwrap_err();
        outputs.push(format!("{error} {error:?} {:?} {:?}", context.stdout(), context.stderr()));
    }
    // Of another kind than that of the key, in each way that a value is given.
    let server = [
        ConfigValues::new().value("server", SECRET.to_string()),
        ConfigValues::new().text("server", SECRET),
        ConfigValues::new().json("server", serde_json::json!({ "host": SECRET })),
        ConfigValues::new().json("server", serde_json::json!({ SECRET: 1 })),
        ConfigValues::new().json("server", serde_json::json!([SECRET])),
        ConfigValues::new().text("server", format!("{{ \"host\": \"{SECRET}\"")),
    ];
    for wrong in server {
        let error = configured(wrong.or(self::values())).unwrap_err();
        assert_error_contains(
            &error,
            &["`server` ({host: string, port: int, tags: array<string>}"],
        );
        outputs.push(format!("{error} {error:?}"));
    }
    for broken in [
        ConfigValues::from_toml(&format!("api_key = {SECRET}")),
        ConfigValues::from_toml(&format!("api_key = '{SECRET}'\nb = {SECRET}'")),
        ConfigValues::from_toml(&format!("{SECRET} = 1\n{SECRET} = 2")),
        ConfigValues::from_json(&format!("{{ \"api_key\": {SECRET} }}")),
        ConfigValues::from_json(&format!("\"{SECRET}\"")),
    ] {
        let error = broken.unwrap_err();
        outputs.push(format!("{error:#} {error:?}"));
    }
    for output in outputs {
        assert!(!output.contains(SECRET), "{output}");
    }
}

#[tokio::test]
async fn a_secret_that_init_read_stays_with_its_runtime() {
    let fresh = |key: &str| {
        let values = ConfigValues::new().text("key", key);
        builder("config_init").isolation(Isolation::Fresh).config(values).build().unwrap()
    };
    // They share the code: a snapshot with a key in it would be shared too.
    let (one, other) = (fresh("one's"), fresh("other's"));
    for (runtime, expected) in [(&one, "one's"), (&other, "other's"), (&one, "one's")] {
        assert!(!runtime.usage().preinitialized);
        let key = runtime.call("key", (), DetachedContext::new()).await.unwrap();
        assert_eq!(key, text(expected));
    }
}

#[tokio::test]
async fn configuration_needs_no_grant() {
    let runtime = Runtime::builder(package("config")).grants(Grants::none()).config(values());
    assert_eq!(get(&runtime.build().unwrap(), "api_key").await.unwrap(), "'hunter2'");
}
