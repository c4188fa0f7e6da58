//! An authorizer's identity sources: what must be there before it is asked, and what its answer is kept by.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>

use std::fmt;

use serde_json::Value;
use thiserror::Error;

use crate::{
    api::{Api, Family},
    request::ClientRequest,
};

/// One place of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdentitySource {
    text: String,
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Header(String),
    Query(String),
    /// Of the event's `requestContext`.
    Context(String),
}

/// A list that the kind of API does not take.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum InvalidSources {
    #[error("`{0}` is no identity source of this API: write {1}header.NAME, {1}querystring.NAME or {2}NAME")]
    Form(String, &'static str, &'static str),
    #[error("a TOKEN authorizer has one header as its identity source: write method.request.header.NAME")]
    NotOneHeader,
}

impl IdentitySource {
    /// Reads a comma-separated list.
    pub(crate) fn parse_list(list: &str, api: Api) -> Result<Vec<Self>, InvalidSources> {
        let (request, context) = prefixes(api);
        let parse = |text: &str| {
            Self::parse(text, api).ok_or_else(|| InvalidSources::Form(text.to_owned(), request, context))
        };
        let sources = list.split(',').map(|text| parse(text.trim())).collect::<Result<Vec<Self>, _>>()?;
        if api == Api::RestToken && !matches!(&sources[..], [Self { place: Place::Header(_), .. }]) {
            return Err(InvalidSources::NotOneHeader);
        }
        Ok(sources)
    }

    fn parse(text: &str, api: Api) -> Option<Self> {
        let (request, context) = prefixes(api);
        let place = match text.strip_prefix(request) {
            Some(rest) => match rest.split_once('.')? {
                ("header", name) => Place::Header(name.to_owned()),
                ("querystring", name) => Place::Query(name.to_owned()),
                _ => return None,
            },
            None => Place::Context(text.strip_prefix(context)?.to_owned()),
        };
        let (Place::Header(name) | Place::Query(name) | Place::Context(name)) = &place;
        (!name.is_empty()).then(|| Self { text: text.to_owned(), place })
    }

    /// The value in a request whose event is `event`; nothing where it is missing or empty. Of a header that
    /// was sent twice, an HTTP API joins the values; the others take the last.
    fn value(&self, api: Api, request: &ClientRequest, event: &Value) -> Option<String> {
        let choose = |values: Vec<String>| match api.family() {
            Family::Http => Some(values.join(",")),
            _ => values.last().cloned(),
        };
        let value = match &self.place {
            Place::Header(name) => choose(request.header(name)),
            Place::Query(name) => choose(request.query_map().remove(name)?),
            Place::Context(name) => context_value(api, name, event),
        };
        value.filter(|value| !value.is_empty())
    }
}

/// The values of all sources, or nothing where one is missing.
pub(crate) fn identify(
    sources: &[IdentitySource],
    api: Api,
    request: &ClientRequest,
    event: &Value,
) -> Option<Vec<String>> {
    sources.iter().map(|source| source.value(api, request, event)).collect()
}

impl fmt::Display for IdentitySource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

/// What stands in front of a request's and of a context's sources.
const fn prefixes(api: Api) -> (&'static str, &'static str) {
    match api.family() {
        Family::Rest => ("method.request.", "context."),
        Family::Http => ("$request.", "$context."),
        Family::WebSocket => ("route.request.", "context."),
    }
}

/// A context variable, which mostly has the name of its member in the event. An HTTP API's event has some of
/// them deeper.
fn context_value(api: Api, name: &str, event: &Value) -> Option<String> {
    let name = match (api, name) {
        (Api::HttpV2 | Api::HttpV2Simple, "httpMethod") => "http.method",
        (Api::HttpV2 | Api::HttpV2Simple, "path") => "http.path",
        _ => name,
    };
    let value = name.split('.').try_fold(&event["requestContext"], |value, member| value.get(member))?;
    value.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, header::AUTHORIZATION};
    use serde_json::json;

    use super::*;

    fn request(authorizations: &[&str]) -> ClientRequest {
        let mut request = ClientRequest::new("GET", "/orders?token=t&token=u&Empty=");
        for value in authorizations {
            request.headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        request
    }

    fn identity(list: &str, api: Api, request: &ClientRequest) -> Option<Vec<String>> {
        let event = json!({ "requestContext": { "routeKey": "GET /orders", "http": { "method": "GET" } } });
        identify(&IdentitySource::parse_list(list, api).unwrap(), api, request, &event)
    }

    #[test]
    fn every_source_must_have_a_value() {
        let request = request(&["Bearer a"]);
        for (list, expected) in [
            ("$request.header.authorization", Some(vec!["Bearer a"])),
            ("$request.header.Authorization, $context.routeKey", Some(vec!["Bearer a", "GET /orders"])),
            ("$request.querystring.token,$context.httpMethod", Some(vec!["t,u", "GET"])),
            ("$request.header.Authorization,$request.header.Absent", None),
            ("$request.querystring.Token", None),
            ("$request.querystring.Empty", None),
            ("$context.absent", None),
        ] {
            let expected = expected.map(|values| values.into_iter().map(str::to_owned).collect());
            assert_eq!(identity(list, Api::HttpV2, &request), expected, "{list}");
        }
    }

    #[test]
    fn a_header_that_was_sent_twice_is_joined_by_http_apis_and_its_last_value_elsewhere() {
        let request = request(&["a", "b"]);
        for api in Api::ALL {
            let list = api.usual_identity_sources().split(',').next().unwrap();
            let expected = if api.family() == Family::Http { "a,b" } else { "b" };
            assert_eq!(identity(list, api, &request), Some(vec![expected.to_owned()]), "{api:?}");
        }
    }

    #[test]
    fn each_kind_of_api_has_words_of_its_own() {
        for api in Api::ALL {
            let usual = api.usual_identity_sources();
            let sources = IdentitySource::parse_list(usual, api).unwrap();
            let texts: Vec<String> = sources.iter().map(ToString::to_string).collect();
            assert_eq!(texts.join(","), usual);
        }
        for (list, api) in [
            ("$request.header.Authorization", Api::RestRequest),
            ("method.request.header.Authorization", Api::HttpV2),
            ("method.request.header.Authorization", Api::WebSocket),
            ("$request.header.", Api::HttpV2),
            ("$request.body.x", Api::HttpV2),
            ("$stageVariables.x", Api::HttpV2),
            ("", Api::HttpV2),
            ("method.request.querystring.token", Api::RestToken),
            ("method.request.header.A,method.request.header.B", Api::RestToken),
        ] {
            assert!(IdentitySource::parse_list(list, api).is_err(), "{list}");
        }
    }
}
