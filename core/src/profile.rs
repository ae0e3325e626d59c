//! Where deployed Cores differ (contract §11), in one place; above all what a signature must cover and how old it may be.

mod shipped;

use serde::{Deserialize, Serialize};

pub use shipped::Shipped;

use crate::rfc9421::{Algorithm, ComponentError, Policy, Requirement};

/// The values of a profile. The default is the profile `portal`: what the contract says. `core/profiles` has the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// The DNS suffix of all Portals.
    pub zone: String,
    /// The port in public URLs; where it is not 443, it is part of every authority.
    pub public_port: u16,
    /// The names under which apps know their own Core.
    pub internal_hosts: Vec<String>,
    /// The name of a terminal's cookie.
    pub cookie: String,
    /// For how many seconds a cookie is good.
    pub cookie_seconds: u64,
    /// The form of a peer's ID towards apps (PEER-17).
    pub client_id: IdForm,
    /// The form of the own ID in `keyid` (SIG-4).
    pub keyid: IdForm,
    /// How the target is covered in requests that are sent (SIG-2).
    pub target: TargetForm,
    /// Whether `date` is sent and covered.
    pub cover_date: bool,
    /// Whether `content-digest` is sent and covered where there is a body (SIG-3).
    pub cover_digest: bool,
    /// Whether a nonce is sent (SIG-6).
    pub send_nonce: bool,
    /// The `tag` that is sent (SIG-6); none is asked for.
    pub tag: Option<String>,
    /// The algorithms that are accepted, by their registered names (SIG-5).
    pub algorithms: Vec<String>,
    /// How old a signature may be, in seconds (AUTH-8).
    pub window_seconds: u64,
    /// How far clocks may be apart, in seconds (AUTH-8).
    pub skew_seconds: u64,
    /// Whether a nonce counts once (AUTH-9).
    pub refuse_replays: bool,
    /// The largest body that is passed on, in bytes (CALL-5).
    pub body_limit: u64,
    /// How much of a body is kept in memory before it goes to a file, in bytes.
    pub body_memory: u64,
    /// How long a peer may take to answer, in seconds (CALL-5).
    pub answer_seconds: u64,
}

/// The form of an ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdForm {
    /// All 103 characters, as far as they are known.
    Full,
    /// The first six.
    Short,
    /// As the owner typed it.
    AsTyped,
}

/// How a signature covers the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetForm {
    /// `@target-uri`.
    TargetUri,
    /// `@authority`, `@path` and `@query`.
    Parts,
    /// `@authority` and `@target-uri`, as deployed in 2022.
    AuthorityAndTargetUri,
}

/// What a host name under the Portal's domain stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The Portal itself.
    Core,
    /// One of its apps.
    App(String),
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            zone: "p.getportal.org".into(),
            public_port: 443,
            internal_hosts: vec!["portal_core".into(), "shard_core".into()],
            cookie: "authorization".into(),
            cookie_seconds: 365 * 24 * 3_600,
            client_id: IdForm::Full,
            keyid: IdForm::Short,
            target: TargetForm::TargetUri,
            cover_date: false,
            cover_digest: true,
            send_nonce: true,
            tag: Some("portal-peering".into()),
            algorithms: vec!["ed25519".into(), "rsa-pss-sha512".into()],
            window_seconds: 300,
            skew_seconds: 30,
            refuse_replays: true,
            body_limit: 2 << 30,
            body_memory: 1 << 20,
            answer_seconds: 60,
        }
    }
}

impl Profile {
    /// The names of the profiles that ship.
    pub const NAMES: [&str; 3] = Shipped::NAMES;

    /// The values of a profile that ships, by its name.
    pub fn named(name: &str) -> Option<Self> {
        Shipped::named(name).map(|shipped| shipped.values)
    }

    /// `<short id>.<zone>`.
    pub fn domain(&self, short_id: &str) -> String {
        format!("{short_id}.{}", self.zone)
    }

    /// The domain with the public port where it is not 443: what apps know as `portal.domain`.
    pub fn authority(&self, short_id: &str) -> String {
        self.with_port(self.domain(short_id))
    }

    /// The authority of an app: `<app>.<short id>.<zone>`, with the public port where it is not 443.
    pub fn app_authority(&self, app: &str, short_id: &str) -> String {
        self.with_port(format!("{app}.{}", self.domain(short_id)))
    }

    fn with_port(&self, host: String) -> String {
        match self.public_port {
            443 => host,
            port => format!("{host}:{port}"),
        }
    }

    /// What an authority stands for; none if it is not of the Portal `short_id` (ACL-10). Case and port take no part.
    pub fn destination(&self, short_id: &str, authority: &str) -> Option<Destination> {
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            Some(_) => return None,
            None => authority,
        };
        let host = host.to_ascii_lowercase();
        let before = host.strip_suffix(&self.domain(short_id).to_ascii_lowercase())?;
        match before.strip_suffix('.') {
            None if before.is_empty() => Some(Destination::Core),
            Some(app) if !app.is_empty() && !app.contains('.') => Some(Destination::App(app.to_owned())),
            _ => None,
        }
    }

    /// Whether signatures by this algorithm are accepted (SIG-5).
    pub fn accepts(&self, algorithm: Algorithm) -> bool {
        self.algorithms.iter().any(|name| name.parse().ok() == Some(algorithm))
    }

    /// The components that a request is signed over (SIG-2, SIG-3).
    pub fn covered(&self, has_body: bool) -> Vec<&'static str> {
        let mut covered = vec!["@method"];
        covered.extend_from_slice(match self.target {
            TargetForm::TargetUri => &["@target-uri"],
            TargetForm::Parts => &["@authority", "@path", "@query"],
            TargetForm::AuthorityAndTargetUri => &["@authority", "@target-uri"],
        });
        if self.cover_date {
            covered.push("date");
        }
        if self.cover_digest && has_body {
            covered.push("content-digest");
        }
        covered
    }

    /// What a signature has to be like, so that it authenticates someone (AUTH-5 to AUTH-8, AUTH-10).
    ///
    /// # Errors
    /// An algorithm of the profile has no registered name.
    pub fn signature_policy(&self) -> Result<Policy, ProfileError> {
        let algorithms = self
            .algorithms
            .iter()
            .map(|name| name.parse::<Algorithm>().map_err(|_| ProfileError::AlgorithmUnknown { name: name.clone() }))
            .collect::<Result<_, _>>()?;
        Ok(Policy {
            required: vec![
                Requirement::all(&["@method"])?,
                Requirement::any(&[&["@target-uri"], &["@authority", "@path", "@query"]])?,
            ],
            algorithms,
            max_age: Some(self.window_seconds),
            skew: self.skew_seconds,
            require_created: true,
            require_keyid: true,
            reject_expired: true,
            ..Policy::default()
        })
    }
}

/// A profile that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// Not a name of the registry.
    #[error("`{name}` is no algorithm of RFC 9421 §3.3")]
    AlgorithmUnknown {
        /// As it stands there.
        name: String,
    },
    /// A component identifier that can't be.
    #[error(transparent)]
    Component(#[from] ComponentError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_the_profile_portal_and_every_name_has_one() {
        assert_eq!(Profile::named("portal"), Some(Profile::default()));
        for name in Profile::NAMES {
            let profile = Profile::named(name).unwrap();
            profile.signature_policy().unwrap();
            let back: Profile = serde_json::from_value(serde_json::to_value(&profile).unwrap()).unwrap();
            assert_eq!(back, profile);
        }
        assert_eq!(Profile::named("other"), None);
    }

    #[test]
    fn what_is_left_out_is_the_default_and_a_misspelt_key_is_refused() {
        let profile: Profile = toml::from_str("zone = 'test'\nclient_id = 'as-typed'").unwrap();
        assert_eq!((profile.zone.as_str(), profile.client_id), ("test", IdForm::AsTyped));
        assert_eq!(profile.window_seconds, 300);
        assert!(toml::from_str::<Profile>("zon = 'test'").is_err());
    }

    #[test]
    fn an_unknown_algorithm_is_named() {
        let profile = Profile { algorithms: vec!["rot13".into()], ..Profile::default() };
        let error = profile.signature_policy().unwrap_err();
        assert!(error.to_string().contains("`rot13`"), "{error}");
    }

    #[test]
    fn the_port_is_part_of_the_authority_where_it_is_not_443() {
        let mut profile = Profile::default();
        assert_eq!(profile.app_authority("myapp", "b8rk3f"), "myapp.b8rk3f.p.getportal.org");
        profile.public_port = 8443;
        assert_eq!(profile.app_authority("myapp", "b8rk3f"), "myapp.b8rk3f.p.getportal.org:8443");
        assert_eq!(profile.authority("b8rk3f"), "b8rk3f.p.getportal.org:8443");
    }

    #[test]
    fn a_host_belongs_to_the_portal_or_does_not() {
        let profile = Profile::default();
        let app = |name: &str| Some(Destination::App(name.into()));
        for (authority, destination) in [
            ("b8rk3f.p.getportal.org", Some(Destination::Core)),
            ("myapp.b8rk3f.p.getportal.org", app("myapp")),
            ("MyApp.B8RK3F.P.GetPortal.org:8443", app("myapp")),
            ("a.myapp.b8rk3f.p.getportal.org", None),
            (".b8rk3f.p.getportal.org", None),
            ("myapp.c0p3x5.p.getportal.org", None),
            ("xb8rk3f.p.getportal.org", None),
            ("myapp.b8rk3f.p.getportal.org.evil.example", None),
            ("myapp.b8rk3f.p.getportal.org.", None),
            ("myapp.b8rk3f.p.getportal.org:x", None),
            ("", None),
            (":", None),
        ] {
            assert_eq!(profile.destination("b8rk3f", authority), destination, "{authority}");
        }
    }

    #[test]
    fn what_is_signed_satisfies_what_is_asked_for() {
        for target in [TargetForm::TargetUri, TargetForm::Parts, TargetForm::AuthorityAndTargetUri] {
            let profile = Profile { target, ..Profile::default() };
            let covered = profile.covered(true);
            assert!(covered.contains(&"@method") && covered.contains(&"content-digest"));
            let whole = covered.contains(&"@target-uri")
                || ["@authority", "@path", "@query"].iter().all(|c| covered.contains(c));
            assert!(whole, "{covered:?}");
            assert!(!profile.covered(false).contains(&"content-digest"));
        }
    }
}
