//! What was signed is changed on the way.

use super::super::model::{Attack, Defect, Expected, Family, changed, quietly};
use super::super::recipe::Valid;
use super::{Draft, signature};

pub(super) const FAMILY: Family = Family {
    name: "components",
    about: "What a signature covers is changed, dropped, reordered or doubled after it was signed.",
    attacks: ATTACKS,
};

const VALUE: &str = "a signature holds for the values that were signed and for no others";
const LIST: &str = "the list of covered components is signed itself, as part of @signature-params";
const METHODS: &[u16] = &[400, 405, 501];

const ATTACKS: &[Attack] = &[
    // Values, with the target covered in parts.
    changed("method-altered", "AUTH-3", "GET becomes POST", VALUE, |it, _| it.method = "POST".into()),
    changed(
        "method-altered-to-head",
        "AUTH-3",
        "GET becomes HEAD",
        "HEAD is another method than GET, even where servers treat them alike",
        |it, _| {
            it.method = "HEAD".into();
        },
    ),
    changed(
        "method-in-lower-case",
        "AUTH-3",
        "GET becomes get",
        "methods are compared with case (RFC 9110 §9.1), and so are the values of @method",
        |it, _| {
            it.method = "get".into();
        },
    )
    .expecting(Expected::NobodyOr(METHODS, "a proxy may not know the method get")),
    changed(
        "authority-altered",
        "AUTH-3",
        "Host names another app of the same Portal",
        "what was meant for one app is not meant for another",
        |it, cast| {
            it.host = cast.files();
        },
    ),
    changed("path-altered", "AUTH-3", "the path has one letter more", VALUE, |it, _| it.path.push('s')),
    changed("query-value-altered", "AUTH-3", "amount=1 becomes amount=1000", VALUE, |it, _| {
        it.query = Some("amount=1000&to=bob".into())
    }),
    changed(
        "query-parameter-appended",
        "AUTH-3",
        "the query has one parameter more",
        "@query is the whole query",
        |it, _| {
            it.query = Some("amount=1&to=bob&to=mallory".into());
        },
    ),
    changed(
        "query-parameter-prepended",
        "AUTH-3",
        "the query begins with one parameter more",
        "@query is the whole query",
        |it, _| {
            it.query = Some("amount=9&amount=1&to=bob".into());
        },
    ),
    changed(
        "query-parameter-dropped",
        "AUTH-3",
        "the query has one parameter less",
        "@query is the whole query",
        |it, _| it.query = Some("amount=1".into()),
    ),
    changed(
        "query-parameters-swapped",
        "AUTH-3",
        "the parameters of the query change places",
        "the value of @query is the query as it is written",
        |it, _| {
            it.query = Some("to=bob&amount=1".into());
        },
    ),
    changed("query-dropped", "AUTH-3", "the query is gone", VALUE, |it, _| it.query = None),
    changed("query-emptied", "AUTH-3", "of the query the question mark is left", VALUE, |it, _| {
        it.query = Some(String::new())
    }),
    changed(
        "query-recoded",
        "AUTH-3",
        "a letter of the query is percent-encoded",
        "the value of @query is the query as it is written (RFC 9421 §2.2.7)",
        |it, _| {
            it.query = Some("%61mount=1&to=bob".into());
        },
    ),
    changed(
        "query-ampersand-appended",
        "AUTH-3",
        "the query ends with &",
        "the value of @query is the query as it is written (RFC 9421 §2.2.7)",
        |it, _| {
            it.query = Some("amount=1&to=bob&".into());
        },
    ),
    changed(
        "query-separator-altered",
        "AUTH-3",
        "& becomes ; in the query",
        "the value of @query is the query as it is written (RFC 9421 §2.2.7)",
        |it, _| {
            it.query = Some("amount=1;to=bob".into());
        },
    ),
    changed(
        "query-moved-to-path",
        "AUTH-3",
        "the question mark is percent-encoded, so that the query is part of the path",
        VALUE,
        |it, _| {
            it.path.push_str("%3Famount=1&to=bob");
            it.query = None;
        },
    ),
    changed("field-altered", "AUTH-3", "the covered field X-Note has another value", VALUE, |it, _| {
        it.set_field("X-Note", "thanks")
    })
    .harmless(
        "a field that is not covered has another value",
        Defect::Changed(|it, _| it.set_field("X-Other", "thanks")),
    ),
    changed(
        "field-altered-in-case",
        "AUTH-3",
        "the value of the covered field X-Note is in capitals",
        "values are compared with case",
        |it, _| {
            it.set_field("X-Note", "PLEASE");
        },
    )
    .harmless(
        "the name of the field is in capitals: names have no case",
        Defect::Changed(|it, _| it.set_field("X-NOTE", "please")),
    ),
    changed(
        "field-emptied",
        "AUTH-3",
        "the covered field X-Note is empty",
        "an empty field is another value than the one that was signed",
        |it, _| {
            it.set_field("X-Note", "");
        },
    ),
    changed(
        "field-dropped",
        "AUTH-3",
        "the covered field X-Note is gone",
        "a covered field that is missing makes the base impossible (RFC 9421 §2.5)",
        |it, _| {
            quietly(it.remove_field("X-Note"));
        },
    ),
    changed(
        "field-doubled",
        "AUTH-3",
        "the covered field X-Note stands there twice",
        "all lines of a field are its value (RFC 9421 §2.1)",
        |it, _| {
            it.add_field("X-Note", "please");
        },
    ),
    changed(
        "field-line-appended",
        "AUTH-3",
        "a line was added to the covered field X-Step",
        "all lines of a field are its value (RFC 9421 §2.1)",
        |it, _| {
            it.add_field("X-Step", "three");
        },
    ),
    changed(
        "field-line-prepended",
        "AUTH-3",
        "a line stands before those of the covered field X-Step",
        "all lines of a field are its value (RFC 9421 §2.1)",
        |it, _| {
            it.fields.insert(0, ("X-Step".into(), "zero".into()));
        },
    ),
    changed(
        "field-line-dropped",
        "AUTH-3",
        "one of the two lines of the covered field X-Step is gone",
        "all lines of a field are its value (RFC 9421 §2.1)",
        |it, _| {
            it.fields.retain(|(_, value)| value != "two");
        },
    ),
    changed(
        "field-lines-swapped",
        "AUTH-3",
        "the two lines of the covered field X-Step change places",
        "the order of a field's lines is part of its value (RFC 9110 §5.3)",
        |it, _| {
            let last = it.fields.len() - 1;
            it.fields.swap(last - 1, last);
        },
    )
    .harmless(
        "lines of different fields change places",
        Defect::Changed(|it, _| {
            let last = it.fields.len() - 1;
            it.fields.swap(0, last - 1);
        }),
    ),
    changed(
        "field-spaces-inserted",
        "AUTH-3",
        "two spaces stand within the value of the covered field X-Note",
        "only spaces around a value don't count (RFC 9421 §2.1)",
        |it, _| {
            it.set_field("X-Note", "ple  ase");
        },
    )
    .harmless("spaces stand around the value", Defect::Changed(|it, _| it.set_field("X-Note", "  please  "))),
    changed(
        "field-renamed",
        "AUTH-3",
        "the covered field X-Note is called X-Notes",
        "a covered field that is missing makes the base impossible (RFC 9421 §2.5)",
        |it, _| {
            quietly(it.remove_field("X-Note"));
            it.add_field("X-Notes", "please");
        },
    ),
    // The same under @target-uri.
    changed(
        "method-altered-beside-target-uri",
        "AUTH-3",
        "GET becomes DELETE where the target is covered as one",
        VALUE,
        |it, _| {
            it.method = "DELETE".into();
        },
    )
    .from(Valid::Target),
    changed(
        "authority-altered-in-target-uri",
        "AUTH-3",
        "Host names another app where the target is covered as one",
        "the authority is part of @target-uri",
        |it, cast| {
            it.host = cast.files();
        },
    )
    .from(Valid::Target),
    changed(
        "path-altered-in-target-uri",
        "AUTH-3",
        "the path differs where the target is covered as one",
        VALUE,
        |it, _| it.path.push_str("/all"),
    )
    .from(Valid::Target),
    changed(
        "query-altered-in-target-uri",
        "AUTH-3",
        "the query differs where the target is covered as one",
        VALUE,
        |it, _| {
            it.query = Some("amount=2&to=bob".into());
        },
    )
    .from(Valid::Target),
    changed(
        "query-dropped-from-target-uri",
        "AUTH-3",
        "the query is gone where the target is covered as one",
        VALUE,
        |it, _| it.query = None,
    )
    .from(Valid::Target),
    // The list.
    changed("list-without-method", "AUTH-3", "@method is taken off the list of covered components", LIST, |it, _| {
        delist(it, "\"@method\" ")
    }),
    changed(
        "list-without-authority",
        "AUTH-3",
        "@authority is taken off the list of covered components",
        LIST,
        |it, _| delist(it, "\"@authority\" "),
    ),
    changed("list-without-path", "AUTH-3", "@path is taken off the list of covered components", LIST, |it, _| {
        delist(it, "\"@path\" ")
    }),
    changed("list-without-query", "AUTH-3", "@query is taken off the list of covered components", LIST, |it, _| {
        delist(it, "\"@query\" ")
    }),
    changed("list-without-field", "AUTH-3", "x-note is taken off the list of covered components", LIST, |it, _| {
        delist(it, "\"x-note\" ")
    }),
    changed("list-emptied", "AUTH-3", "nothing is left of the list of covered components", LIST, |it, _| {
        signature(it, |signature| signature.covering.clear());
    }),
    changed("list-reordered", "AUTH-3", "the covered components are listed in another order", LIST, |it, _| {
        signature(it, |signature| {
            signature.covering = signature.covering.split(' ').rev().collect::<Vec<_>>().join(" ")
        });
    })
    .harmless(
        "they are signed in that order",
        Defect::Made(|it, _| it.covering = it.covering.split(' ').rev().collect::<Vec<_>>().join(" ")),
    ),
    changed(
        "list-extended",
        "AUTH-3",
        "a field that was not signed is put on the list of covered components",
        LIST,
        |it, _| {
            it.fields.push(("X-Extra".into(), "1".into()));
            signature(it, |signature| signature.covering.push_str(" \"x-extra\""));
        },
    ),
    changed("list-with-doubled-component", "AUTH-3", "a covered component is listed twice", LIST, |it, _| {
        signature(it, |signature| signature.covering.push_str(" \"@path\""));
    }),
    changed("list-in-another-form", "AUTH-3", "@authority, @path and @query become @target-uri", LIST, |it, _| {
        signature(it, |signature| {
            signature.covering = "\"@method\" \"@target-uri\" \"x-note\" \"x-step\"".into();
        });
    }),
    changed("list-with-a-parameter-more", "AUTH-3", "a covered component gets the parameter bs", LIST, |it, _| {
        signature(it, |signature| signature.covering = signature.covering.replace("\"x-note\"", "\"x-note\";bs"));
    }),
];

fn delist(draft: &mut Draft, component: &str) {
    signature(draft, |signature| signature.covering = signature.covering.replace(component, ""));
}
