//! The steps of app developers: what is in bodies, what holds in the end, what holds everywhere.

use super::{Case, expect_all};
use crate::verdict::Verdict;

const ASKED: &str = "When a stranger sends GET /public/page?x=1 to bob's chat";
const CALLED: &str = "When alice's chat calls bob with POST /peers/x\n\"\"\"\n{\"text\": \"hello\", \"n\": 2, \"tags\": [\"a\", \"b\"]}\n\"\"\"";
const EVERYBODY: &str = "When a stranger sends GET /public/page to every Portal's chat";

const CASES: &[Case] = &[
    (ASKED, "the answer's JSON \"method\" is \"GET\"", "the answer's JSON \"method\" is \"POST\""),
    (ASKED, "the answer's JSON \"no_such\" is not there", "the answer's JSON \"method\" is not there"),
    (ASKED, "the answer's JSON \"method\" contains \"GE\"", "the answer's JSON \"method\" contains \"get\""),
    (ASKED, "the answer's JSON \"trailers\" is []", "the answer's JSON \"trailers\" has 1 item"),
    (
        ASKED,
        "the answer's JSON includes\n\"\"\"\n{\"target\": \"/public/page?x=1\"}\n\"\"\"",
        "the answer's JSON includes\n\"\"\"\n{\"target\": \"/public/page\"}\n\"\"\"",
    ),
    (ASKED, "the answer's JSON \"method\" is \"GET\"", "the answer's JSON is\n\"\"\"\n{\"method\": \"GET\"}\n\"\"\""),
    (ASKED, "the answer's body contains \"/public/page\"", "the answer's body contains \"/private\""),
    (ASKED, "the answer's body does not contain \"/private\"", "the answer's body does not contain \"/public\""),
    (ASKED, "the answer's body matches /GET.*page/", "the answer's body matches /^GET/"),
    (
        "Given bob's chat answers 200 with the body \"one\"\nWhen alice's chat calls bob with GET /peers/x",
        "the answer's body is the text\n\"\"\"\none\n\"\"\"",
        "the answer's body is the text\n\"\"\"\ntwo\n\"\"\"",
    ),
    (
        "Given bob's chat answers 200 with the body \"[1, 2.0]\"\nWhen alice's chat calls bob with GET /peers/x",
        "the answer's JSON is\n\"\"\"\n[1.0, 2]\n\"\"\"",
        "the answer's JSON is\n\"\"\"\n[2, 1]\n\"\"\"",
    ),
    (
        "Given bob's chat answers 200 with the body \"[1, 2]\"\nWhen alice's chat calls bob with GET /peers/x",
        "the answer's JSON \"\" has 2 items",
        "the answer's JSON \"[0]\" has 1 item",
    ),
    (
        "Given bob's chat answers 200 with the body \"no JSON\"\nWhen alice's chat calls bob with GET /peers/x",
        "the answer is 200",
        "the answer's JSON \"a\" is not there",
    ),
    (CALLED, "bob's chat received JSON whose \"text\" is \"hello\"", "bob's chat received JSON whose \"n\" is 3"),
    (
        CALLED,
        "bob's chat received JSON that includes\n\"\"\"\n{\"tags\": [\"b\"]}\n\"\"\"",
        "bob's chat received JSON that includes\n\"\"\"\n{\"tags\": [\"c\"]}\n\"\"\"",
    ),
    (CALLED, "bob's chat received a body that contains \"hello\"", "bob's chat received a body that contains \"bye\""),
    // A question is asked anew before each look, and nothing else is.
    (ASKED, "within 5 seconds bob's chat received 3 requests", "within 1 second bob's chat received nothing"),
    (CALLED, "within 5 seconds bob's chat received 1 request", "within 1 second bob's chat received 2 requests"),
    (EVERYBODY, "every answer is 200", "every answer is 401"),
    (EVERYBODY, "every answer's JSON \"target\" is \"/public/page\"", "every answer's JSON \"target\" is \"/\""),
    (EVERYBODY, "every Portal's chat received 1 request", "every Portal's chat received nothing"),
    (EVERYBODY, "within 5 seconds every Portal's chat received 2 requests", "within 1 second every answer is 401"),
    (
        "Given bob's chat answers 503\nWhen every Portal's owner sends GET /notes to its chat",
        "the answer is 200 or 503",
        "every answer is 200",
    ),
];

#[test]
fn each_check_holds_where_it_is_true() {
    expect_all(CASES, |case| case.1, Verdict::Pass);
}

#[test]
fn each_check_fails_where_it_is_not() {
    expect_all(CASES, |case| case.2, Verdict::Fail);
}
