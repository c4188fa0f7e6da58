//! The five shapes of authorizer event, read leniently into one borrowed struct.
//!
//! Every field is kept raw until the decision needs it: an odd header, a null map or a field of another type
//! never fails an event. Typed payloads would, and their errors quote the value that did not fit, which may be
//! the caller's token. Errors here name fields and hold no text of the event.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>

use std::borrow::Cow;

use serde::{Deserialize, de::Deserializer};
use serde_json::value::RawValue;
use thiserror::Error;

use super::{
    arn::{ExecuteApiArn, InvalidArn},
    lenient::{arn_text, lenient, string, strings, values},
};

/// The kinds of API that ask, which differ in their events and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// REST API, `TOKEN` authorizer.
    RestToken,
    /// REST API, `REQUEST` authorizer.
    RestRequest,
    /// HTTP API, payload format 1.0.
    HttpV1,
    /// HTTP API, payload format 2.0.
    HttpV2,
    /// WebSocket API, `$connect`.
    WebSocket,
}

impl Shape {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::RestToken, Self::RestRequest, Self::HttpV1, Self::HttpV2, Self::WebSocket];

    /// The fixed word for logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RestToken => "rest-token",
            Self::RestRequest => "rest-request",
            Self::HttpV1 => "http-v1",
            Self::HttpV2 => "http-v2",
            Self::WebSocket => "websocket",
        }
    }
}

/// What is wrong with an event. Holds names of fields, never their values.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum EventError {
    /// Not JSON, or not an object, or a field stands twice.
    #[error("the event is not a json object")]
    NotObject,
    /// None of the five shapes.
    #[error("the event is no api gateway authorizer event: its type is neither TOKEN nor REQUEST")]
    UnknownShape,
    /// The ARN's field is absent or not a string.
    #[error("the event has no {0}")]
    NoArn(&'static str),
    /// The ARN cannot be used.
    #[error("the event's {0} {1}")]
    InvalidArn(&'static str, InvalidArn),
}

/// An event's fields, raw.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event<'e> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'e RawValue>,
    #[serde(borrow)]
    version: Option<&'e RawValue>,
    #[serde(borrow)]
    method_arn: Option<&'e RawValue>,
    #[serde(borrow)]
    route_arn: Option<&'e RawValue>,
    #[serde(borrow)]
    authorization_token: Option<&'e RawValue>,
    #[serde(borrow)]
    headers: Option<&'e RawValue>,
    #[serde(borrow)]
    multi_value_headers: Option<&'e RawValue>,
    #[serde(borrow)]
    query_string_parameters: Option<&'e RawValue>,
    #[serde(borrow)]
    multi_value_query_string_parameters: Option<&'e RawValue>,
    #[serde(borrow)]
    cookies: Option<&'e RawValue>,
    #[serde(borrow)]
    http_method: Option<&'e RawValue>,
    #[serde(borrow)]
    resource: Option<&'e RawValue>,
    #[serde(borrow)]
    route_key: Option<&'e RawValue>,
    #[serde(borrow)]
    request_context: Option<&'e RawValue>,
}

/// An event that is one of the five shapes.
#[derive(Debug)]
pub struct Request<'e> {
    event: &'e Event<'e>,
    shape: Shape,
    arn_field: &'static str,
    arn: Cow<'e, str>,
}

/// An invocation's payload as Lambda's runtime loop hands it over. Reading it never fails, so that every
/// event gets an answer and a log line from us; what is not JSON is an empty text, which is no event.
#[derive(Debug)]
pub struct Payload(Option<Box<RawValue>>);

impl Payload {
    /// The event's text.
    pub fn as_str(&self) -> &str {
        self.0.as_ref().map_or("", |raw| raw.get())
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        Ok(Self(Box::<RawValue>::deserialize(reader).ok()))
    }
}

impl<'e> Event<'e> {
    /// Reads an event's text.
    pub fn parse(text: &'e str) -> Result<Self, EventError> {
        // serde would also read the struct from a list.
        if !text.trim_ascii_start().starts_with('{') {
            return Err(EventError::NotObject);
        }
        serde_json::from_str(text).map_err(|_| EventError::NotObject)
    }

    /// Tells the shape and finds the ARN. In this order, since payload 1.0 also carries `type` and
    /// `authorizationToken`, and a WebSocket event may carry a stray `version`.
    pub fn request(&'e self) -> Result<Request<'e>, EventError> {
        let arn_field = if self.route_arn.is_some() { "routeArn" } else { "methodArn" };
        let arn = arn_text(self.route_arn.or(self.method_arn));
        let kind = string(self.kind);
        let shape = match kind.as_deref() {
            _ if self.route_arn.is_some() => Shape::HttpV2,
            Some("TOKEN") => Shape::RestToken,
            _ if self.is_connect(arn.as_deref()) => Shape::WebSocket,
            _ if string(self.version).as_deref() == Some("1.0") => Shape::HttpV1,
            Some("REQUEST") => Shape::RestRequest,
            _ => return Err(EventError::UnknownShape),
        };
        let arn = arn.ok_or(EventError::NoArn(arn_field))?;
        Ok(Request { event: self, shape, arn_field, arn })
    }

    fn is_connect(&self, arn: Option<&str>) -> bool {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Context<'e> {
            #[serde(borrow)]
            event_type: Option<&'e RawValue>,
        }
        // serde would also read the struct from a list.
        let context = self.request_context.filter(|context| context.get().starts_with('{'));
        let context: Option<Context<'_>> = lenient(context);
        string(context.and_then(|context| context.event_type)).as_deref() == Some("CONNECT")
            || arn.and_then(|arn| ExecuteApiArn::parse(arn).ok()).is_some_and(|arn| arn.is_connect())
    }
}

impl Request<'_> {
    /// The kind of API that asks.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The API and stage that ask.
    pub fn arn(&self) -> Result<ExecuteApiArn<'_>, EventError> {
        ExecuteApiArn::parse(&self.arn).map_err(|error| EventError::InvalidArn(self.arn_field, error))
    }

    /// The matched route as the API's owner wrote it, for the log: a template, never the caller's path. A
    /// `TOKEN` event does not say it.
    pub fn route(&self) -> Option<String> {
        match self.shape {
            Shape::RestToken => None,
            Shape::HttpV2 => string(self.event.route_key).map(Cow::into_owned),
            Shape::WebSocket => Some("$connect".to_owned()),
            Shape::RestRequest | Shape::HttpV1 => {
                let resource = string(self.event.resource)?;
                let verb = string(self.event.http_method).filter(|verb| VERBS.contains(&verb.as_ref()));
                Some(format!("{} {resource}", verb.as_deref().unwrap_or("ANY")))
            }
        }
    }

    /// The verb and path of a payload 2.0 event in the form that an ARN has them, `GET/orders/42`. On the API's own
    /// domain a named stage stands in front of the path, and is taken off; on a custom domain none does.
    pub(super) fn verb_and_path(&self, arn: &ExecuteApiArn<'_>) -> Option<String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Context<'e> {
            #[serde(borrow)]
            domain_name: Option<&'e RawValue>,
            #[serde(borrow)]
            http: Option<&'e RawValue>,
        }
        #[derive(Deserialize)]
        struct Http<'e> {
            #[serde(borrow)]
            method: Option<&'e RawValue>,
            #[serde(borrow)]
            path: Option<&'e RawValue>,
        }
        let context: Context<'_> = lenient(self.event.request_context)?;
        let http: Http<'_> = lenient(context.http)?;
        let (verb, path) = (string(http.method)?, string(http.path)?);
        let is_own_domain = string(context.domain_name)?.starts_with(&format!("{}.execute-api.", arn.api()));
        let path = match arn.stage() {
            stage if is_own_domain && stage != "$default" => path.strip_prefix(&format!("/{stage}"))?,
            _ => &path,
        };
        Some(format!("{verb}{path}"))
    }

    /// The one token of a `TOKEN` event: the value of whatever header the authorizer is set to.
    pub(super) fn authorization_token(&self) -> Option<Cow<'_, str>> {
        string(self.event.authorization_token)
    }

    /// Every value of a header, whose name is matched case-insensitively (RFC 9110 §5.1), in both of the
    /// event's maps.
    pub(super) fn headers(&self, name: &str) -> Vec<Cow<'_, str>> {
        let is_it = |key: &str| key.eq_ignore_ascii_case(name);
        values(&[self.event.headers, self.event.multi_value_headers], is_it)
    }

    /// Every value of a query parameter, whose name is matched byte by byte.
    pub(super) fn query(&self, name: &str) -> Vec<Cow<'_, str>> {
        let maps = [self.event.query_string_parameters, self.event.multi_value_query_string_parameters];
        values(&maps, |key| key == name)
    }

    /// Every cookie string: payload 2.0's list, and `Cookie` headers elsewhere.
    pub(super) fn cookies(&self) -> Vec<Cow<'_, str>> {
        let mut cookies = strings(self.event.cookies);
        cookies.extend(self.headers("cookie"));
        cookies
    }
}

/// The verbs that a route may be logged with: a caller can send any word to an `ANY` route.
const VERBS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
