//! Calls that are recorded, and replayed without a host.

use std::future::IntoFuture;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use serde_json::{Value as Json, json};
use surrealdb_types::{Kind, Object, Value};
use surrealism_runtime::json::from_json;
use surrealism_runtime::limits::MAX_RECORDED_LINE_BYTES;
use surrealism_runtime::record::{RecordedCall, Recorder, Recording, Replayed, Verdict};
use surrealism_runtime::{
    BTreeMapStore, DetachedContext, GuestError, InvocationContext, KVStore, Runtime,
    SurrealismConfig,
};

use crate::support::{NO_ARGS, builder, package, text, trusted, value};

/// What a recorder writes to.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Buffer {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Returns the calls of the recording, as JSON.
    fn lines(&self) -> Vec<Json> {
        let text = self.text();
        text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn calls(&self) -> Vec<RecordedCall> {
        Recording::open(self.text().as_bytes()).unwrap().map(Result::unwrap).collect()
    }
}

/// A host with prices and secrets.
#[derive(Clone, Default)]
struct Shop(Arc<BTreeMapStore>);

#[async_trait]
impl InvocationContext for Shop {
    async fn sql(&mut self, _: &SurrealismConfig, query: String, vars: Object) -> Result<Value> {
        match query.as_str() {
            "SELECT VALUE price FROM ONLY $item" if vars.get("item") == Some(&text("gold")) => {
                Err(GuestError::new("the price of gold is not known").into())
            }
            "SELECT VALUE price FROM ONLY $item" => Ok(value(7_i64)),
            "RETURN $secret" => Ok(text("hunter2")),
            "RETURN $value" => Ok(vars.get("value").cloned().unwrap_or_default()),
            _ => Err(GuestError::new(format!("cannot parse {query:?}")).into()),
        }
    }

    async fn run(
        &mut self,
        _: &SurrealismConfig,
        _: String,
        _: Option<String>,
        args: Vec<Value>,
    ) -> Result<Value> {
        Ok(args.into_iter().next().unwrap_or_default())
    }

    fn kv(&mut self) -> Result<&dyn KVStore> {
        Ok(&*self.0)
    }
}

impl Shop {
    /// Returns a host that has two of each of these.
    async fn with(items: &[&str]) -> Self {
        let shop = Self::default();
        for item in items {
            shop.0.set(format!("stock/{item}"), value(2_i64)).await.unwrap();
        }
        shop
    }
}

/// A runtime that records, and what it has written.
fn recording(limit: impl FnOnce(Recorder) -> Recorder) -> (Runtime, Recorder, Buffer) {
    let buffer = Buffer::default();
    let recorder = limit(Recorder::new(buffer.clone()));
    let runtime = builder("recorded").recorder(recorder.clone()).build().unwrap();
    (runtime, recorder, buffer)
}

fn replaying() -> Runtime {
    Runtime::builder(package("recorded")).build().unwrap()
}

fn items(items: &[&str]) -> (Vec<String>,) {
    (items.iter().map(|item| item.to_string()).collect(),)
}

async fn replay(calls: &[RecordedCall]) -> Vec<Replayed> {
    let (runtime, mut replayed) = (replaying(), Vec::new());
    for call in calls {
        replayed.push(runtime.replay(call).await);
    }
    replayed
}

#[tokio::test]
async fn a_call_that_failed_in_a_loop_fails_again_without_the_host() {
    let (runtime, recorder, buffer) = recording(|recorder| recorder);
    let shop = Shop::with(&["tea", "cup"]).await;
    let order = |names: &[&str]| runtime.call("order", items(names), shop.clone()).into_future();
    assert_eq!(order(&["tea", "cup", "tea"]).await.unwrap(), value(21_i64));
    let empty = order(&["cup", "tea"]).await.unwrap_err().to_string();
    assert_eq!(empty, "tea for 7 is not in stock");
    let unknown = order(&["gold"]).await.unwrap_err().to_string();
    assert_eq!(unknown, "the price of gold is not known");
    let recorded = recorder.flush().unwrap();
    assert_eq!((recorded.calls, recorded.cut, recorded.left_out), (3, 0, 0));

    let calls = buffer.calls();
    assert_eq!(calls[1].text(), "order([\"cup\",\"tea\"])");
    assert_eq!((calls[1].number(), calls[1].function()), (2, Some("order")));
    let lines = buffer.lines();
    let names = |line: &Json| -> Vec<String> {
        let calls = line["host"].as_array().unwrap().iter();
        calls.map(|call| call["host"].as_str().unwrap().to_string()).collect()
    };
    assert_eq!(names(&lines[1]), ["kv::get", "sql", "kv::set", "kv::get", "sql"]);
    assert_eq!(lines[1]["host"][1]["args"][1], json!({ "item": "cup" }));
    assert_eq!(lines[1]["outcome"], json!({ "error": empty }));
    assert_eq!(lines[2]["host"][1]["answer"], json!({ "error": unknown }));

    // The store of the replay has none of this, and nothing that answers a query.
    let replayed = replay(&calls).await;
    assert_eq!(replayed.iter().map(|r| r.host_calls).collect::<Vec<_>>(), [9, 5, 2]);
    assert!(replayed.iter().all(|replayed| replayed.verdict == Verdict::Same), "{replayed:?}");
}

#[tokio::test]
async fn clocks_and_randomness_are_those_of_the_recording() {
    let (runtime, recorder, buffer) = recording(|recorder| recorder);
    let observe = || runtime.call("observe", (5_i64,), DetachedContext::new()).into_future();
    let results = [observe().await.unwrap(), observe().await.unwrap()];
    assert_ne!(results[0], results[1], "the clock and the seed differ");
    recorder.flush().unwrap();
    let calls = buffer.calls();

    for replayed in [replay(&calls).await, replay(&calls).await].concat() {
        assert_eq!(replayed.verdict, Verdict::Same);
        assert!(replayed.host_calls >= 5, "{replayed:?}");
    }

    // The recording decides what the guest sees.
    let answer = "\"clock::wall\",\"args\":[],\"answer\":{\"ok\":[";
    let text = buffer.text();
    assert!(text.contains(answer), "{text}");
    let text = text.replace(answer, &format!("{answer}1"));
    let changed = Recording::open(text.as_bytes()).unwrap().next().unwrap().unwrap();
    let verdict = replaying().replay(&changed).await.verdict;
    assert!(matches!(verdict, Verdict::ResultDiffers { .. }), "{verdict:?}");
}

/// The same component with another key, as a new version would have.
fn changed() -> Runtime {
    let mut package = package("recorded");
    let (old, new) = (b"stock/", b"store/");
    let places: Vec<_> = (0..package.wasm.len() - old.len())
        .filter(|at| package.wasm[*at..].starts_with(old))
        .collect();
    assert!(!places.is_empty());
    for at in places {
        package.wasm[at..at + new.len()].copy_from_slice(new);
    }
    Runtime::builder(package).build().unwrap()
}

#[tokio::test]
async fn the_first_host_call_that_differs_is_named() {
    let (runtime, recorder, buffer) = recording(|recorder| recorder);
    let shop = Shop::with(&["tea"]).await;
    runtime.call("order", items(&["tea"]), shop.clone()).await.unwrap();
    recorder.flush().unwrap();
    let call = &buffer.calls()[0];
    let Replayed { host_calls, verdict } = changed().replay(call).await;
    let shown = |key: &str| Some(format!("kv::get(\"{key}/tea\")"));
    let expected = Verdict::Diverged { index: 0, recorded: shown("stock"), now: shown("store") };
    assert_eq!((host_calls, verdict), (0, expected));

    // Each way in which a recording may not fit.
    let line = buffer.lines()[0].clone();
    let verdict = async |change: &dyn Fn(&mut Json)| {
        let mut line = line.clone();
        change(&mut line);
        let text = format!("{{\"surrealism_recording\":1}}\n{line}\n");
        let call = Recording::open(text.as_bytes()).unwrap().next().unwrap().unwrap();
        replaying().replay(&call).await.verdict
    };
    assert_eq!(verdict(&|_| ()).await, Verdict::Same);
    let shorter = verdict(&|line| drop(line["host"].as_array_mut().unwrap().pop())).await;
    let now = Some("kv::set(\"stock/tea\", 1)".to_string());
    assert_eq!(shorter, Verdict::Diverged { index: 2, recorded: None, now });
    let longer = verdict(&|line| {
        let calls = line["host"].as_array_mut().unwrap();
        calls.push(calls[0].clone());
    });
    let recorded = shown("stock");
    assert_eq!(longer.await, Verdict::Diverged { index: 3, recorded, now: None });
    let result = verdict(&|line| line["outcome"] = json!({ "ok": 8 })).await;
    let differs = Verdict::ResultDiffers { recorded: "8".into(), now: "7".into() };
    assert_eq!(result, differs);
    let query = verdict(&|line| line["host"][1]["args"][0] = "RETURN 1".into()).await;
    let Verdict::Diverged { index: 1, recorded: Some(recorded), now: Some(now) } = query else {
        panic!("{query:?}");
    };
    assert_eq!(recorded, "sql(\"RETURN 1\", {\"item\":\"tea\"})");
    assert_eq!(now, "sql(\"SELECT VALUE price FROM ONLY $item\", {\"item\":\"tea\"})");
}

#[tokio::test]
async fn every_value_is_answered_as_it_was() {
    let (runtime, recorder, buffer) = recording(|recorder| recorder);
    let values = json!([
        { "$none": null },
        null,
        true,
        { "$int": i64::MAX.to_string() },
        { "$float": 1.0 },
        { "$float": "Infinity" },
        0.1,
        { "$decimal": "1.50" },
        "$none",
        [{ "$none": null }, 1, "x"],
        { "a": { "$none": null }, "$int": 1 },
        { "$object": { "$none": null } },
        { "$bytes": "AP8=" },
        { "$duration": "1h30m" },
        { "$datetime": "2026-01-31T12:00:00.000000001Z" },
        { "$uuid": "018f6f6e-1111-7000-8000-000000000000" },
        { "$record": "page:1" },
        { "$record": { "table": "weather", "key": ["London", { "$datetime": "2026-01-31T12:00:00Z" }] } },
        { "$set": [1, 2] },
        { "$range": { "start": { "included": 1 } } },
        { "$regex": "a+" },
        { "$geometry": { "type": "Point", "coordinates": [1.0, 2.5] } },
        { "$file": { "bucket": "photos", "key": "/cat.png" } },
    ]);
    for json in values.as_array().unwrap() {
        let value = from_json(json, &Kind::Any).unwrap();
        let result = runtime.call("carry", (value.clone(),), Shop::default()).await.unwrap();
        assert_eq!(result, Value::Array(vec![value; 8].into()), "{json}");
    }
    recorder.flush().unwrap();
    for (call, replayed) in buffer.calls().iter().zip(replay(&buffer.calls()).await) {
        assert_eq!(replayed.verdict, Verdict::Same, "{}", call.text());
        // A regular expression asks for randomness too.
        assert!(replayed.host_calls >= 8, "{}", call.text());
    }
}

#[tokio::test]
async fn a_trap_a_timeout_and_a_cancelled_call_are_recorded() {
    let buffer = Buffer::default();
    let recorder = Recorder::new(buffer.clone());
    let limit = Duration::from_millis(200);
    let short = |builder: surrealism_runtime::RuntimeBuilder| builder.max_execution_time(limit);
    let runtime = short(builder("recorded")).recorder(recorder.clone()).build().unwrap();
    let key = || ("a".to_string(),);
    runtime.call("panic", key(), Shop::default()).await.unwrap_err();
    runtime.call("spin", key(), Shop::default()).await.unwrap_err();
    {
        let cancelled = runtime.call("spin", key(), Shop::default()).into_future();
        assert!(tokio::time::timeout(limit / 4, cancelled).await.is_err());
    }
    // Calls that do not begin are not recorded.
    runtime.call("missing", key(), Shop::default()).await.unwrap_err();
    runtime.call("panic", NO_ARGS, Shop::default()).await.unwrap_err();
    recorder.flush().unwrap();
    let lines = buffer.lines();
    let outcome = |index: usize| lines[index]["outcome"].to_string();
    assert!(
        outcome(0).starts_with("{\"trap\":\"function `panic` of surrealism/recorded"),
        "{}",
        outcome(0)
    );
    assert!(outcome(0).contains("found None"), "{}", outcome(0));
    assert!(
        outcome(1).starts_with("{\"timeout\":\"the call was stopped after 200ms"),
        "{}",
        outcome(1)
    );
    assert_eq!((outcome(2).as_str(), lines.len()), ("\"cancelled\"", 3));

    let replayer = short(Runtime::builder(package("recorded"))).build().unwrap();
    for call in &buffer.calls()[..2] {
        assert_eq!(replayer.replay(call).await.verdict, Verdict::Same, "{}", call.text());
    }
}

#[tokio::test]
async fn what_uses_the_network_is_marked_and_never_connects() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (runtime, recorder, buffer) = recording(|recorder| recorder);
    let connected = runtime.call("connect", (i64::from(port),), Shop::default()).await.unwrap();
    assert_eq!(connected, value(true));
    listener.accept().unwrap();
    recorder.flush().unwrap();
    let runtime = trusted(package("recorded")).build().unwrap();
    let verdict = runtime.replay(&buffer.calls()[0]).await.verdict;
    let reason = "host call 2: it uses the network, whose answers are not recorded".to_string();
    assert_eq!(verdict, Verdict::Unreplayable { reason });
    assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn secrets_are_blanked_everywhere() {
    let secrets = ["hunter2".to_string(), String::new()];
    let (runtime, recorder, buffer) = recording(|recorder| recorder.secrets(secrets));
    assert_eq!(runtime.call("secret", (), Shop::default()).await.unwrap(), text("hunter2"));
    let shop = Shop::with(&["hunter2"]).await;
    runtime.call("order", items(&["hunter2"]), shop).await.unwrap();
    runtime.call("order", items(&["no hunter2 left"]), Shop::default()).await.unwrap_err();
    recorder.flush().unwrap();
    let written = buffer.text();
    assert!(!written.contains("hunter2"), "{written}");
    assert!(written.contains("the secret is [secret]"), "{written}");
    for replayed in replay(&buffer.calls()).await {
        assert_eq!(replayed.verdict, Verdict::Same);
    }
}

#[tokio::test]
async fn recordings_are_bounded() {
    // A call: beyond its bytes it is cut, and goes on.
    let (runtime, recorder, buffer) = recording(|recorder| recorder.max_call_bytes(2_000));
    let shop = Shop::with(&["tea"]).await;
    let large = "x".repeat(3_000);
    let carry =
        |size: usize| runtime.call("carry", (text(&large[..size]),), shop.clone()).into_future();
    runtime.call("order", items(&["tea"]), shop.clone()).await.unwrap();
    for size in [150, 300, 3_000] {
        carry(size).await.unwrap();
    }
    let recorded = recorder.flush().unwrap();
    assert_eq!((recorded.calls, recorded.cut), (4, 3));
    assert!(buffer.text().lines().all(|line| line.len() <= 2_000));
    let replayed = replay(&buffer.calls()).await;
    assert_eq!(replayed[0].verdict, Verdict::Same);
    let reason = "the recorder has cut it, since it was too large".to_string();
    assert_eq!(replayed[1].verdict, Verdict::Unreplayable { reason });

    // A recording: beyond its bytes, calls are counted.
    let (runtime, recorder, buffer) = recording(|recorder| recorder.max_bytes(1_000));
    for _ in 0..5 {
        runtime.call("order", items(&["tea"]), shop.clone()).await.ok();
    }
    let recorded = recorder.flush().unwrap();
    assert!(recorded.calls >= 1 && recorded.calls + recorded.left_out == 5, "{recorded:?}");
    assert!(buffer.text().len() <= 1_000 + 40, "{}", buffer.text().len());
}

#[tokio::test]
async fn calls_go_on_when_the_recording_cannot_be_written() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::new(io::ErrorKind::StorageFull, "the disk is full"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let recorder = Recorder::new(Full);
    let runtime = builder("recorded").recorder(recorder.clone()).build().unwrap();
    let large = text(&"x".repeat(10_000));
    for _ in 0..2 {
        runtime.call("carry", (large.clone(),), Shop::default()).await.unwrap();
    }
    assert_eq!(recorder.flush().unwrap_err().kind(), io::ErrorKind::StorageFull);
}

#[tokio::test]
async fn a_recorded_call_has_an_instance_of_its_own() {
    let buffer = Buffer::default();
    let recorder = Recorder::new(buffer.clone());
    let runtime = builder("state").recorder(recorder.clone()).build().unwrap();
    for _ in 0..3 {
        let count = runtime.call("count", (), DetachedContext::new()).await.unwrap();
        assert_eq!(count, value(1_i64));
    }
    recorder.flush().unwrap();
    let replayer = Runtime::builder(package("state")).build().unwrap();
    for call in buffer.calls() {
        assert_eq!(replayer.replay(&call).await.verdict, Verdict::Same);
    }
    assert_eq!(replayer.usage().idle, 0, "an instance with a tape serves no other call");
}

/// A recording may come from anywhere: each of these is refused, or replayed to its end.
#[tokio::test]
async fn hostile_recordings_are_refused() {
    let header = "{\"surrealism_recording\":1}";
    for (text, expected) in [
        ("", "it is empty"),
        ("\n", "it is not a recording"),
        ("text", "it is not a recording"),
        ("{}", "it is not a recording"),
        ("{\"surrealism_recording\":2}", "has the version 2, and this program reads version 1"),
        ("{\"surrealism_recording\":-1}", "it is not a recording"),
    ] {
        let error = format!("{:#}", Recording::open(text.as_bytes()).unwrap_err());
        assert!(error.contains(expected), "{text}: {error}");
    }
    let long = "x".repeat(MAX_RECORDED_LINE_BYTES + 1);
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for line in [
        "",
        "null",
        "{}",
        "{\"module\":\"a\",\"function\":\"f\",\"args\":[],\"host\":[],\"outcome\":{\"what\":1}}",
        "{\"module\":\"a\",\"function\":\"f\",\"args\":[],\"host\":[{}],\"outcome\":\"cancelled\"}",
        "{\"module\":\"a\",\"function\":\"f\",\"args\":[],\"host\":[],\"outcome\":\"cancelled\",\"x\":1}",
        "{\"module\":\"a\",\"function\":\"f\",\"args\":[],\"ho",
        &long,
        &deep,
    ] {
        let text = format!("{header}\n{line}\n{line}");
        let mut recording = Recording::open(text.as_bytes()).unwrap();
        let error = format!("{:#}", recording.next().unwrap().unwrap_err());
        let shown = &line[..line.len().min(80)];
        assert!(error.contains("line 2 "), "{shown}: {error}");
        assert!(error.len() < 1_000, "{shown}: {error}");
        assert!(recording.take(5).count() <= 1, "{shown}");
    }

    let answers = [
        "null",
        "1",
        "[]",
        "[null]",
        "[[]]",
        "\"x\"",
        "{}",
        "[1,2]",
        "[\"x\"]",
        "[[1,2,3]]",
        "[-1,-1]",
        "[99999999999999999999,1]",
        "1e400",
        "{\"$regex\":\"(\"}",
        "[{\"$regex\":\"(\"}]",
        "[{\"$int\":\"x\"}]",
        "[{\"$record\":\"\"}]",
        "[{\"$geometry\":{}}]",
        "[{\"$undecodable\":null}]",
    ];
    let calls = [
        ("order", "[[\"a\"]]", "kv::get", "[\"stock/a\"]"),
        ("carry", "[1]", "kv::set", "[\"a\",1]"),
        ("observe", "[0]", "clock::wall", "[]"),
        ("secret", "[]", "sql", "[\"RETURN $secret\",{}]"),
        ("panic", "[\"a\"]", "kv::get", "[\"a\"]"),
    ];
    let runtime = replaying();
    for (function, args, host, asked) in calls {
        for answer in answers {
            for answer in
                [format!("{{\"ok\":{answer}}}"), "{\"error\":\"no\"}".into(), "\"none\"".into()]
            {
                let line = format!(
                    "{{\"module\":\"a\",\"function\":\"{function}\",\"args\":{args},\"host\":[{{\"host\":\
                     \"{host}\",\"args\":{asked},\"answer\":{answer}}}],\"outcome\":\"cancelled\"}}"
                );
                let text = format!("{header}\n{line}");
                // Some are not JSON that a number could be read from.
                if let Ok(call) = Recording::open(text.as_bytes()).unwrap().next().unwrap() {
                    let Replayed { host_calls, .. } = runtime.replay(&call).await;
                    assert!(host_calls <= 1, "{line}");
                }
            }
        }
    }
    for (args, expected) in [
        ("[{\"$regex\":\"(\"}]", "its arguments cannot be read"),
        ("[{\"$int\":\"x\"}]", "its arguments cannot be read"),
    ] {
        let line = format!(
            "{{\"module\":\"a\",\"function\":\"carry\",\"args\":{args},\"host\":[],\"outcome\":\
             \"cancelled\"}}"
        );
        let text = format!("{header}\n{line}");
        let call = Recording::open(text.as_bytes()).unwrap().next().unwrap().unwrap();
        let verdict = runtime.replay(&call).await.verdict;
        let Verdict::Unreplayable { reason } = verdict else { panic!("{verdict:?}") };
        assert!(reason.contains(expected), "{reason}");
    }
}
