//! The cookie that a paired device gets, and what somebody without it can make up instead.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

use super::super::drafts::draft_mut;
use super::super::prelude::*;
use crate::attack::keys::hmac_sha256;

pub(super) fn register(steps: &mut Steps) {
    steps.then(r#"^the answer sets the cookie "([^"]+)" with$"#, sets_cookie);
    steps.then(r#"^the answer does not set the cookie "([^"]+)"$"#, sets_no_cookie);
    steps.given_or_when(
        "^it carries a cookie (that is no token at all|of the terminal ({terminal})(?: (as it is|with its claims altered|with one bit of its signature altered|without its signature|made unsigned with alg (?:none|NONE)|signed with (?:an empty secret|the Portal's public key|a secret of its own)))?)$",
        carries_cookie,
    );
}

async fn sets_cookie(world: &mut World, args: Args) -> StepResult {
    let (answer, name) = (world.answer()?, args.text(0));
    let lines: Vec<String> = answer.fields.values("set-cookie").collect();
    let cookies: Vec<Cookie> = lines.iter().map(|line| Cookie::parse(line)).filter(|c| c.name == name).collect();
    let [cookie] = cookies.as_slice() else {
        let got = if lines.is_empty() { answer.summary() } else { lines.join(" | ") };
        return Err(StepFailure::fail(format!("one Set-Cookie of {name}"), got));
    };
    for row in args.table()?.rows() {
        let (attribute, cell) = (row.cell("attribute")?, row.cell("value")?);
        let value = cookie.attribute(attribute);
        let matches = match (attribute.to_ascii_lowercase().as_str(), &value) {
            (_, Some(_)) if cell.is_empty() => false,
            (_, Some(_)) if cell == "present" => true,
            ("value", Some(value)) => fields::cell_matches(cell, value)?,
            // A leading dot means nothing (RFC 6265 §5.2.3), and cookies know no ports (§8.5).
            ("domain", Some(value)) => without_port(cell).eq_ignore_ascii_case(value.trim_start_matches('.')),
            (_, Some(value)) => cell.eq_ignore_ascii_case(value) || fields::cell_matches(cell, value)?,
            (_, None) => cell.is_empty(),
        };
        expect::holds(matches, format!("the cookie {name} with {attribute} {cell}"), || lines.join(" | "))?;
    }
    Ok(())
}

/// Fails if the cookie is given a value. To take it back, or to set others, gives nobody anything.
async fn sets_no_cookie(world: &mut World, args: Args) -> StepResult {
    let answer = world.answer()?;
    let lines: Vec<String> = answer.fields.values("set-cookie").collect();
    let given = lines.iter().map(|line| Cookie::parse(line)).find(|c| c.name == args.text(0) && !c.value.is_empty());
    expect::holds(given.is_none(), format!("no cookie {} with a value", args.text(0)), || lines.join(" | "))
}

fn without_port(authority: &str) -> &str {
    authority.split(':').next().unwrap_or(authority)
}

/// A Set-Cookie line taken apart.
struct Cookie {
    name: String,
    value: String,
    attributes: Vec<(String, String)>,
}

impl Cookie {
    fn parse(line: &str) -> Cookie {
        let mut parts = line.split(';').map(|part| match part.split_once('=') {
            Some((name, value)) => (name.trim().to_owned(), value.trim().to_owned()),
            None => (part.trim().to_owned(), String::new()),
        });
        let (name, value) = parts.next().unwrap_or_default();
        let value = unquoted(&value).to_owned();
        Cookie { name, value, attributes: parts.collect() }
    }

    /// Its value, or that of an attribute; of several the last counts (RFC 6265 §5.3).
    fn attribute(&self, name: &str) -> Option<String> {
        if name == "value" {
            return Some(self.value.clone());
        }
        let found = self.attributes.iter().rfind(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone())
    }
}

async fn carries_cookie(world: &mut World, args: Args) -> StepResult {
    let value = match args.text(1) {
        "" => "nonsense".to_owned(),
        terminal => {
            let secret: [u8; 32] = world.chance().bytes();
            let paired = world.scene().terminal(terminal)?;
            let public_key_pem = world.scene().person(&paired.portal)?.public_key_pem;
            variant(paired.cookie_value(), args.text(2), &public_key_pem, &secret)?
        }
    };
    draft_mut(world)?.fields.push(("Cookie".to_owned(), format!("authorization={value}")));
    Ok(())
}

/// What is made of a token.
fn variant(token: &str, how: &str, public_key_pem: &str, secret: &[u8]) -> StepResult<String> {
    if matches!(how, "" | "as it is") {
        return Ok(token.to_owned());
    }
    let parts: Vec<&str> = unquoted(token).split('.').collect();
    let [header, claims, signature] = parts[..] else {
        return Err(StepFailure::fail("a cookie that holds a JWT", token));
    };
    let made = match how {
        "with its claims altered" => format!("{header}.{}.{signature}", altered(claims)?),
        "with one bit of its signature altered" => format!("{header}.{claims}.{}", one_bit_off(signature)?),
        "without its signature" => format!("{header}.{claims}."),
        "made unsigned with alg none" => format!("{}.{claims}.", with_alg(header, "none")?),
        "made unsigned with alg NONE" => format!("{}.{claims}.", with_alg(header, "NONE")?),
        "signed with an empty secret" => signed(header, claims, b"")?,
        "signed with the Portal's public key" => signed(header, claims, public_key_pem.as_bytes())?,
        "signed with a secret of its own" => signed(header, claims, secret)?,
        other => return Err(StepFailure::mistake(format!("`{other}` is nothing to be made of a cookie"))),
    };
    Ok(if unquoted(token) == token { made } else { format!("\"{made}\"") })
}

/// A cookie's value may stand in quotes (RFC 6265 §4.1.1).
fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}

/// The claims with one more that means nothing: only a check of the signature notices it.
fn altered(claims: &str) -> StepResult<String> {
    let mut json = object(claims)?;
    json["altered"] = true.into();
    Ok(encoded(&json))
}

fn one_bit_off(signature: &str) -> StepResult<String> {
    let mut bytes = decoded(signature)?;
    let middle = bytes.len() / 2;
    let byte = bytes.get_mut(middle);
    *expect::some(byte, "a JWT with a signature")? ^= 1;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

fn with_alg(header: &str, alg: &str) -> StepResult<String> {
    let mut json = object(header)?;
    json["alg"] = alg.into();
    Ok(encoded(&json))
}

fn signed(header: &str, claims: &str, secret: &[u8]) -> StepResult<String> {
    let signed = format!("{}.{claims}", with_alg(header, "HS256")?);
    let signature = BASE64_URL_SAFE_NO_PAD.encode(hmac_sha256(secret, signed.as_bytes()));
    Ok(format!("{signed}.{signature}"))
}

fn object(part: &str) -> StepResult<Value> {
    let json = serde_json::from_slice::<Value>(&decoded(part)?).ok().filter(Value::is_object);
    expect::some(json, "a JWT made of JSON objects")
}

fn decoded(part: &str) -> StepResult<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| StepFailure::fail("a JWT in base64url", part))
}

fn encoded(json: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(json.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7515 §A.1, and its secret.
    const TOKEN: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
        eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
        dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const SECRET: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";

    fn parts(token: &str) -> Vec<String> {
        token.split('.').map(str::to_owned).collect()
    }

    #[test]
    fn a_token_is_signed_as_in_the_rfc() {
        let secret = decoded(SECRET).unwrap();
        let [header, claims, signature] = &parts(TOKEN)[..] else { panic!() };
        let made = hmac_sha256(&secret, format!("{header}.{claims}").as_bytes());
        assert_eq!(BASE64_URL_SAFE_NO_PAD.encode(made), *signature);
    }

    #[test]
    fn a_token_is_spoilt_in_one_place() {
        let made = |how: &str| parts(&variant(TOKEN, how, "PEM", b"other").unwrap());
        let whole = parts(TOKEN);
        let altered = made("with its claims altered");
        assert_eq!((&altered[0], &altered[2]), (&whole[0], &whole[2]));
        assert_eq!(object(&altered[1]).unwrap()["iss"], "joe");
        assert_ne!(altered[1], whole[1]);
        let flipped = made("with one bit of its signature altered");
        assert_eq!(flipped[..2], whole[..2]);
        let bits = decoded(&flipped[2]).unwrap().into_iter().zip(decoded(&whole[2]).unwrap());
        assert_eq!(bits.map(|(a, b)| (a ^ b).count_ones()).sum::<u32>(), 1);
        assert_eq!(made("without its signature"), [whole[0].as_str(), whole[1].as_str(), ""]);
        let unsigned = made("made unsigned with alg NONE");
        assert_eq!((object(&unsigned[0]).unwrap()["alg"].as_str(), unsigned[2].as_str()), (Some("NONE"), ""));
        assert_eq!(object(&unsigned[0]).unwrap()["typ"], "JWT");
        assert_ne!(made("signed with an empty secret")[2], made("signed with the Portal's public key")[2]);
        assert_eq!(variant(TOKEN, "as it is", "", b"").unwrap(), TOKEN);
        let quoted = variant(&format!("\"{TOKEN}\""), "without its signature", "", b"").unwrap();
        assert_eq!(quoted, format!("\"{}\"", variant(TOKEN, "without its signature", "", b"").unwrap()));
        assert!(variant("no token", "without its signature", "", b"").unwrap_err().is_fail());
    }

    #[test]
    fn a_cookie_is_taken_apart() {
        let cookie = Cookie::parse("authorization=a.b=; Domain=.x.example; HttpOnly; samesite=Lax");
        assert_eq!((cookie.name.as_str(), cookie.value.as_str()), ("authorization", "a.b="));
        assert_eq!(Cookie::parse("a=\"b c\"; Path=/").value, "b c");
        assert_eq!(cookie.attribute("domain").as_deref(), Some(".x.example"));
        assert_eq!(cookie.attribute("HTTPONLY").as_deref(), Some(""));
        assert_eq!(cookie.attribute("Secure"), None);
    }
}
