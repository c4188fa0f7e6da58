//! Who may talk to what is not part of the API: programs on this machine, and the gateway's own page.

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, Response, StatusCode, header::HOST, uri::Authority},
};
use serde_json::json;

use crate::reply::json_reply;

/// Why somebody is not answered, and what would be right.
#[derive(Debug)]
pub(crate) struct Complaint(pub(crate) StatusCode, pub(crate) String);

impl Complaint {
    pub(crate) fn new(status: StatusCode, message: &str) -> Self {
        Self(status, message.to_owned())
    }

    pub(crate) fn reply(&self) -> Response<Bytes> {
        json_reply(self.0, HeaderMap::new(), &json!({ "message": self.1 }))
    }
}

/// A page that had its own name point to loopback still sends that name.
pub(crate) fn check_host(headers: &HeaderMap) -> Result<(), Complaint> {
    let host = headers.get(HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
    match host.as_ref().map(Authority::host) {
        Some("127.0.0.1" | "localhost" | "[::1]") => Ok(()),
        _ => Err(Complaint::new(
            StatusCode::MISDIRECTED_REQUEST,
            "the host is not of loopback: ask at 127.0.0.1",
        )),
    }
}

/// A page of another origin cannot add the header without asking first, and is never answered that it may.
pub(crate) fn check_origin(headers: &HeaderMap) -> Result<(), Complaint> {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if !matches!(site, None | Some(b"same-origin" | b"none")) {
        return Err(Complaint::new(StatusCode::FORBIDDEN, "only the gateway's own page may do that"));
    }
    match headers.get(MARK) {
        Some(value) if value == "1" => Ok(()),
        _ => Err(Complaint::new(StatusCode::FORBIDDEN, "send the header X-Local: 1")),
    }
}

const MARK: &str = "x-local";

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs =
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        pairs.collect()
    }

    #[test]
    fn only_names_of_loopback_are_answered() {
        for (host, expected) in [
            ("127.0.0.1:3000", true),
            ("localhost:3000", true),
            ("localhost", true),
            ("[::1]:3000", true),
            ("example.com", false),
            ("127.0.0.1.example.com:3000", false),
            ("localhost.example.com", false),
            ("example.com@127.0.0.1", true),
            ("", false),
        ] {
            assert_eq!(check_host(&headers(&[("host", host)])).is_ok(), expected, "{host}");
        }
        assert!(check_host(&headers(&[])).is_err());
    }

    #[test]
    fn a_change_needs_the_mark_and_may_not_come_from_another_site() {
        for (pairs, expected) in [
            (&[("x-local", "1")][..], true),
            (&[("x-local", "1"), ("sec-fetch-site", "same-origin")], true),
            (&[("x-local", "1"), ("sec-fetch-site", "none")], true),
            (&[("x-local", "1"), ("sec-fetch-site", "same-site")], false),
            (&[("x-local", "1"), ("sec-fetch-site", "cross-site")], false),
            (&[("x-local", "2")], false),
            (&[], false),
        ] {
            assert_eq!(check_origin(&headers(pairs)).is_ok(), expected, "{pairs:?}");
        }
    }
}
