//! Reading HTTP/1.1: one reading of the bytes, or none.

use super::*;

fn read(text: &str) -> Result<(Request, Vec<u8>), MessageError> {
    Request::parse_http1(text.replace('\n', "\r\n").as_bytes(), Scheme::Http)
}

#[test]
fn a_chunked_body_is_put_together_and_its_trailers_kept() {
    let text =
        "POST / HTTP/1.1\nTransfer-Encoding: Chunked\nX: a\n b\n\n4;ext=1\nHTTP\n00a\nSignatures\n0\nExpires: x\n\n";
    let (request, body) = read(text).unwrap();
    assert_eq!(body, b"HTTPSignatures");
    assert_eq!(request.trailers().iter().collect::<Vec<_>>(), [("Expires", &b" x"[..])]);
    assert_eq!(request.fields().values("x").collect::<Vec<_>>(), [b" a\r\n b"]);
    let (plain, body) = read("POST / HTTP/1.1\nContent-Length: 2\n\nhi").unwrap();
    assert!(plain.trailers().is_empty() && body == b"hi");
    assert_eq!(read("POST / HTTP/1.1\nContent-Length:  002 \nContent-Length: 002\n\nhi").unwrap().1, b"hi");
    // A head alone.
    assert_eq!(read("POST / HTTP/1.1\nContent-Length: 2\n\n").unwrap().1, b"");
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    for text in [
        "",
        "GET / HTTP/1.1",
        "GET / HTTP/1.1\n",
        "GET  / HTTP/1.1\n\n",
        "GET / HTTP/2\n\n",
        "GET / HTTP/1.1 x\n\n",
        "GET /\n\n",
        "GET / HTTP/1.1\nno colon\n\n",
        "GET / HTTP/1.1\nX : a\n\n",
        "GET / HTTP/1.1\n X: a\n\n",
        "POST / HTTP/1.1\nTransfer-Encoding: chunked\nContent-Length: 3\n\n0\n\n",
        "POST / HTTP/1.1\nContent-Length: 2\n\nhim",
        "POST / HTTP/1.1\nContent-Length: 2\n\nh",
        "POST / HTTP/1.1\nContent-Length: 0\n\nh",
        "POST / HTTP/1.1\nContent-Length: 2\nContent-Length: 3\n\nhi",
        "POST / HTTP/1.1\nContent-Length: 2, 2\n\nhi",
        "POST / HTTP/1.1\nContent-Length: +2\n\nhi",
        "POST / HTTP/1.1\nContent-Length:\n\n",
        "POST / HTTP/1.1\nContent-Length: 99999999999999999999\n\n",
        "POST / HTTP/1.1\nTransfer-Encoding: chunked, chunked\n\n0\n\n",
        "POST / HTTP/1.1\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n0\n\n",
        "POST / HTTP/1.1\nTransfer-Encoding: chunked, gzip\n\n0\n\n",
        "POST / HTTP/1.1\nTransfer-Encoding: gzip, chunked\n\n0\n\n",
        "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n0\n\nmore",
        "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n0\n",
        "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n5\nabc\n0\n\n",
        "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n2\nabc\n0\n\n",
        "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n+2\nab\n0\n\n",
        "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n0x2\nab\n0\n\n",
        "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n\nab\n0\n\n",
        "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n100000000\nab\n0\n\n",
    ] {
        assert!(read(text).is_err(), "{text:?}");
    }
    // A bare LF ends no line.
    assert!(Request::parse_http1(b"GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n", Scheme::Http).is_err());
    let many = format!("GET / HTTP/1.1\n{}\n", "A: b\n".repeat(5000));
    assert_eq!(read(&many).unwrap_err(), MessageError::Syntax("too many field lines"));
}

#[test]
fn status_lines() {
    let status =
        |line: &str| Response::parse_http1(format!("{line}\r\n\r\n").as_bytes()).map(|(response, _)| response.status());
    assert_eq!(status("HTTP/1.1 204 No Content"), Ok(204));
    assert_eq!(status("HTTP/1.0 200 "), Ok(200));
    assert_eq!(status("HTTP/1.1 200"), Ok(200));
    for bad in ["HTTP/1.1 20", "HTTP/1.1 2000", "HTTP/1.1 2x0", "HTTP/1.1  200", "HTTP/2 200", "HTTP/1.1 000", ""] {
        assert!(status(bad).is_err(), "{bad}");
    }
}
