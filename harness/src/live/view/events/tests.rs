use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::live::view::View;
use crate::live::view::tests::{answer, begin, shown};
use crate::trace::Trace;

async fn reader(view: &View, last: Option<&str>) -> Reader {
    let place = Arc::clone(&view.inner.readers).acquire_owned().await.unwrap();
    Reader::new(Arc::clone(&view.inner), last, place)
}

async fn next(reader: &mut Reader) -> (&'static str, Option<String>, Value) {
    let told = tokio::time::timeout(Duration::from_secs(5), reader.next()).await.expect("an event").expect("no end");
    (told.name, told.id, told.data)
}

fn ids(data: &Value) -> Vec<&str> {
    data.as_array().unwrap().iter().map(|call| call["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_new_reader_is_told_of_all_calls_and_then_of_each_change() {
    let trace = Trace::new();
    let view = View::new(trace.clone(), "r1");
    begin(&trace, "a");
    begin(&trace, "b");
    let mut reader = reader(&view, None).await;

    let (name, id, data) = next(&mut reader).await;
    assert_eq!((name, id), ("hello", None));
    assert_eq!((data["run"].as_str(), data["begun"].as_u64(), data["held"].as_u64()), (Some("r1"), Some(2), Some(2)));
    let (name, id, data) = next(&mut reader).await;
    assert_eq!((name, id.as_deref(), ids(&data)), ("calls", Some("r1-2"), vec!["a", "b"]));

    answer(&trace, "a", 200);
    let (_, id, data) = next(&mut reader).await;
    assert_eq!((id.as_deref(), ids(&data)), (Some("r1-3"), vec!["a"]));
    assert_eq!(data[0]["status"], 200);
}

#[tokio::test]
async fn a_body_that_ends_later_is_told_of_and_shown() {
    let trace = Trace::new();
    let view = View::new(trace.clone(), "r1");
    let body = |shown: &Value| shown["entries"][0]["hop"]["body"].clone();
    let mut tap = trace.tap(begin(&trace, "a"));
    tap.take(b"{\"a\":  1}");
    let mut reader = reader(&view, None).await;
    next(&mut reader).await;
    let (_, id, data) = next(&mut reader).await;
    assert_eq!((id.as_deref(), &data[0]["bodies"]), (Some("r1-1"), &json!(0)));
    assert_eq!(body(&shown(&view, "a").await), json!({"text": "{\"a\":  1}", "length": 9, "end": "going_on"}));

    tap.end();
    let (name, id, data) = next(&mut reader).await;
    assert_eq!((name, id.as_deref(), ids(&data)), ("calls", Some("r1-2"), vec!["a"]));
    assert_eq!((&data[0]["bodies"], &data[0]["entries"]), (&json!(1), &json!(1)));
    assert_eq!(body(&shown(&view, "a").await), json!({"text": "{\"a\":  1}", "length": 9, "end": "complete"}));
}

#[tokio::test]
async fn a_reader_that_was_gone_goes_on_where_it_was_but_not_in_another_run() {
    let trace = Trace::new();
    let view = View::new(trace.clone(), "r1");
    for id in ["a", "b", "c"] {
        begin(&trace, id);
    }
    for (last, told) in [("r1-2", vec!["c"]), ("r1-0", vec!["a", "b", "c"]), ("r0-2", vec!["a", "b", "c"])] {
        let mut reader = reader(&view, Some(last)).await;
        assert_eq!(next(&mut reader).await.0, "hello");
        assert_eq!(ids(&next(&mut reader).await.2), told, "after {last}");
    }
    for nonsense in ["", "r1", "r1-", "r1-x", "r1-99999999999999999999999", "r1--1"] {
        let mut reader = reader(&view, Some(nonsense)).await;
        next(&mut reader).await;
        assert_eq!(ids(&next(&mut reader).await.2).len(), 3, "after {nonsense}");
    }
}

#[tokio::test]
async fn a_slow_reader_gets_the_latest_state_of_each_call_and_is_told_what_it_missed() {
    let trace = Trace::new();
    let view = View::new(trace.clone(), "r1");
    begin(&trace, "first");
    let mut reader = reader(&view, None).await;
    next(&mut reader).await;
    assert_eq!(ids(&next(&mut reader).await.2), ["first"]);

    // It does not read while more calls happen than are kept.
    for n in 0..KEPT + 5 {
        begin(&trace, &format!("n{n}"));
        answer(&trace, &format!("n{n}"), 200);
    }
    let (mut missed, mut seen) = (0, Vec::new());
    while missed as usize + seen.len() < KEPT + 5 {
        match next(&mut reader).await {
            ("missed", _, data) => missed += data["calls"].as_u64().unwrap(),
            ("calls", _, data) => {
                let calls = data.as_array().unwrap();
                assert!(calls.len() <= AT_ONCE, "{} at once", calls.len());
                assert!(calls.iter().all(|call| call["status"] == 200), "the latest state");
                seen.extend(calls.iter().map(|call| call["id"].as_str().unwrap().to_owned()));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(missed, 5);
    let expected: Vec<String> = (5..KEPT + 5).map(|n| format!("n{n}")).collect();
    assert_eq!(seen, expected, "in order, each once");
}

#[tokio::test]
async fn events_end_when_the_view_is_closed() {
    let view = View::new(Trace::new(), "r1");
    let mut reader = reader(&view, None).await;
    next(&mut reader).await;
    let ended = AtomicUsize::new(0);
    let reading = async {
        assert!(reader.next().await.is_none());
        ended.fetch_add(1, Ordering::Relaxed);
    };
    let closing = async {
        tokio::task::yield_now().await;
        assert_eq!(ended.load(Ordering::Relaxed), 0);
        view.close();
    };
    tokio::time::timeout(Duration::from_secs(5), async { tokio::join!(reading, closing) }).await.expect("it ends");
}
