//! How a request is made and signed, as data: the valid one, or one that is wrong before it is signed.

use std::collections::BTreeMap;

use super::cast::{ALICE, Cast, DAVE, DORA, Missing};
use super::draft::{Draft, DraftError, Parameter, Signer};
use super::keys::{Manner, RawKey, RawKeyError};
use super::values::content_digest;

/// A valid request, from which attacks are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Valid {
    /// A GET with a query and fields, the target covered in parts.
    Parts,
    /// The same with `@target-uri`.
    Target,
    /// A POST with a body, its Content-Digest covered.
    Body,
    /// A GET by the peer with an RSA key.
    Rsa,
    /// A GET by the peer who shares its short ID with another Portal.
    Shared,
    /// A GET whose signature says when it expires.
    Expiring,
}

/// Where the request goes: every attack is tried on a path that is open to all and on one that is open to peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `/public/…`
    Public,
    /// `/peers/…`
    Peers,
}

/// How a request is made and signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// The method.
    pub method: String,
    /// The host.
    pub host: String,
    /// The path.
    pub path: String,
    /// The query without `?`.
    pub query: Option<String>,
    /// The field lines.
    pub fields: Vec<(String, String)>,
    /// The body.
    pub body: Option<Vec<u8>>,
    /// With what it is signed.
    pub pen: Pen,
    /// The label.
    pub label: String,
    /// The covered components, as they stand between the parentheses.
    pub covering: String,
    /// The signature parameters in order.
    pub parameters: Vec<(String, Parameter)>,
    /// Values that are signed in place of the true ones, by component identifier.
    pub instead: BTreeMap<String, String>,
}

/// With what a request is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pen {
    /// The key of this player, in this manner.
    KeyOf(&'static str, Manner),
    /// HMAC-SHA256 with the text of this player's public key (SPKI in PEM) as its secret.
    PublicKeyOf(&'static str),
}

/// Why a request can't be made.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// Who should sign is not there.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// It can't be signed.
    #[error(transparent)]
    Draft(#[from] DraftError),
    /// A key can't be used.
    #[error(transparent)]
    Key(#[from] RawKeyError),
}

impl Pen {
    /// Whose it is.
    pub fn holder(&self) -> &'static str {
        match self {
            Pen::KeyOf(name, _) | Pen::PublicKeyOf(name) => name,
        }
    }
}

impl Valid {
    /// Who signs it.
    pub fn signer(self) -> &'static str {
        match self {
            Valid::Parts | Valid::Target | Valid::Body | Valid::Expiring => ALICE,
            Valid::Rsa => DAVE,
            Valid::Shared => DORA,
        }
    }
}

impl Place {
    /// Both.
    pub const BOTH: [Place; 2] = [Place::Public, Place::Peers];

    /// The path in front of which the app's rule stands, with a slash at its end.
    pub fn prefix(self) -> &'static str {
        match self {
            Place::Public => "/public/",
            Place::Peers => "/peers/",
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Place::Public => "public path",
            Place::Peers => "peer path",
        }
    }
}

impl Recipe {
    /// The valid request.
    ///
    /// # Errors
    /// The signer is not there, or its key can't be used.
    pub fn valid(valid: Valid, place: Place, cast: &Cast) -> Result<Recipe, RecipeError> {
        let signer = cast.player(valid.signer())?;
        let key = RawKey::from_pkcs8_pem(signer.private_key_pem())?;
        let text = |text: &str| Parameter::Text(text.to_owned());
        let mut parameters = vec![
            ("created".to_owned(), Parameter::Integer(cast.now)),
            ("keyid".to_owned(), text(signer.short_id())),
            ("alg".to_owned(), text(key.algorithm())),
            ("nonce".to_owned(), text(&cast.nonce)),
            ("tag".to_owned(), text("portal-peering")),
        ];
        if valid == Valid::Expiring {
            parameters.insert(1, ("expires".to_owned(), Parameter::Integer(cast.now + 60)));
        }
        let fields = [("X-Note", "please"), ("X-Step", "one"), ("X-Step", "two")];
        let mut recipe = Recipe {
            method: "GET".to_owned(),
            host: cast.chat(),
            path: match place {
                Place::Public => "/public/page".to_owned(),
                Place::Peers => "/peers/inbox".to_owned(),
            },
            query: Some("amount=1&to=bob".to_owned()),
            fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            body: None,
            pen: Pen::KeyOf(valid.signer(), Manner::Own),
            label: "sig1".to_owned(),
            covering: match valid {
                Valid::Parts => "\"@method\" \"@authority\" \"@path\" \"@query\" \"x-note\" \"x-step\"",
                Valid::Body => "\"@method\" \"@target-uri\" \"content-type\" \"content-digest\"",
                _ => "\"@method\" \"@target-uri\" \"x-note\"",
            }
            .to_owned(),
            parameters,
            instead: BTreeMap::new(),
        };
        if valid == Valid::Body {
            recipe.method = "POST".to_owned();
            let body = b"pay 1".to_vec();
            recipe.fields = vec![
                ("Content-Type".to_owned(), "text/plain".to_owned()),
                ("Content-Digest".to_owned(), content_digest(&body)),
            ];
            recipe.body = Some(body);
        }
        Ok(recipe)
    }

    /// An unsigned request like this draft, to be signed by nobody in particular.
    pub fn of(draft: &Draft) -> Recipe {
        Recipe {
            method: draft.method.clone(),
            host: draft.host.clone(),
            path: draft.path.clone(),
            query: draft.query.clone(),
            fields: draft.fields.clone(),
            body: draft.body.clone(),
            pen: Pen::KeyOf(ALICE, Manner::Own),
            label: "sig1".to_owned(),
            covering: String::new(),
            parameters: Vec::new(),
            instead: BTreeMap::new(),
        }
    }

    /// The request, signed.
    ///
    /// # Errors
    /// Who should sign is not there, or can't.
    pub fn signed(&self, cast: &Cast) -> Result<Draft, RecipeError> {
        let mut draft = Draft::new(&self.method, &self.host, &self.path);
        draft.path.clone_from(&self.path);
        draft.query.clone_from(&self.query);
        draft.fields.clone_from(&self.fields);
        draft.body.clone_from(&self.body);
        self.sign(&mut draft, cast)?;
        Ok(draft)
    }

    /// Signs this request, beside the signatures that it has.
    ///
    /// # Errors
    /// Who should sign is not there, or can't.
    pub fn sign(&self, draft: &mut Draft, cast: &Cast) -> Result<(), RecipeError> {
        let key;
        let signer = match self.pen {
            Pen::KeyOf(name, manner) => {
                key = RawKey::from_pkcs8_pem(cast.player(name)?.private_key_pem())?;
                Signer::KeyAs(&key, manner)
            }
            Pen::PublicKeyOf(name) => Signer::Secret(cast.player(name)?.public_key_pem().as_bytes()),
        };
        draft.sign(&self.label, &self.covering, self.parameters.clone(), &self.instead, &signer)?;
        Ok(())
    }
}
