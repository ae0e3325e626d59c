//! When it was signed.

use super::super::model::{Attack, Defect, Family, made};
use super::super::recipe::Recipe;
use super::{Parameter, put};

pub(super) const FAMILY: Family =
    Family { name: "time", about: "The signature is too old, of the future, or expired.", attacks: ATTACKS };

const OLD: &str = "a signature counts only for as long as the window says";
const FUTURE: &str = "a signature of the future would count for longer than the window says";
const PAST: &str = "it says itself until when it counts";

const ATTACKS: &[Attack] = &[
    made("created-too-old", "AUTH-8", "it was made a little longer ago than the window says", OLD, |it, cast| {
        created(it, cast.now - cast.window - cast.skew - 10);
    })
    .harmless(
        "it was made a little shorter ago than the window says",
        Defect::Made(|it, cast| created(it, cast.now - cast.window + 20)),
    ),
    made("created-days-ago", "AUTH-8", "it was made twice the window and two days ago", OLD, |it, cast| {
        created(it, cast.now - 2 * cast.window - 172_800)
    }),
    made("created-in-1970", "AUTH-8", "created is 0", OLD, |it, _| created(it, 0)),
    made("created-negative", "AUTH-8", "created is negative", "that is a time before 1970", |it, cast| {
        created(it, -cast.now)
    }),
    made(
        "created-in-the-future",
        "AUTH-8",
        "it was made a little further in the future than clocks may differ",
        FUTURE,
        |it, cast| {
            created(it, cast.now + cast.skew + 15);
        },
    )
    .harmless(
        "it was made a little less in the future than clocks may differ",
        Defect::Made(|it, cast| created(it, cast.now + cast.skew - 10)),
    ),
    made(
        "created-hours-ahead",
        "AUTH-8",
        "it was made in twice the window and two hours from now",
        FUTURE,
        |it, cast| {
            created(it, cast.now + 2 * cast.window + 7200);
        },
    ),
    made("created-huge", "AUTH-8", "created is the largest Integer that there is", FUTURE, |it, _| {
        created(it, 999_999_999_999_999)
    }),
    made(
        "created-in-milliseconds",
        "AUTH-8",
        "created counts milliseconds",
        "created counts seconds (RFC 9421 §2.3)",
        |it, cast| created(it, cast.now * 1000),
    ),
    made("expired", "AUTH-7", "it expired a little longer ago than clocks may differ", PAST, |it, cast| {
        created(it, cast.now - cast.skew - 40);
        expires(it, cast.now - cast.skew - 10);
    })
    .harmless("it expires in a minute", Defect::Made(|it, cast| expires(it, cast.now + 60))),
    made("expired-days-ago", "AUTH-7", "it expired two days ago", PAST, |it, cast| expires(it, cast.now - 172_800)),
    made("expired-in-1970", "AUTH-7", "expires is 0", PAST, |it, _| expires(it, 0)),
    made("expires-negative", "AUTH-7", "expires is negative", PAST, |it, cast| expires(it, -cast.now)),
    made(
        "expires-before-created",
        "AUTH-7",
        "it expires before it was made, and both are in the past",
        PAST,
        |it, cast| {
            created(it, cast.now - cast.skew - 60);
            expires(it, cast.now - cast.skew - 90);
        },
    ),
    made(
        "old-but-not-expired",
        "AUTH-8",
        "it is older than the window, and says that it expires tomorrow",
        "how long a signature counts is not for the sender to extend",
        |it, cast| {
            created(it, cast.now - cast.window - cast.skew - 10);
            expires(it, cast.now + 86_400);
        },
    ),
];

fn created(recipe: &mut Recipe, seconds: i64) {
    put(&mut recipe.parameters, "created", Parameter::Integer(seconds));
}

fn expires(recipe: &mut Recipe, seconds: i64) {
    put(&mut recipe.parameters, "expires", Parameter::Integer(seconds));
}
