use super::*;
use crate::report::sample;

/// What the page's data element holds.
fn data(page: &str) -> serde_json::Value {
    let start = "<script type=\"application/json\" id=\"data\">";
    let from = page.find(start).unwrap() + start.len();
    let to = from + page[from..].find("</script>").unwrap();
    serde_json::from_str(&page[from..to]).unwrap()
}

#[test]
fn the_page_holds_all_that_it_shows_and_loads_nothing() {
    let page = page(&sample::everything()).unwrap();
    assert_eq!(data(&page)["scenarios"].as_array().unwrap().len(), sample::everything().scenarios.len());
    for outside in ["http://", "https://", "src=", "<link", "@import", "url("] {
        let own = page.replace("http://www.w3.org/2000/svg", "");
        let markup = own.split("<script type=\"application/json\"").next().unwrap();
        assert!(!markup.contains(outside), "{outside} in the page");
    }
    assert!(page.contains("default-src 'none'"), "{page}");
}

#[test]
fn no_data_ends_the_script_or_begins_another() {
    let evil = "</script><script>alert(1)</script><!--<script>";
    let mut summary = sample::everything();
    summary.subject.name = evil.into();
    summary.scenarios[1].scenario.name = evil.into();
    summary.scenarios[1].failure.as_mut().unwrap().got = evil.into();
    let page = page(&summary).unwrap();
    assert!(!page.contains("alert(1)</"), "{page}");
    assert_eq!(page.matches("</script>").count(), 2, "the data and the script");
    assert_eq!(data(&page)["scenarios"][1]["name"], evil);
}

#[test]
fn the_policy_names_the_script_and_the_style_that_stand_there() {
    let page = page(&sample::summary()).unwrap();
    let inside = |from: &str, to: &str| {
        let from = page.find(from).unwrap() + from.len();
        &page[from..from + page[from..].find(to).unwrap()]
    };
    for text in [inside("<style>", "</style>"), inside("<script>", "</script>")] {
        assert!(page.contains(&format!("'sha256-{}'", hash(text))), "the hash of {text}");
    }
}
