//! Many pairing codes, and whether they can be foreseen.

use std::collections::HashSet;

use super::super::prelude::*;
use super::pairing_code;

/// How many different digits each place shows at least: of forty random codes one in a billion shows fewer.
const DIGITS: usize = 5;

/// The codes that were asked for together.
#[derive(Default)]
struct Codes(Vec<String>);

pub(super) fn register(steps: &mut Steps) {
    steps.when(r"^({portal})'s owner asks for (\d+) pairing codes$", asks_for_codes);
    steps.then("the codes follow no pattern", async |world, _| {
        let codes = world.part::<Codes>().0.clone();
        if codes.len() < 20 {
            return Err(StepFailure::error("too few pairing codes to tell a pattern"));
        }
        match pattern(&codes) {
            None => Ok(()),
            Some(found) => Err(StepFailure::fail("pairing codes that follow no pattern", found)),
        }
    });
}

async fn asks_for_codes(world: &mut World, args: Args) -> StepResult {
    let mut codes = Vec::new();
    for _ in 0..args.get::<usize>(1)? {
        codes.push(pairing_code(world, args.text(0), 120).await?);
    }
    world.part::<Codes>().0 = codes;
    Ok(())
}

/// By which pattern these codes could be foreseen.
fn pattern(codes: &[String]) -> Option<String> {
    if let Some(code) = codes.iter().find(|code| code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit())) {
        return Some(format!("`{code}`, which is not six digits"));
    }
    let numbers: Vec<i64> = codes.iter().filter_map(|code| code.parse().ok()).collect();
    let different: HashSet<i64> = numbers.iter().copied().collect();
    // One pair of equal ones among forty comes once in a thousand times.
    if different.len() + 1 < numbers.len() {
        return Some(format!("{} different ones among {}", different.len(), numbers.len()));
    }
    if numbers.is_sorted() || numbers.iter().rev().is_sorted() {
        return Some(format!("they are in order: {}, …", codes[..3].join(", ")));
    }
    let steps: HashSet<i64> = numbers.windows(2).map(|pair| (pair[1] - pair[0]).rem_euclid(1_000_000)).collect();
    if steps.len() == 1 {
        return Some(format!("each is as far from the one before: {}, …", codes[..3].join(", ")));
    }
    (0..6).find_map(|place| {
        let digits: HashSet<u8> = codes.iter().map(|code| code.as_bytes()[place]).collect();
        (digits.len() < DIGITS).then(|| format!("only {} different digits at place {}", digits.len(), place + 1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(code: impl Fn(u64) -> u64) -> Option<String> {
        pattern(&(0..40).map(|n| format!("{:06}", code(n) % 1_000_000)).collect::<Vec<_>>())
    }

    #[test]
    fn a_pattern_is_seen() {
        // Stands in for random numbers.
        let random = |n: u64| (n + 1).wrapping_mul(6_364_136_223_846_793_005) >> 17;
        assert_eq!(found(random), None);
        assert!(found(|n| n * n).unwrap().contains("in order"));
        assert!(found(|n| 999_999 - 7 * n).unwrap().contains("in order"));
        assert!(found(|n| 500_000 + n * 123_457).unwrap().contains("as far"));
        assert!(found(|n| random(n % 20)).unwrap().contains("20 different"));
        assert!(found(|n| random(n) % 10_000).unwrap().contains("place 1"));
        assert!(pattern(&["12345".to_owned()]).unwrap().contains("six digits"));
        let mut one_twice: Vec<_> = (0..40).map(|n| format!("{:06}", random(n) % 1_000_000)).collect();
        one_twice[39] = one_twice[0].clone();
        assert_eq!(pattern(&one_twice), None);
    }
}
