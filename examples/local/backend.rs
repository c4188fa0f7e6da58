//! What is behind the gateway: an echo, or a service of the user's own.

use std::{fmt::Write, net::IpAddr, time::Duration};

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header},
};
use cognito_authorizer::token::HttpsFetch;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    reply::{Refusal, json_reply},
    request::ClientRequest,
};

/// A service on loopback.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    url: reqwest::Url,
    client: reqwest::Client,
}

impl Upstream {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let url = reqwest::Url::parse(text).map_err(|error| error.to_string())?;
        if url.scheme() != "http" || !is_loopback(&url) {
            return Err("must be http on loopback: write http://127.0.0.1:PORT".to_owned());
        }
        // The function's own client: it follows no redirects and asks no proxy.
        let client = HttpsFetch::default().client().cloned().ok_or("TLS cannot be set up")?;
        Ok(Self { url, client })
    }

    pub(crate) fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Passes a request on, with the authorizer's context in a header that no client can set, and waits so long for
    /// the answer.
    pub(crate) async fn serve(
        &self,
        request: &ClientRequest,
        context: Option<&Value>,
        patience: Duration,
    ) -> Result<Response<Bytes>, Refusal> {
        let url = self.target(request).ok_or(Refusal::PathUnclear)?;
        match timeout(patience, self.send(url, request, context)).await {
            Ok(sent) => sent.map_err(|_| Refusal::BackendDown),
            Err(_) => Err(Refusal::BackendSlow),
        }
    }

    /// `None` for a path that a service may take for another than the one that was authorized: with `.` or `..` for a part,
    /// or a backslash, however they are encoded, or with anything else that a URL cannot say as it is.
    fn target(&self, request: &ClientRequest) -> Option<reqwest::Url> {
        let decoded: Vec<u8> = percent_decode_str(&request.path).collect();
        let mut parts = decoded.split(|byte| *byte == b'/');
        if decoded.contains(&b'\\') || parts.any(|part| part == b"." || part == b"..") {
            return None;
        }
        let path = format!("{}{}", self.url.path().trim_end_matches('/'), request.path);
        let mut url = self.url.clone();
        url.set_path(&path);
        url.set_query((!request.query.is_empty()).then_some(&request.query));
        percent_decode_str(url.path()).eq(percent_decode_str(&path)).then_some(url)
    }

    async fn send(
        &self,
        url: reqwest::Url,
        request: &ClientRequest,
        context: Option<&Value>,
    ) -> reqwest::Result<Response<Bytes>> {
        let method = reqwest::Method::from_bytes(request.method.as_bytes()).unwrap_or_default();
        let mut headers = end_to_end(&request.headers);
        headers.remove(header::HOST);
        headers.remove(header::CONTENT_LENGTH);
        remove_folded(&mut headers, CONTEXT_HEADER);
        if let Some(context) = context {
            headers.insert(CONTEXT_HEADER, to_ascii(context));
        }
        let sent =
            self.client.request(method, url).headers(headers).body(request.body.clone()).send().await?;
        let (status, headers) = (sent.status(), end_to_end(sent.headers()));
        let mut response = Response::new(sent.bytes().await?);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

/// Says back what an integration gets.
pub(crate) fn echo(event: &Value) -> Response<Bytes> {
    json_reply(StatusCode::OK, HeaderMap::new(), event)
}

fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Every spelling that CGI and its like take for that name: to them `-` and `_` are one.
fn remove_folded(headers: &mut HeaderMap, name: &str) {
    let folded = |name: &str| name.replace('_', "-");
    let same: Vec<HeaderName> = headers.keys().filter(|it| folded(it.as_str()) == name).cloned().collect();
    for name in same {
        headers.remove(name);
    }
}

/// Without what is about one connection alone, which `Connection` may name (RFC 9110 §7.6.1).
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let named = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named = named.flat_map(|names| names.split(',')).filter_map(|name| name.trim().parse().ok());
    let hop_by_hop = [
        header::CONNECTION,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
    ];
    let mut kept = headers.clone();
    for name in named.chain(hop_by_hop) {
        kept.remove(name);
    }
    kept
}

/// JSON in ASCII, as a header must be.
fn to_ascii(context: &Value) -> HeaderValue {
    let mut text = String::new();
    for unit in context.to_string().encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => text.push(char::from(byte)),
            _ => write!(text, "\\u{unit:04x}").unwrap(),
        }
    }
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("{}"))
}

/// As a mapping to a header would, an HTTP API's `overwrite:header.NAME` or a REST API's `integration.request.header.NAME`,
/// which can hand on one value at a time: here it is the whole context.
const CONTEXT_HEADER: &str = "x-authorizer-context";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_http_on_loopback_is_an_upstream() {
        for (url, expected) in [
            ("http://127.0.0.1:8080", true),
            ("http://localhost:8080/base", true),
            ("http://[::1]:8080", true),
            ("https://127.0.0.1:8080", false),
            ("http://example.com", false),
            ("http://127.0.0.1.example.com", false),
            ("http://10.0.0.1", false),
            ("127.0.0.1:8080", false),
        ] {
            assert_eq!(Upstream::parse(url).is_ok(), expected, "{url}");
        }
    }

    #[test]
    fn an_upstream_is_asked_for_the_path_that_was_authorized_or_for_none() {
        let upstream = Upstream::parse("http://127.0.0.1:8080/base/").unwrap();
        for (path, expected) in [
            ("/orders", Some("/base/orders")),
            ("/orders//42/", Some("/base/orders//42/")),
            ("/a%2Fb/%C3%BC", Some("/base/a%2Fb/%C3%BC")),
            ("/a\"b", Some("/base/a%22b")),
            ("/orders/..hidden", Some("/base/orders/..hidden")),
            ("/public/../orders", None),
            ("/orders/%2e%2E", None),
            ("/orders/.", None),
            ("/orders/..\\admin", None),
            ("/orders\\admin", None),
            ("/orders/..%2Fadmin", None),
            ("/orders/a%2f..", None),
            ("/orders/a%5Cb", None),
        ] {
            let url = upstream.target(&ClientRequest::new("GET", path));
            assert_eq!(url.as_ref().map(reqwest::Url::path), expected, "{path}");
        }
    }

    #[tokio::test]
    async fn an_upstream_that_does_not_answer_in_time_is_slow_and_one_that_is_not_there_is_down() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let upstream = Upstream::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let request = ClientRequest::new("GET", "/orders");
        let ask = async |patience| upstream.serve(&request, None, patience).await.unwrap_err();
        assert_eq!(ask(Duration::ZERO).await, Refusal::BackendSlow);
        drop(listener);
        assert_eq!(ask(Duration::from_secs(30)).await, Refusal::BackendDown);
    }

    #[test]
    fn headers_about_one_connection_stay_on_it() {
        let headers = [
            ("connection", "close, x-mine"),
            ("connection", "X-More"),
            ("x-mine", "1"),
            ("x-more", "1"),
            ("te", "trailers"),
            ("accept", "*/*"),
        ];
        let headers =
            headers.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value);
        }
        let kept = end_to_end(&map);
        assert_eq!(kept.keys().collect::<Vec<&HeaderName>>(), [&header::ACCEPT]);
    }

    #[test]
    fn a_context_in_a_header_is_ascii_and_reads_as_it_was() {
        let context = json!({ "city": "Zürich 🚲", "text": "a\"b\n" });
        let value = to_ascii(&context);
        assert_eq!(serde_json::from_str::<Value>(value.to_str().unwrap()).unwrap(), context);
    }
}
