//! The formats, and how one is recognised.

use std::fmt;

use serde_json::Value;

use super::error::{ManifestError, Problem};
use super::read::kind_of;

/// The formats that are read, for messages.
pub const SUPPORTED: &str = "1.0, 2.0, 3.0, 3.1, 3.2, 4.0 (app.json) and 1.0, 1.1, 1.2, 1.3 (app_meta.json)";

/// A format of a manifest. What sets them apart for a Core:
/// `AppJson0` has `authentication` for `paths`, `AppJson1` to `AppJson3_2` have `port`, all others `entrypoints`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// `app.json` without `v`.
    AppJson0,
    /// `app.json` 1.0: `paths`.
    AppJson1,
    /// `app.json` 2.0: `store_info` for `description`.
    AppJson2,
    /// `app.json` 3.0: other variables in `env_vars`.
    AppJson3,
    /// `app.json` 3.1: `lifecycle`.
    AppJson3_1,
    /// `app.json` 3.2: shared directories.
    AppJson3_2,
    /// `app.json` 4.0: `entrypoints` for `port`.
    AppJson4,
    /// `app_meta.json` 1.0: containers are described elsewhere.
    AppMeta1,
    /// `app_meta.json` 1.1: `pretty_name`.
    AppMeta1_1,
    /// `app_meta.json` 1.2.
    AppMeta1_2,
    /// `app_meta.json` 1.3: other keys in `lifecycle`.
    AppMeta1_3,
}

impl Format {
    /// Recognises the format of a document. `"1.0"` alone is a version of both families: what tells them apart is `entrypoints`.
    pub(super) fn of(document: &serde_json::Map<String, Value>) -> Result<Self, ManifestError> {
        let version = match document.get("v") {
            Some(Value::String(version)) => version.as_str(),
            Some(other @ Value::Number(_)) => {
                return Err(ManifestError::new(
                    "$.v",
                    Problem::VersionUnknown {
                        given: format!("{other} (a number; write it as a string)"),
                        supported: SUPPORTED,
                    },
                ));
            }
            Some(other) => {
                return Err(ManifestError::new(
                    "$.v",
                    Problem::WrongType { expected: "a string", found: kind_of(other) },
                ));
            }
            // Whoever wrote `paths` meant a later format and forgot `v`.
            None if document.contains_key("paths") => {
                return Err(ManifestError::new("$.v", Problem::VersionMissing));
            }
            None => return Ok(Self::AppJson0),
        };
        let is_meta = document.contains_key("entrypoints") || document.contains_key("app_version");
        match version {
            "0.0" => Ok(Self::AppJson0),
            "1.0" if is_meta => Ok(Self::AppMeta1),
            "1.0" => Ok(Self::AppJson1),
            "1.1" => Ok(Self::AppMeta1_1),
            "1.2" => Ok(Self::AppMeta1_2),
            "1.3" => Ok(Self::AppMeta1_3),
            "2.0" => Ok(Self::AppJson2),
            "3.0" => Ok(Self::AppJson3),
            "3.1" => Ok(Self::AppJson3_1),
            "3.2" => Ok(Self::AppJson3_2),
            "4.0" => Ok(Self::AppJson4),
            other => Err(ManifestError::new(
                "$.v",
                Problem::VersionUnknown { given: format!("{other:?}"), supported: SUPPORTED },
            )),
        }
    }

    /// Whether the port stands in `port` rather than in `entrypoints`.
    pub(super) fn has_port(self) -> bool {
        matches!(
            self,
            Self::AppJson0 | Self::AppJson1 | Self::AppJson2 | Self::AppJson3 | Self::AppJson3_1 | Self::AppJson3_2
        )
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AppJson0 => "app.json 0.0",
            Self::AppJson1 => "app.json 1.0",
            Self::AppJson2 => "app.json 2.0",
            Self::AppJson3 => "app.json 3.0",
            Self::AppJson3_1 => "app.json 3.1",
            Self::AppJson3_2 => "app.json 3.2",
            Self::AppJson4 => "app.json 4.0",
            Self::AppMeta1 => "app_meta.json 1.0",
            Self::AppMeta1_1 => "app_meta.json 1.1",
            Self::AppMeta1_2 => "app_meta.json 1.2",
            Self::AppMeta1_3 => "app_meta.json 1.3",
        })
    }
}
