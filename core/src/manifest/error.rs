//! Why a manifest is refused: where, what, and what to do.

/// A manifest that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct ManifestError {
    path: String,
    problem: Problem,
}

impl ManifestError {
    pub(crate) fn new(path: impl Into<String>, problem: Problem) -> Self {
        Self { path: path.into(), problem }
    }

    /// Where in the document: `$.paths["/public/"].access`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong there.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The code that programs go by. It never changes.
    pub fn code(&self) -> &'static str {
        self.problem.code()
    }
}

/// What is wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Larger than what is read.
    #[error("the document has {bytes} bytes; at most {limit} are read")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Not JSON.
    #[error("not valid JSON: {why}")]
    NotJson {
        /// What the parser says, with line and column.
        why: String,
    },
    /// A key that stands twice in one object: which one counts would be chance.
    #[error("the key {key:?} stands here twice; remove one")]
    DuplicateKey {
        /// The key.
        key: String,
    },
    /// No `v`, and not of the format that had none.
    #[error("missing; write `\"v\": \"4.0\"`")]
    VersionMissing,
    /// A format that is not known.
    #[error("the version {given} is not supported; supported are {supported}")]
    VersionUnknown {
        /// As it stands there.
        given: String,
        /// The supported ones.
        supported: &'static str,
    },
    /// Something that has to be there.
    #[error("missing; {remedy}")]
    Missing {
        /// What to write.
        remedy: String,
    },
    /// A value of the wrong kind.
    #[error("has to be {expected}, and is {found}")]
    WrongType {
        /// What belongs there.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// A name that can't be part of a host name.
    #[error("{given:?} can't be part of a host name; use a-z, 0-9, `-` and `_`, at most 63 of them")]
    NameMalformed {
        /// As it stands there.
        given: String,
    },
    /// Another name than the one that it is to be installed under.
    #[error("the manifest is to be installed as {installed_as:?} and has to have that name")]
    OtherName {
        /// The name that was asked for.
        installed_as: String,
    },
    /// A port that can't be.
    #[error("{given} is no port; use 1 to 65535")]
    PortOutOfRange {
        /// As it stands there.
        given: String,
    },
    /// An entrypoint of an unknown kind.
    #[error("{given:?} is no entrypoint; use \"http\" or \"mqtt\"")]
    EntrypointUnknown {
        /// As it stands there.
        given: String,
    },
    /// APP-2: no rule for what no other rule matches.
    #[error("the default \"\" is missing; add `\"\": {{\"access\": \"private\"}}`")]
    DefaultMissing,
    /// APP-2: an unknown kind of access.
    #[error("{given:?} is no access; use \"public\", \"private\" or \"peer\"")]
    AccessUnknown {
        /// As it stands there.
        given: String,
    },
    /// APP-5: a header that no proxy hands on.
    #[error(
        "header names have to begin with `X-Ptl-` and be made of letters, digits and `-`; others are not handed to the app"
    )]
    HeaderNameRefused,
    /// One header twice, in different spelling.
    #[error("this header is declared twice; remove one")]
    HeaderDuplicate,
    /// APP-3: a template that can't be read or used.
    #[error("the template can't be used: {why}")]
    TemplateRefused {
        /// What is wrong, and where in it.
        why: String,
    },
    /// APP-3: a variable that does not exist.
    #[error("the variable `{name}` does not exist; there are {known}")]
    VariableUnknown {
        /// Its name.
        name: String,
        /// Those that exist.
        known: &'static str,
    },
    /// More entries than are read.
    #[error("{count} entries; at most {limit} are read")]
    TooMany {
        /// How many there are.
        count: usize,
        /// The limit.
        limit: usize,
    },
}

impl Problem {
    /// The code that programs go by. It never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "manifest_too_large",
            Self::NotJson { .. } => "manifest_not_json",
            Self::DuplicateKey { .. } => "manifest_duplicate_key",
            Self::VersionMissing => "manifest_version_missing",
            Self::VersionUnknown { .. } => "manifest_version_unknown",
            Self::Missing { .. } => "manifest_missing",
            Self::WrongType { .. } => "manifest_wrong_type",
            Self::NameMalformed { .. } => "manifest_name_malformed",
            Self::OtherName { .. } => "manifest_other_name",
            Self::PortOutOfRange { .. } => "manifest_port_out_of_range",
            Self::EntrypointUnknown { .. } => "manifest_entrypoint_unknown",
            Self::DefaultMissing => "manifest_default_missing",
            Self::AccessUnknown { .. } => "manifest_access_unknown",
            Self::HeaderNameRefused => "manifest_header_name_refused",
            Self::HeaderDuplicate => "manifest_header_duplicate",
            Self::TemplateRefused { .. } => "manifest_template_refused",
            Self::VariableUnknown { .. } => "manifest_variable_unknown",
            Self::TooMany { .. } => "manifest_too_many",
        }
    }
}
