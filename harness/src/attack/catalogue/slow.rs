//! What never comes to its end.

use super::super::model::{Attack, Defect, Expected, Family, Slow, other};

pub(super) const FAMILY: Family = Family {
    name: "slow",
    about: "A request is begun and not ended: it holds up nobody, and no app sees anything of it.",
    attacks: ATTACKS,
};

const ATTACKS: &[Attack] = &[
    other(
        "slow-head",
        "PROXY-2",
        "half of the head is sent, and no more",
        "what has not come is not authorized, and others are not to wait for it",
        Defect::Slow(Slow::Head(1)),
    )
    .expecting(Expected::HeldUp),
    other(
        "slow-heads",
        "PROXY-2",
        "half of the head is sent on ten connections, and no more",
        "what has not come is not authorized, and others are not to wait for it",
        Defect::Slow(Slow::Head(10)),
    )
    .expecting(Expected::HeldUp),
];
