//! The report for people: one page in one file, which needs no network and loads nothing. The page's own script draws
//! it from the data that the file holds; it is written by hand in `page/`, and its hash stands in the page's policy, so
//! that nothing else runs, whatever the data holds.

mod pack;

use minijinja::{Environment, UndefinedBehavior, context};

use super::terminal::last_line;
use crate::page::{base_script, base_style, hash, in_script};
use crate::verdict::{Summary, Verdict};

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = concat!(base_style!(), include_str!("page/style.css"));
const SCRIPT: &str = concat!(
    base_script!(),
    include_str!("page/data.js"),
    include_str!("page/overview.js"),
    include_str!("page/list.js"),
    include_str!("page/requests.js"),
    include_str!("page/detail.js"),
    include_str!("page/main.js"),
);

/// The page as it cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The template.
    #[error("the page can't be made: {0}")]
    Template(#[from] minijinja::Error),
    /// The data.
    #[error("the data can't be written: {0}")]
    Data(#[from] serde_json::Error),
}

/// The page on a run.
///
/// # Errors
/// The template is broken, or the data can't be written.
pub fn page(summary: &Summary) -> Result<String, PageError> {
    let data = in_script(&serde_json::to_string(&pack::packed(summary))?);
    let counts = Verdict::ALL.map(|verdict| (verdict.words(), summary.count(verdict)));
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_template("page.html", PAGE)?;
    Ok(environment.get_template("page.html")?.render(context! {
        subject => &summary.subject.name,
        last_line => last_line(summary),
        counts => counts.into_iter().filter(|(_, count)| *count > 0).collect::<Vec<_>>(),
        style => STYLE,
        script => SCRIPT,
        style_hash => hash(STYLE),
        script_hash => hash(SCRIPT),
        data => data,
    })?)
}

#[cfg(test)]
mod tests;
