//! Messages that two readers read in two ways.

use super::super::model::{Attack, Defect, Expected, Family, written};
use super::super::recipe::Valid;

pub(super) const FAMILY: Family = Family {
    name: "smuggling",
    about: "A message can be read in two ways: where it ends, where a line ends, what is a field.",
    attacks: ATTACKS,
};

const LENGTHS: &str = "where one reader sees the end of the body, another sees the next request (RFC 9112 §11.2)";
const LINES: &str = "what is one line to one reader is two to another";
const REFUSED: Expected = Expected::Refused(&[400]);
const CODING: Expected = Expected::Refused(&[400, 501]);
const IN_ONE_WAY: Expected = Expected::OneReading(&[400], "RFC 9112 lets a recipient refuse it or read it in one way");

const ATTACKS: &[Attack] = &[
    written("length-doubled", "PROXY-4", "a second Content-Length differs from the first", LENGTHS, |it, _| {
        it.add("Content-Length", "3")
    })
    .expecting(REFUSED),
    written(
        "length-doubled-before",
        "PROXY-4",
        "a Content-Length that differs stands before the right one",
        LENGTHS,
        |it, _| {
            it.lines.insert(1, b"Content-Length: 0".to_vec());
        },
    )
    .expecting(REFUSED),
    written("length-listed", "PROXY-4", "two lengths stand in one line", LENGTHS, |it, _| {
        it.rewrite("Content-Length", "Content-Length: 5, 3")
    })
    .expecting(REFUSED),
    written("length-repeated", "PROXY-4", "the right length stands there twice", LENGTHS, |it, _| {
        it.add("Content-Length", "5")
    })
    .expecting(Expected::OneReading(&[400], "RFC 9110 §8.6 lets a recipient refuse equal lengths or take one of them")),
    written("length-signed", "PROXY-4", "the length is +5", LENGTHS, |it, _| {
        it.rewrite("Content-Length", "Content-Length: +5")
    })
    .expecting(REFUSED),
    written("length-negative", "PROXY-4", "the length is -5", LENGTHS, |it, _| {
        it.rewrite("Content-Length", "Content-Length: -5")
    })
    .expecting(REFUSED),
    written("length-in-hexadecimal", "PROXY-4", "the length is 0x5", LENGTHS, |it, _| {
        it.rewrite("Content-Length", "Content-Length: 0x5")
    })
    .expecting(REFUSED),
    written("length-with-a-point", "PROXY-4", "the length is 5.0", LENGTHS, |it, _| {
        it.rewrite("Content-Length", "Content-Length: 5.0")
    })
    .expecting(REFUSED),
    written("length-that-is-none", "PROXY-4", "the length is a word", LENGTHS, |it, _| {
        it.rewrite("Content-Length", "Content-Length: five")
    })
    .expecting(REFUSED),
    written("length-empty", "PROXY-4", "the length is empty", LENGTHS, |it, _| {
        it.rewrite("Content-Length", "Content-Length: ")
    })
    .expecting(REFUSED),
    written(
        "length-overflowing",
        "PROXY-4",
        "the length is 5 and 2^64",
        "a number that wraps around is another number",
        |it, _| {
            it.rewrite("Content-Length", "Content-Length: 18446744073709551621");
        },
    )
    .expecting(Expected::Refused(&[400, 413])),
    written(
        "length-before-a-blank",
        "PROXY-4",
        "a blank stands between Content-Length and its colon",
        "such a line is refused with 400 (RFC 9112 §5.1)",
        |it, _| {
            it.rewrite("Content-Length", "Content-Length : 5");
        },
    )
    .expecting(REFUSED),
    written(
        "length-with-underscore",
        "PROXY-4",
        "beside Content-Length there is Content_Length, another number",
        "many app servers read `_` as `-`",
        |it, _| {
            it.add("Content_Length", "3");
        },
    )
    .expecting(IN_ONE_WAY),
    written("length-beside-chunks", "PROXY-4", "Content-Length stands beside Transfer-Encoding", LENGTHS, |it, _| {
        it.add("Transfer-Encoding", "chunked");
        it.body = b"5\r\npay 1\r\n0\r\n\r\n".to_vec();
    })
    .expecting(REFUSED)
    .harmless(
        "the body is in chunks, without Content-Length",
        Defect::Written(|it, _| it.chunked(b"5\r\npay 1\r\n0\r\n\r\n")),
    ),
    written("chunks-before-length", "PROXY-4", "Transfer-Encoding stands before Content-Length", LENGTHS, |it, _| {
        it.lines.insert(1, b"Transfer-Encoding: chunked".to_vec());
        it.body = b"5\r\npay 1\r\n0\r\n\r\n".to_vec();
    })
    .expecting(REFUSED),
    written(
        "request-hidden-behind-chunks",
        "PROXY-4",
        "a second request is hidden behind the last chunk, within Content-Length",
        LENGTHS,
        |it, cast| {
            it.add("Transfer-Encoding", "chunked");
            let hidden = format!("0\r\n\r\nGET /notes HTTP/1.1\r\nHost: {}\r\n\r\n", cast.chat());
            it.rewrite("Content-Length", &format!("Content-Length: {}", hidden.len()));
            it.body = hidden.into_bytes();
        },
    )
    .expecting(REFUSED),
    written(
        "request-hidden-behind-length",
        "PROXY-4",
        "a second request is hidden in what Content-Length leaves over",
        "each request is authorized by itself: the second is none that may pass",
        |it, cast| {
            it.body = format!("pay 1GET /notes HTTP/1.1\r\nHost: {}\r\n\r\n", cast.chat()).into_bytes();
        },
    )
    .expecting(Expected::OneReading(
        &[400],
        "the first request is as it should be, and what comes behind it is another one, or nothing",
    )),
    written("coding-repeated", "PROXY-4", "the body is chunked twice", LENGTHS, |it, _| {
        it.chunked(b"5\r\npay 1\r\n0\r\n\r\n");
        it.rewrite("Transfer-Encoding", "Transfer-Encoding: chunked, chunked");
    })
    .expecting(CODING),
    written("coding-in-two-lines", "PROXY-4", "chunked stands in two lines", LENGTHS, |it, _| {
        it.chunked(b"5\r\npay 1\r\n0\r\n\r\n");
        it.add("Transfer-Encoding", "chunked");
    })
    .expecting(CODING),
    written(
        "coding-not-last",
        "PROXY-4",
        "chunked is not the last coding",
        "then where the body ends can't be told (RFC 9112 §6.3)",
        |it, _| {
            it.chunked(b"5\r\npay 1\r\n0\r\n\r\n");
            it.rewrite("Transfer-Encoding", "Transfer-Encoding: chunked, identity");
        },
    )
    .expecting(CODING),
    written(
        "coding-identity",
        "PROXY-4",
        "the coding is identity",
        "that coding is no more (RFC 9112 §7)",
        |it, _| {
            it.add("Transfer-Encoding", "identity");
        },
    )
    .expecting(CODING),
    written(
        "coding-unknown",
        "PROXY-4",
        "the coding is one that there is not",
        "then where the body ends can't be told (RFC 9112 §6.3)",
        |it, _| {
            it.chunked(b"5\r\npay 1\r\n0\r\n\r\n");
            it.rewrite("Transfer-Encoding", "Transfer-Encoding: xchunked");
        },
    )
    .expecting(CODING),
    written("coding-in-quotes", "PROXY-4", "chunked is in quotes", LENGTHS, |it, _| {
        it.chunked(b"5\r\npay 1\r\n0\r\n\r\n");
        it.rewrite("Transfer-Encoding", "Transfer-Encoding: \"chunked\"");
    })
    .expecting(CODING),
    written(
        "coding-before-a-blank",
        "PROXY-4",
        "a blank stands between Transfer-Encoding and its colon",
        "such a line is refused with 400 (RFC 9112 §5.1)",
        |it, _| {
            it.chunked(b"5\r\npay 1\r\n0\r\n\r\n");
            it.rewrite("Transfer-Encoding", "Transfer-Encoding : chunked");
        },
    )
    .expecting(REFUSED),
    written("coding-behind-a-vertical-tab", "PROXY-4", "a vertical tab stands before chunked", LENGTHS, |it, _| {
        it.chunked(b"5\r\npay 1\r\n0\r\n\r\n");
        it.rewrite("Transfer-Encoding", "Transfer-Encoding: \u{b}chunked");
    })
    .expecting(CODING),
    written(
        "coding-with-underscore",
        "PROXY-4",
        "beside Content-Length there is Transfer_Encoding",
        "many app servers read `_` as `-`",
        |it, _| {
            it.add("Transfer_Encoding", "chunked");
        },
    )
    .expecting(IN_ONE_WAY),
    written("coding-folded", "PROXY-4", "chunked stands in a folded line", LINES, |it, _| {
        it.add_line("Transfer-Encoding:");
        it.add_line(" chunked");
    })
    .expecting(CODING),
    written(
        "coding-in-http-1-0",
        "PROXY-4",
        "the version is 1.0 and the body in chunks",
        "HTTP/1.0 has no chunks (RFC 9112 §6.1)",
        |it, _| {
            it.chunked(b"5\r\npay 1\r\n0\r\n\r\n");
            version(it, "HTTP/1.0");
        },
    )
    .expecting(Expected::OneReading(
        &[400, 501, 505],
        "RFC 9112 §6.1: such a message has faulty framing, and the connection ends after it",
    )),
    written(
        "chunk-size-overflowing",
        "PROXY-4",
        "the size of a chunk is 5 and 2^64",
        "a number that wraps around is another number",
        |it, _| {
            it.chunked(b"10000000000000005\r\npay 1\r\n0\r\n\r\n");
        },
    )
    .expecting(Expected::Refused(&[400, 413])),
    written("chunk-size-prefixed", "PROXY-4", "the size of a chunk is 0x5", LENGTHS, |it, _| {
        it.chunked(b"0x5\r\npay 1\r\n0\r\n\r\n")
    })
    .expecting(REFUSED),
    written("chunk-size-negative", "PROXY-4", "the size of a chunk is -5", LENGTHS, |it, _| {
        it.chunked(b"-5\r\npay 1\r\n0\r\n\r\n")
    })
    .expecting(REFUSED),
    written("chunk-size-empty", "PROXY-4", "the size of a chunk is empty", LENGTHS, |it, _| {
        it.chunked(b"\r\npay 1\r\n0\r\n\r\n")
    })
    .expecting(REFUSED),
    written("chunk-longer-than-its-size", "PROXY-4", "a chunk is longer than its size says", LENGTHS, |it, _| {
        it.chunked(b"3\r\npay 1\r\n0\r\n\r\n")
    })
    .expecting(REFUSED),
    written(
        "chunk-extension",
        "PROXY-4",
        "a chunk has an extension",
        "a recipient ignores what it does not know (RFC 9112 §7.1.1)",
        |it, _| {
            it.chunked(b"5;moon=full\r\npay 1\r\n0\r\n\r\n");
        },
    )
    .expecting(IN_ONE_WAY),
    written(
        "chunk-extension-with-a-bare-lf",
        "PROXY-4",
        "a bare LF ends the extension of a chunk",
        "what ends the line for one reader is part of the extension for another",
        |it, cast| {
            let hidden = format!("5;\nxx\r\npay 1\r\n0\r\n\r\nGET /notes HTTP/1.1\r\nHost: {}\r\n\r\n", cast.chat());
            it.chunked(hidden.as_bytes());
        },
    )
    .expecting(REFUSED),
    written("chunk-ended-by-lf", "PROXY-4", "chunks end with a bare LF", LINES, |it, _| it.chunked(b"5\npay 1\n0\n\n"))
        .expecting(IN_ONE_WAY),
    written(
        "field-in-a-bare-lf",
        "PROXY-4",
        "a bare LF stands in a value, and X-Ptl-Client-Id behind it",
        LINES,
        |it, _| {
            it.add_line("X-Other: a\nX-Ptl-Client-Id: forged");
        },
    )
    .expecting(Expected::NothingForged(&[400])),
    written(
        "field-in-a-bare-cr",
        "PROXY-4",
        "a bare CR stands in a value, and X-Ptl-Client-Id behind it",
        LINES,
        |it, _| {
            it.add_line("X-Other: a\rX-Ptl-Client-Id: forged");
        },
    )
    .expecting(REFUSED),
    written(
        "field-folded",
        "PROXY-4",
        "a line is folded, and X-Ptl-Client-Id stands in its second part",
        "a fold is refused with 400, or is a blank (RFC 9112 §5.2)",
        |it, _| {
            it.add_line("X-Other: a");
            it.add_line(" X-Ptl-Client-Id: forged");
        },
    )
    .expecting(Expected::NothingForged(&[400])),
    written(
        "field-folded-by-a-tab",
        "PROXY-4",
        "a line is folded by a tab, and X-Ptl-Client-Id stands in its second part",
        "a fold is refused with 400, or is a blank (RFC 9112 §5.2)",
        |it, _| {
            it.add_line("X-Other: a");
            it.add_line("\tX-Ptl-Client-Id: forged");
        },
    )
    .expecting(Expected::NothingForged(&[400])),
    written(
        "first-field-behind-a-blank",
        "PROXY-4",
        "a blank stands before the first field",
        "such a line is refused, or dropped (RFC 9112 §2.2)",
        |it, _| {
            it.lines.insert(0, b" X-Ptl-Client-Id: forged".to_vec());
        },
    )
    .expecting(Expected::NothingForged(&[400])),
    written("lines-ended-by-lf", "PROXY-4", "all lines end with a bare LF", LINES, |it, _| it.line_end = b"\n")
        .expecting(IN_ONE_WAY),
    written(
        "field-with-a-null",
        "PROXY-4",
        "a null byte stands in a value",
        "NUL is refused (RFC 9110 §5.5)",
        |it, _| it.add_line(b"X-Other: a\0b".to_vec()),
    )
    .expecting(REFUSED),
    written(
        "field-name-with-a-null",
        "PROXY-4",
        "a null byte stands in a name",
        "that is no token (RFC 9110 §5.1)",
        |it, _| it.add_line(b"X-Ot\0her: a".to_vec()),
    )
    .expecting(REFUSED),
    written("field-without-colon", "PROXY-4", "a line has no colon", "that is no field (RFC 9112 §5)", |it, _| {
        it.add_line("X-Other")
    })
    .expecting(REFUSED),
    written(
        "field-without-name",
        "PROXY-4",
        "a line begins with its colon",
        "that is no field (RFC 9112 §5)",
        |it, _| it.add_line(": forged"),
    )
    .expecting(REFUSED),
    written(
        "field-name-with-a-blank",
        "PROXY-4",
        "a blank stands in a name",
        "that is no token (RFC 9110 §5.1)",
        |it, _| it.add_line("X Other: a"),
    )
    .expecting(REFUSED),
    written(
        "field-name-in-another-script",
        "PROXY-4",
        "a name has a letter outside of ASCII",
        "that is no token (RFC 9110 §5.1)",
        |it, _| it.add_line("X-Öther: a"),
    )
    .expecting(REFUSED),
    written(
        "request-line-with-two-blanks",
        "PROXY-4",
        "two blanks stand before the target",
        "a lenient reader and a strict one see another target (RFC 9112 §3)",
        |it, _| {
            let start = String::from_utf8_lossy(&it.start).replacen(' ', "  ", 1);
            it.start = start.into_bytes();
        },
    )
    .expecting(IN_ONE_WAY),
    written(
        "request-line-with-a-tab",
        "PROXY-4",
        "a tab stands before the target",
        "a lenient reader and a strict one see another target (RFC 9112 §3)",
        |it, _| {
            let start = String::from_utf8_lossy(&it.start).replacen(' ', "\t", 1);
            it.start = start.into_bytes();
        },
    )
    .expecting(IN_ONE_WAY),
    written(
        "request-line-without-version",
        "PROXY-4",
        "there is no version",
        "that is HTTP/0.9, which nobody speaks",
        |it, _| version(it, ""),
    )
    .expecting(REFUSED),
    written("request-line-of-version-2", "PROXY-4", "the version is 2.0", "that is another protocol", |it, _| {
        version(it, "HTTP/2.0")
    })
    .expecting(Expected::Refused(&[400, 505])),
    written("request-line-of-version-9", "PROXY-4", "the version is 9.9", "that is another protocol", |it, _| {
        version(it, "HTTP/9.9")
    })
    .expecting(Expected::Refused(&[400, 505])),
    written(
        "request-line-in-lower-case",
        "PROXY-4",
        "the name of the protocol is in lower case",
        "it is compared with case (RFC 9112 §2.3)",
        |it, _| version(it, "http/1.1"),
    )
    .expecting(Expected::Refused(&[400, 505])),
    written(
        "request-line-with-an-asterisk",
        "PROXY-4",
        "the target is *",
        "that form is for OPTIONS only (RFC 9112 §3.2.4)",
        |it, _| {
            it.start = b"GET * HTTP/1.1".to_vec();
        },
    )
    .from(Valid::Parts)
    .expecting(Expected::Refused(&[400, 401, 404])),
    written(
        "request-line-without-slash",
        "PROXY-4",
        "the target begins without a slash",
        "that is no form of a target (RFC 9112 §3.2)",
        |it, _| {
            it.start = String::from_utf8_lossy(&it.start).replacen(" /", " ", 1).into_bytes();
        },
    )
    .from(Valid::Parts)
    .expecting(REFUSED),
    written("request-line-of-connect", "PROXY-4", "the method is CONNECT", "a Portal is no tunnel", |it, _| {
        it.start = b"CONNECT 127.0.0.1:80 HTTP/1.1".to_vec()
    })
    .from(Valid::Parts)
    .expecting(Expected::Refused(&[400, 401, 404, 405, 421, 501])),
];

fn version(raw: &mut super::super::raw::Raw, version: &str) {
    let start = String::from_utf8_lossy(&raw.start).into_owned();
    let start = start.strip_suffix("HTTP/1.1").unwrap_or(&start);
    raw.start = format!("{start}{version}").trim_end().as_bytes().to_vec();
}
