use axum::body::to_bytes;
use axum::http::HeaderMap;

use super::*;
use crate::trace::{Hop, Party, TRACE_FIELD};

fn fields(id: &str) -> HeaderMap {
    [(axum::http::HeaderName::from_static(TRACE_FIELD), id.parse().unwrap())].into_iter().collect()
}

fn asked(id: &str) -> Hop {
    let (app, core) = (Party::app("alice", "chat"), Party::core("alice"));
    Hop::request(app, core, "GET", "/internal/call_peer/bobbob/peers/x", &fields(id))
}

/// A call begins.
pub(super) fn begin(trace: &Trace, id: &str) -> u64 {
    trace.record(asked(id))
}

/// All that the page gets of it.
pub(super) async fn shown(view: &View, id: &str) -> serde_json::Value {
    let answer = call(State(Arc::clone(&view.inner)), Path(id.to_owned())).await;
    serde_json::from_slice(&to_bytes(answer.into_body(), 1 << 20).await.unwrap()).unwrap()
}

/// It is answered.
pub(super) fn answer(trace: &Trace, id: &str, status: u16) {
    trace.record(asked(id).answer(status, &HeaderMap::new()));
}

async fn served(view: &View) -> (String, String) {
    let answer = page(State(Arc::clone(&view.inner))).await;
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    let page = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (policy, String::from_utf8(page.to_vec()).unwrap())
}

#[tokio::test]
async fn the_page_loads_nothing_and_its_policy_names_what_stands_in_it() {
    let (policy, page) = served(&View::new(Trace::new(), "r1")).await;
    assert!(policy.starts_with("default-src 'none'; connect-src 'self';"), "{policy}");
    let inside = |from: &str, to: &str| {
        let from = page.find(from).unwrap() + from.len();
        &page[from..from + page[from..].find(to).unwrap()]
    };
    for text in [inside("<style>", "</style>"), inside("<script>", "</script>")] {
        assert!(policy.contains(&format!("'sha256-{}'", hash(text))));
    }
    let own = page.replace("http://www.w3.org/2000/svg", "");
    for outside in ["http://", "https://", "src=", "<link", "@import", "url("] {
        assert!(!own.contains(outside), "{outside} in the page");
    }
}

#[tokio::test]
async fn no_data_ends_the_script_or_begins_another() {
    let (_, page) = served(&View::new(Trace::new(), "r</script>1")).await;
    assert!(page.contains(r#""run":"r\u003c/script\u003e1""#), "{page}");
    assert_eq!(page.matches("</script>").count(), 2);
}

#[tokio::test]
async fn a_call_that_nobody_knows_is_a_problem_with_words() {
    let view = View::new(Trace::new(), "r1");
    let answer = call(State(Arc::clone(&view.inner)), Path("x".to_owned())).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let body = to_bytes(answer.into_body(), 4096).await.unwrap();
    assert!(String::from_utf8_lossy(&body).contains("there is no such call"));
}

#[tokio::test]
async fn only_so_many_look_at_a_time() {
    let view = View::new(Trace::new(), "r1");
    let look = || events(State(Arc::clone(&view.inner)), HeaderMap::new());
    let mut answers = Vec::new();
    for _ in 0..READERS {
        answers.push(look().await);
    }
    assert!(answers.iter().all(|answer| answer.status() == StatusCode::OK));
    assert_eq!(look().await.status(), StatusCode::SERVICE_UNAVAILABLE);
    answers.pop();
    assert_eq!(look().await.status(), StatusCode::OK);
}
