//! An authorizer's identity sources: what must be there before it is asked, and what its answer is kept by.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>

use std::fmt;

use axum::http::HeaderName;
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
    /// A variable's JSON pointer into the request's context.
    Context(&'static str),
}

/// A list that the kind of API does not take.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum InvalidSources {
    #[error("`{0}` is no identity source of this API: write {1}header.NAME, {1}querystring.NAME or {2}NAME")]
    Form(String, &'static str, &'static str),
    #[error("`{0}` is no variable that a request has here: write one of {1}")]
    Variable(String, String),
    #[error("a TOKEN authorizer has one header as its identity source: write method.request.header.NAME")]
    NotOneHeader,
}

impl IdentitySource {
    /// Reads a comma-separated list, or `none`.
    pub(crate) fn parse_list(list: &str, api: Api) -> Result<Vec<Self>, InvalidSources> {
        let texts = list.split(',').map(str::trim).filter(|_| list != NONE);
        let sources = texts.map(|text| Self::parse(text, api)).collect::<Result<Vec<Self>, _>>()?;
        if api == Api::RestToken && !matches!(&sources[..], [Self { place: Place::Header(_), .. }]) {
            return Err(InvalidSources::NotOneHeader);
        }
        Ok(sources)
    }

    fn parse(text: &str, api: Api) -> Result<Self, InvalidSources> {
        let (request, context) = prefixes(api);
        let place = match text.strip_prefix(context) {
            Some(name) => Some(Place::Context(find_variable(name, api)?)),
            None => text.strip_prefix(request).and_then(|rest| match rest.split_once('.')? {
                (_, "") => None,
                ("header", name) => Some(Place::Header(name.to_owned())),
                ("querystring", name) => Some(Place::Query(name.to_owned())),
                _ => None,
            }),
        };
        let place = place.ok_or_else(|| InvalidSources::Form(text.to_owned(), request, context))?;
        Ok(Self { text: text.to_owned(), place })
    }

    /// Whether a request with this header has it.
    pub(crate) fn is_given_by(&self, header: &HeaderName) -> bool {
        match &self.place {
            Place::Header(name) => name.eq_ignore_ascii_case(header.as_str()),
            Place::Query(_) => false,
            Place::Context(_) => true,
        }
    }

    /// The value in a request with this context; nothing where it is missing or empty. Of a header that was sent
    /// twice, an HTTP API joins the values; the others take the last.
    fn value(&self, api: Api, request: &ClientRequest, context: &Value) -> Option<String> {
        let choose = |values: Vec<String>| match api.family() {
            Family::Http => Some(values.join(",")),
            _ => values.last().cloned(),
        };
        let value = match &self.place {
            Place::Header(name) => choose(request.header(name)),
            Place::Query(name) => choose(request.query_map().remove(name)?),
            Place::Context(pointer) => match context.pointer(pointer)? {
                Value::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            },
        };
        value.filter(|value| !value.is_empty())
    }
}

/// The values of all sources, or nothing where one is missing.
pub(crate) fn identify(
    sources: &[IdentitySource],
    api: Api,
    request: &ClientRequest,
    context: &Value,
) -> Option<Vec<String>> {
    sources.iter().map(|source| source.value(api, request, context)).collect()
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

/// Where a variable stands in the context of this API's requests.
fn find_variable(name: &str, api: Api) -> Result<&'static str, InvalidSources> {
    let variables = match api.family() {
        Family::Rest => REST_VARIABLES,
        Family::Http => HTTP_VARIABLES,
        Family::WebSocket => WEBSOCKET_VARIABLES,
    };
    let found = variables.iter().find(|(known, _)| *known == name);
    found.map(|(_, pointer)| *pointer).ok_or_else(|| {
        let known: Vec<&str> = variables.iter().map(|(name, _)| *name).collect();
        InvalidSources::Variable(name.to_owned(), known.join(", "))
    })
}

/// An authorizer without identity sources: it is asked about every request.
const NONE: &str = "none";

/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html>
const REST_VARIABLES: &[(&str, &str)] = &[
    ("accountId", "/accountId"),
    ("apiId", "/apiId"),
    ("domainName", "/domainName"),
    ("domainPrefix", "/domainPrefix"),
    ("extendedRequestId", "/extendedRequestId"),
    ("httpMethod", "/httpMethod"),
    ("identity.sourceIp", "/identity/sourceIp"),
    ("identity.userAgent", "/identity/userAgent"),
    ("path", "/path"),
    ("protocol", "/protocol"),
    ("requestId", "/requestId"),
    ("requestTime", "/requestTime"),
    ("requestTimeEpoch", "/requestTimeEpoch"),
    ("resourcePath", "/resourcePath"),
    ("stage", "/stage"),
];

/// Payload 2.0 has some of them in other places.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html>
const HTTP_VARIABLES: &[(&str, &str)] = &[
    ("accountId", "/accountId"),
    ("apiId", "/apiId"),
    ("domainName", "/domainName"),
    ("domainPrefix", "/domainPrefix"),
    ("extendedRequestId", "/requestId"),
    ("httpMethod", "/http/method"),
    ("identity.sourceIp", "/http/sourceIp"),
    ("identity.userAgent", "/http/userAgent"),
    ("path", "/http/path"),
    ("protocol", "/http/protocol"),
    ("requestId", "/requestId"),
    ("requestTime", "/time"),
    ("requestTimeEpoch", "/timeEpoch"),
    ("routeKey", "/routeKey"),
    ("stage", "/stage"),
];

/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html>
const WEBSOCKET_VARIABLES: &[(&str, &str)] = &[
    ("apiId", "/apiId"),
    ("connectedAt", "/connectedAt"),
    ("connectionId", "/connectionId"),
    ("domainName", "/domainName"),
    ("eventType", "/eventType"),
    ("extendedRequestId", "/extendedRequestId"),
    ("identity.sourceIp", "/identity/sourceIp"),
    ("messageDirection", "/messageDirection"),
    ("requestId", "/requestId"),
    ("requestTime", "/requestTime"),
    ("requestTimeEpoch", "/requestTimeEpoch"),
    ("routeKey", "/routeKey"),
    ("stage", "/stage"),
];

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, header::AUTHORIZATION};
    use cognito_authorizer::time::UnixTime;

    use super::*;
    use crate::{
        events::{Occasion, request_context},
        routes::RouteTable,
    };

    fn request(authorizations: &[&str]) -> ClientRequest {
        let mut request = ClientRequest::new("GET", "/orders?token=t&token=u&Empty=");
        for value in authorizations {
            request.headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        request
    }

    fn identity(list: &str, api: Api, request: &ClientRequest) -> Option<Vec<String>> {
        let served = RouteTable::usual().find(api, &request.method, &request.path).unwrap();
        let occasion = Occasion { at: UnixTime::from_secs(1_800_000_000), number: 7 };
        let context = request_context(api, request, &served, occasion);
        identify(&IdentitySource::parse_list(list, api).unwrap(), api, request, &context)
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
            ("$request.querystring.absent", None),
            ("none", Some(vec![])),
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
    fn every_variable_of_the_context_has_a_value_whatever_the_payload() {
        let mut request = request(&["Bearer a"]);
        request.headers.insert("user-agent", HeaderValue::from_static("curl/8"));
        for (api, variables) in [
            (Api::RestRequest, REST_VARIABLES),
            (Api::HttpV1, HTTP_VARIABLES),
            (Api::HttpV2, HTTP_VARIABLES),
            (Api::HttpV2Simple, HTTP_VARIABLES),
            (Api::WebSocket, WEBSOCKET_VARIABLES),
        ] {
            let (_, context) = prefixes(api);
            for (name, _) in variables {
                assert!(identity(&format!("{context}{name}"), api, &request).is_some(), "{api:?} {name}");
            }
        }
        for (source, api, expected) in [
            ("context.resourcePath", Api::RestRequest, "/orders"),
            ("context.path", Api::RestRequest, "/prod/orders"),
            ("context.httpMethod", Api::RestRequest, "GET"),
            ("$context.routeKey", Api::HttpV1, "GET /orders"),
            ("$context.identity.sourceIp", Api::HttpV2, "127.0.0.1"),
            ("$context.requestTimeEpoch", Api::HttpV1, "1800000000000"),
            ("context.routeKey", Api::WebSocket, "$connect"),
        ] {
            assert_eq!(identity(source, api, &request), Some(vec![expected.to_owned()]), "{source}");
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
            ("$context.", Api::HttpV2),
            ("$context.resourcePath", Api::HttpV2),
            ("context.routeKey", Api::RestRequest),
            ("context.identity.apiKey", Api::RestRequest),
            ("stageVariables.x", Api::RestRequest),
            ("none", Api::RestToken),
            ("method.request.querystring.token", Api::RestToken),
            ("method.request.header.A,method.request.header.B", Api::RestToken),
        ] {
            assert!(IdentitySource::parse_list(list, api).is_err(), "{list}");
        }
    }
}
