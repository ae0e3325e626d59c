use super::*;

fn step(state: State) -> Step {
    Step { name: "n", sent: "a\nb".into(), expected: "c".into(), came: "d".into(), state }
}

#[test]
fn what_is_fine_takes_a_line_and_what_is_not_is_told_in_full() {
    assert_eq!(step(State::Fine).to_string(), "ok      n\n");
    assert_eq!(format!("{:#}", step(State::Fine)).lines().count(), 5);
    assert_eq!(step(State::Skipped { why: "w".into() }).to_string(), "-       n: w\n");
    let wrong = "wrong   n\n          sent      a\n                    b\n          expected  c\n          came      d\n          \
                 to do     e\n";
    assert_eq!(step(State::Wrong { advice: "e" }).to_string(), wrong);
}

#[test]
fn what_is_long_or_nested_is_only_hinted_at() {
    let value = serde_json::json!({"a": "x".repeat(100), "b": {"c": 1}, "d": null, "e": [{}], "f": ["g"], "h": {}});
    let x = "x".repeat(48);
    assert_eq!(brief(&value), format!(r#"{{"a":"{x}"… (100 characters),"b":{{…}},"e":[…],"f":["g"],"h":{{}}}}"#));
}
