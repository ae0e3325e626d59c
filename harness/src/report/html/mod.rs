//! The report for people: one page in one file, which needs no network and loads nothing. The page's own script draws
//! it from the data that the file holds; it is written by hand in `page/`, and its hash stands in the page's policy, so
//! that nothing else runs, whatever the data holds.

mod pack;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use minijinja::{Environment, UndefinedBehavior, context};

use super::terminal::last_line;
use crate::verdict::{Summary, Verdict};

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/style.css");
const SCRIPT: &str = concat!(
    "\"use strict\";\n",
    include_str!("page/data.js"),
    include_str!("page/dom.js"),
    include_str!("page/overview.js"),
    include_str!("page/list.js"),
    include_str!("page/bases.js"),
    include_str!("page/diagram.js"),
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

/// JSON that can stand in a script element: nothing in it ends the element, or begins a comment or another one.
fn in_script(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// As a content security policy names a script.
fn hash(text: &str) -> String {
    BASE64.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

#[cfg(test)]
mod tests;
