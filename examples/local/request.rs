//! What a client sent.

use std::collections::BTreeMap;

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName},
};

/// A request as it arrived: path and query are still encoded.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClientRequest {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Every value of each name.
pub(crate) type MultiMap = BTreeMap<String, Vec<String>>;

impl ClientRequest {
    /// A request's target, `/orders?page=2`, split.
    pub(crate) fn new(method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self { method: method.to_owned(), path: path.to_owned(), query: query.to_owned(), ..Self::default() }
    }

    /// The headers, with their names in this spelling.
    pub(crate) fn header_map(&self, spell: fn(&HeaderName) -> String) -> MultiMap {
        let value = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        group(self.headers.iter().map(|(name, text)| (spell(name), value(text.as_bytes()))))
    }

    /// The query's parameters, decoded.
    pub(crate) fn query_map(&self) -> MultiMap {
        group(form_urlencoded::parse(self.query.as_bytes()).into_owned())
    }

    /// Every value of one header.
    pub(crate) fn header(&self, name: &str) -> Vec<String> {
        let values = self.headers.get_all(name).iter();
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    }
}

fn group(pairs: impl Iterator<Item = (String, String)>) -> MultiMap {
    let mut map = MultiMap::new();
    for (name, value) in pairs {
        map.entry(name).or_default().push(value);
    }
    map
}

/// `x-forwarded-for` as clients of HTTP/1.1 write it. Servers here are told names in lower case only.
pub(crate) fn title_case(name: &HeaderName) -> String {
    let part = |part: &str| {
        let mut letters = part.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    };
    name.as_str().split('-').map(part).collect::<Vec<String>>().join("-")
}

pub(crate) fn lower_case(name: &HeaderName) -> String {
    name.as_str().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_split_at_its_first_question_mark() {
        let request = ClientRequest::new("GET", "/orders?q=a?b&q=c%20d");
        assert_eq!((request.path.as_str(), request.query.as_str()), ("/orders", "q=a?b&q=c%20d"));
        assert_eq!(request.query_map()["q"], ["a?b", "c d"]);
        assert_eq!(ClientRequest::new("GET", "/orders").query_map().len(), 0);
    }

    #[test]
    fn header_names_are_spelled_as_clients_write_them() {
        for (name, expected) in [("authorization", "Authorization"), ("x-forwarded-for", "X-Forwarded-For")] {
            assert_eq!(title_case(&HeaderName::from_static(name)), expected);
        }
    }
}
