//! The gateway's page, file by file.

use std::path::Path;

use axum::{
    body::Bytes,
    http::{
        HeaderValue, Response, StatusCode,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    },
};

use crate::guard::Complaint;

/// A file as it is now, so that whoever writes it sees it. Without a name it is the page itself.
pub(crate) fn read(name: &str) -> Result<Response<Bytes>, Complaint> {
    let name = if name.is_empty() { "index.html" } else { name };
    let content = kind(name).and_then(|kind| Some((kind, std::fs::read(Path::new(FOLDER).join(name)).ok()?)));
    let (kind, content) =
        content.ok_or_else(|| Complaint::new(StatusCode::NOT_FOUND, "there is no such file of the page"))?;
    let mut response = Response::new(Bytes::from(content));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The media type of a name without folders, and so of nothing outside the one.
fn kind(name: &str) -> Option<&'static str> {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    match name.rsplit_once('.').filter(|_| is_plain)?.1 {
        "html" => Some("text/html; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/local/page");

/// Nothing from elsewhere, nothing inline, in nobody's frame.
const POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_read_and_nothing_outside_its_folder() {
        assert_eq!(read("").unwrap().headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        for name in
            ["../README.md", "../page/index.html", "%2e%2e/main.rs", "absent.css", ".html/..", "index"]
        {
            assert_eq!(read(name).unwrap_err().0, StatusCode::NOT_FOUND, "{name}");
        }
    }
}
