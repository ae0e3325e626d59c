//! Checks on who a Portal is and whom it knows: IDs, peers, terminals, apps.

use super::{Case, expect_all};
use crate::verdict::Verdict;

const NOTHING: &str = "When a stranger sends GET /public/page to bob's chat";
const PAIRED: &str =
    "Given bob's owner asks for a pairing code\nWhen a device named \"phone\" pairs with bob using that code";
const LISTED: &str = "Given bob has paired the terminal phone\nAnd bob has paired the terminal tablet\n\
                      When bob's owner sends GET /protected/terminals to bob's Core";
const KILLED: &str = "When bob's Core is killed and started while 30 peers are being added and every third removed";
const INSTALLED: &str = "When bob installs journal from the app.json\n\"\"\"\n\
    {\"v\": \"3.2\", \"name\": \"journal\", \"port\": 80, \"paths\": {\"\": {\"access\": \"public\", \
    \"headers\": {\"X-Ptl-A\": \"1\"}}}}\n\"\"\"";
const NEIGHBOURS: &str = "When bob installs journal from the app.json\n\"\"\"\n\
    {\"v\": \"3.2\", \"name\": \"journal\", \"port\": 80, \
    \"paths\": {\"\": {\"access\": \"private\"}, \"/a\": {\"access\": \"public\"}}}\n\"\"\"";
const BROKEN: &str = "When bob installs journal from the app_meta.json\n\"\"\"\n\
    {\"v\": \"9.9\", \"name\": \"journal\"}\n\"\"\"";

const CASES: &[Case] = &[
    (NOTHING, "the IDs of alice and bob all differ", "the IDs of alice, bob and alice all differ"),
    (NOTHING, "bob's ID is the hash of the public key that it gives", "bob has no peers"),
    ("When bob's Core is restarted", "bob's whoareyou is the same as at the beginning", "bob has no peers"),
    (
        "Given bob's chat answers 200 with the body \"-----BEGIN PUBLIC KEY-----\"\n\
         When a stranger sends GET /public/page to bob's chat",
        "nothing that bob's Core has said or logged holds its private key",
        "bob has no peers",
    ),
    (
        "Given bob's chat answers 200 with the body \"-----BEGIN RSA PRIVATE KEY-----\"\n\
         When a stranger sends GET /public/page to bob's chat",
        "the answer is 200",
        "nothing that bob's Core has said or logged holds its private key",
    ),
    (
        "When a stranger sends GET /public/page to bob's chat\n| field | value |\n| X-A | ----BEGIN PRIVATE KEY----- |",
        "the answer is 200",
        "nothing that bob's Core has said or logged holds its private key",
    ),
    (
        "When bob removes the peer alice\nAnd bob removes the peer carol",
        "bob has no peers",
        "bob's peers are\n| peer |\n| carol |",
    ),
    (
        NOTHING,
        "bob's peers are\n| peer | name | reachable | key |\n| carol | carol | true | known |\n| alice | alice | true | known |",
        "bob's peers are\n| peer | name |\n| alice | alice |\n| carol | Carol |",
    ),
    (NOTHING, "bob's peers are\n| peer |\n| alice |\n| carol |", "bob's peers are\n| peer |\n| alice |"),
    (NOTHING, "alice's peers are\n| peer |\n| bob |\n| carol |", "alice's peers are\n| peer |\n| bob |\n| bob |"),
    (
        "Given the fake Portal dora\nGiven dora's whoareyou says\n| at | value |\n| id | {carol.id} |\n\
         When bob adds dora as a peer named \"Dora\"",
        "bob's peers are\n| peer | reachable | key |\n| alice | true | known |\n| carol | true | known |\n\
         | dora | false | unknown |",
        "bob's peers are\n| peer | key |\n| alice | known |\n| carol | known |\n| dora | known |",
    ),
    (
        "Given the fake Portal dora\nGiven asked who it is, dora redirects to carol\nWhen bob adds dora as a peer",
        "carol received nothing",
        "bob's peers are\n| peer | reachable |\n| alice | true |\n| carol | true |\n| dora | true |",
    ),
    // Were it followed, the redirect would be seen.
    (
        "Given asked who it is, carol is silent\nWhen bob's chat calls carol with GET /core/public/meta/whoareyou?redirected",
        "the answer is 504",
        "carol received nothing",
    ),
    (
        "Given the fake Portal dora\nGiven a request GET /peers/x to bob's chat\nAnd it is signed by dora\n\
         When it is sent, and signed and sent anew 60 seconds later if it was refused",
        "it is refused",
        "it is let in as the peer carol",
    ),
    (
        "Given a request GET /peers/x to bob's chat\nAnd it is signed by carol\n\
         When it is sent, and signed and sent anew 60 seconds later if it was refused",
        "it is let in as the peer carol",
        "it is refused",
    ),
    (
        KILLED,
        "every change that bob's Core had acknowledged is there",
        "bob's peers are\n| peer |\n| alice |\n| carol |",
    ),
    (
        PAIRED,
        "the answer sets the cookie \"authorization\" with\n| attribute | value |\n| Domain | {bob.domain} |\n\
         | httponly | present |\n| SameSite | Lax |\n| Partitioned | |\n| value | /^e/ |",
        "the answer does not set the cookie \"authorization\"",
    ),
    (
        PAIRED,
        "the answer is 201",
        "the answer sets the cookie \"authorization\" with\n| attribute | value |\n| Domain | {alice.domain} |",
    ),
    (
        PAIRED,
        "the answer is 201",
        "the answer sets the cookie \"authorization\" with\n| attribute | value |\n| Secure | |",
    ),
    (
        PAIRED,
        "the answer is 201",
        "the answer sets the cookie \"authorization\" with\n| attribute | value |\n| Partitioned | present |",
    ),
    (
        PAIRED,
        "the answer is 201",
        "the answer sets the cookie \"session\" with\n| attribute | value |\n| Secure | present |",
    ),
    (
        "Given bob's owner asks for a pairing code that is good for 5 seconds\nWhen 6 seconds pass\n\
         And a device named \"phone\" pairs with bob using that code",
        "the answer does not set the cookie \"authorization\"",
        "the answer sets the cookie \"authorization\" with\n| attribute | value |\n| Secure | present |",
    ),
    (
        "Given bob's owner asks for a pairing code\nWhen a stranger tries 50 wrong codes on bob\n\
         And a device named \"phone\" pairs with bob using that code",
        "the answer is 401 or 429",
        "the answer is 201",
    ),
    ("When bob's owner asks for 25 pairing codes", "the codes follow no pattern", "bob has no peers"),
    (
        LISTED,
        "the answer's list has among its members\n| id | name |\n| {phone.id} | phone |\n| {tablet.id} | /^tab/ |",
        "the answer's list has among its members\n| id | name |\n| {phone.id} | tablet |",
    ),
    (
        "Given bob has paired the terminal phone\nGiven a request GET /notes to bob's chat\n\
         And it carries a cookie of the terminal phone as it is\nWhen it is sent",
        "it is let in as the terminal phone",
        "it is refused",
    ),
    (INSTALLED, "the install is accepted without warnings", "the install is refused"),
    (INSTALLED, "the install is accepted", "the install is accepted with a warning that names \"journal\""),
    (
        NEIGHBOURS,
        "the install is accepted with a warning that names \"/a\"",
        "the install is accepted without warnings",
    ),
    (BROKEN, "the install is refused with a reason that names \"9.9\"", "the install is accepted"),
    (BROKEN, "the install is refused", "the install is refused with a reason that names \"8.8\""),
    (
        "When bob installs journal from the app.json\n\"\"\"\n{}\n\"\"\"\nAnd a stranger sends GET / to bob's journal",
        "bob's journal received nothing, or the fields\n| field | value |\n| X-Ptl-A | 1 |",
        "it is let in as anonymous",
    ),
    (
        "When a stranger sends GET /public/page to bob's chat",
        "bob's chat received nothing, or the fields\n| field | value |\n| X-Ptl-Client-Type | anonymous |",
        "bob's chat received nothing, or the fields\n| field | value |\n| X-Ptl-Client-Type | peer |",
    ),
];

#[test]
fn each_check_on_knowing_holds_where_it_is_true() {
    expect_all(CASES, |case| case.1, Verdict::Pass);
}

#[test]
fn each_check_on_knowing_fails_where_it_is_not() {
    expect_all(CASES, |case| case.2, Verdict::Fail);
}
