//! Whether what was signed, or would be, is what was asked for.
//!
//! A signer orders its parameters as it likes and may add some (RFC 9421 §3.1). The components of a signature that was asked
//! for by Accept-Signature are a set (§5.2: "MUST include the same set of covered component, MUST process all requested
//! parameters, and MAY have additional parameters").

use std::collections::BTreeSet;

/// How far a time that the subject took from its own clock may be off, in seconds.
const NEAR: u64 = 300;

/// Whether the order of the components matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Same,
    Any,
}

/// In what it differs, if it does. `present` is the time, if the subject was not told it.
pub(super) fn difference(asked: &str, made: &str, order: Order, present: Option<u64>) -> Option<String> {
    if asked == made {
        return None;
    }
    let (Some(asked), Some(made)) = (Input::read(asked), Input::read(made)) else {
        return Some("this is no inner list with parameters".to_owned());
    };
    if made.components.len() != made.set().len() {
        return Some("a component is covered twice".to_owned());
    }
    if let Some(component) = asked.set().difference(&made.set()).next() {
        return Some(format!("{component} is not covered"));
    }
    if let Some(component) = made.set().difference(&asked.set()).next() {
        return Some(format!("{component} is covered, but was not asked for"));
    }
    if order == Order::Same && asked.components != made.components {
        return Some("the components stand in another order".to_owned());
    }
    let differs = asked.parameters.iter().find(|parameter| {
        let name = parameter.split('=').next().unwrap_or_default();
        let own = made.parameters.iter().find(|own| own.split('=').next() == Some(name));
        own.is_none_or(|own| own != *parameter && !is_near(own, present))
    });
    differs.map(|parameter| format!("it has not the parameter {parameter}"))
}

/// `created=…` of a subject with a clock of its own.
fn is_near(parameter: &str, present: Option<u64>) -> bool {
    let Some(present) = present else { return false };
    let Some(("created", value)) = parameter.split_once('=') else { return false };
    value.parse::<u64>().is_ok_and(|value| value.abs_diff(present) <= NEAR)
}

struct Input {
    components: Vec<String>,
    parameters: Vec<String>,
}

impl Input {
    fn read(text: &str) -> Option<Input> {
        let mut parts = split(text.trim().strip_prefix('(')?);
        let parameters = parts.split_off(parts.iter().position(|part| part == ")")?);
        Some(Input { components: parts, parameters: parameters.into_iter().skip(1).collect() })
    }

    fn set(&self) -> BTreeSet<&str> {
        self.components.iter().map(String::as_str).collect()
    }
}

/// The components, a `)`, the parameters.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let (mut quoted, mut escaped, mut inside) = (false, false, true);
    for character in text.chars() {
        match character {
            '"' if !escaped => quoted = !quoted,
            ')' if !quoted && inside => {
                parts.extend([std::mem::take(&mut part), ")".to_owned()]);
                inside = false;
                continue;
            }
            ' ' if !quoted => {
                if inside {
                    parts.push(std::mem::take(&mut part));
                }
                continue;
            }
            ';' if !quoted && !inside => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        escaped = quoted && character == '\\' && !escaped;
        part.push(character);
    }
    parts.push(part);
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_components_and_all_parameters() {
        let asked = r#"("@method" "x";key="a b)");created=5;keyid="k;l""#;
        let differs = |made: &str| difference(asked, made, Order::Any, None);
        assert_eq!(differs(asked), None);
        let turned = r#"("x";key="a b)" "@method");created=5;keyid="k;l""#;
        assert_eq!(differs(turned), None);
        assert!(difference(asked, turned, Order::Same, None).unwrap().contains("another order"));
        assert_eq!(differs(r#"("x";key="a b)" "@method");keyid="k;l";nonce="n";created=5"#), None);
        assert_eq!(differs(r#"("@method");created=5;keyid="k;l""#).unwrap(), r#""x";key="a b)" is not covered"#);
        assert!(differs(r#"("@method" "y" "x";key="a b)");created=5;keyid="k;l""#).unwrap().contains("not asked for"));
        assert!(differs(r#"("@method" "@method" "x";key="a b)");created=5;keyid="k;l""#).unwrap().contains("twice"));
        assert_eq!(
            differs(r#"("@method" "x";key="a b)");created=5"#).unwrap(),
            r#"it has not the parameter keyid="k;l""#
        );
        assert!(differs(r#"("@method" "x";key="a b)");created=6;keyid="k;l""#).is_some());
        assert!(differs("x").unwrap().contains("no inner list"));
    }

    #[test]
    fn a_clock_of_one_s_own_is_near_enough() {
        assert_eq!(difference("();created=100", "();created=5000", Order::Any, Some(5010)), None);
        assert!(difference("();created=100", "();created=5000", Order::Any, Some(9000)).is_some());
        assert!(difference("();created=100", "();created=5000", Order::Any, None).is_some());
        assert!(difference("();expires=100", "();expires=5000", Order::Any, Some(5010)).is_some());
    }
}
