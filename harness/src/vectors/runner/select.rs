//! Which vectors.

use crate::contract::distance;
use crate::glob::Glob;
use crate::vectors::corpus::{Vector, VectorFile};
use crate::vectors::load::Corpus;

/// Which vectors: those of all given sections whose id is of one of the patterns. Without any, all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Sections; those below them too.
    pub sections: Vec<String>,
    /// Patterns of ids.
    pub ids: Vec<Glob>,
}

/// What was asked for is not there. Exit code 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// No vector stands there.
    #[error("there are no vectors for section {section}; there are some for {}", .known.join(", "))]
    Section {
        /// What was asked for.
        section: String,
        /// The sections.
        known: Vec<String>,
    },
    /// No vector has such an id.
    #[error("no vector{} has the id {id}{}; `countersign vectors --list` shows all of them", .within.as_ref().map(|it| format!(" of section {it}")).unwrap_or_default(), .similar.as_ref().map(|it| format!(" (is it {it}?)")).unwrap_or_default())]
    Id {
        /// What was asked for.
        id: String,
        /// The sections, if not all.
        within: Option<String>,
        /// One that may be meant.
        similar: Option<String>,
    },
}

impl Selection {
    /// The vectors, in the order of the corpus.
    ///
    /// # Errors
    /// A section or a pattern takes none.
    pub fn select<'c>(&self, corpus: &'c Corpus) -> Result<Vec<(&'c VectorFile, &'c Vector)>, SelectionError> {
        for section in &self.sections {
            if !corpus.files.iter().any(|file| is_within(&file.section, section)) {
                let known = corpus.files.iter().map(|file| file.section.clone()).collect();
                return Err(SelectionError::Section { section: section.clone(), known });
            }
        }
        let of_sections: Vec<_> = corpus
            .vectors()
            .filter(|(file, _)| {
                self.sections.is_empty() || self.sections.iter().any(|section| is_within(&file.section, section))
            })
            .collect();
        for id in &self.ids {
            if !of_sections.iter().any(|(_, vector)| id.matches(&vector.id)) {
                let ids = corpus.vectors().map(|(_, vector)| vector.id.as_str());
                let near = ids.map(|known| (distance(known, id.as_str()), known)).min();
                let similar = near.filter(|(far, _)| id.is_exact() && *far <= id.as_str().len() / 3);
                return Err(SelectionError::Id {
                    id: id.to_string(),
                    within: (!self.sections.is_empty()).then(|| self.sections.join(", ")),
                    similar: similar.map(|(_, known)| known.to_owned()),
                });
            }
        }
        let wanted = |vector: &Vector| self.ids.is_empty() || self.ids.iter().any(|id| id.matches(&vector.id));
        Ok(of_sections.into_iter().filter(|(_, vector)| wanted(vector)).collect())
    }
}

/// `2.1.3` is within `2.1`, `2.10` is not.
fn is_within(section: &str, of: &str) -> bool {
    section.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
