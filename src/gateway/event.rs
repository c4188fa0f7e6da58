//! The five shapes of authorizer event, read leniently into one struct.
//!
//! Every field is kept raw until the decision needs it: an odd header, a null map or a field of another type
//! never fails an event. Typed payloads would, and their errors quote the value that did not fit, which may be
//! the caller's token. Errors here name fields and hold no text of the event.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>

use std::fmt;

use serde::{
    Deserialize,
    de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use thiserror::Error;

use super::arn::InvalidArn;

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

/// An event as Lambda's runtime loop hands it over, or nothing where it is not an object with each field once.
/// Reading it never fails, so that every event gets an answer and a log line from us.
#[derive(Debug)]
pub struct Event(Option<Fields>);

/// The fields that are looked at, raw.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) kind: Option<Box<RawValue>>,
    pub(super) version: Option<Box<RawValue>>,
    pub(super) method_arn: Option<Box<RawValue>>,
    pub(super) route_arn: Option<Box<RawValue>>,
    pub(super) authorization_token: Option<Box<RawValue>>,
    pub(super) headers: Option<Box<RawValue>>,
    pub(super) multi_value_headers: Option<Box<RawValue>>,
    pub(super) query_string_parameters: Option<Box<RawValue>>,
    pub(super) multi_value_query_string_parameters: Option<Box<RawValue>>,
    pub(super) cookies: Option<Box<RawValue>>,
    pub(super) http_method: Option<Box<RawValue>>,
    pub(super) resource: Option<Box<RawValue>>,
    pub(super) route_key: Option<Box<RawValue>>,
    pub(super) request_context: Option<Box<RawValue>>,
}

/// A field's name.
#[derive(Clone, Copy, Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Name {
    Type,
    Version,
    MethodArn,
    RouteArn,
    AuthorizationToken,
    Headers,
    MultiValueHeaders,
    QueryStringParameters,
    MultiValueQueryStringParameters,
    Cookies,
    HttpMethod,
    Resource,
    RouteKey,
    RequestContext,
    #[serde(other)]
    Other,
}

/// In one pass: the runtime loop asks for payloads that borrow nothing, and the text taken whole would have to be
/// gone through once more. This stands outside of what catches panics and measures time: it neither indexes nor unwraps.
impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        Ok(Self(reader.deserialize_map(ReadFields).ok()))
    }
}

struct ReadFields;

impl<'de> Visitor<'de> for ReadFields {
    type Value = Fields;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        while let Some(name) = members.next_key()? {
            let Some(field) = fields.named(name) else {
                members.next_value::<IgnoredAny>()?;
                continue;
            };
            if field.replace(members.next_value()?).is_some() {
                return Err(A::Error::custom("a field stands twice"));
            }
        }
        Ok(fields.without_nulls())
    }
}

impl Fields {
    fn named(&mut self, name: Name) -> Option<&mut Option<Box<RawValue>>> {
        Some(match name {
            Name::Type => &mut self.kind,
            Name::Version => &mut self.version,
            Name::MethodArn => &mut self.method_arn,
            Name::RouteArn => &mut self.route_arn,
            Name::AuthorizationToken => &mut self.authorization_token,
            Name::Headers => &mut self.headers,
            Name::MultiValueHeaders => &mut self.multi_value_headers,
            Name::QueryStringParameters => &mut self.query_string_parameters,
            Name::MultiValueQueryStringParameters => &mut self.multi_value_query_string_parameters,
            Name::Cookies => &mut self.cookies,
            Name::HttpMethod => &mut self.http_method,
            Name::Resource => &mut self.resource,
            Name::RouteKey => &mut self.route_key,
            Name::RequestContext => &mut self.request_context,
            Name::Other => return None,
        })
    }

    /// A null ARN is no ARN; elsewhere a null is of the wrong type, which is as good as absent.
    fn without_nulls(mut self) -> Self {
        for arn in [&mut self.method_arn, &mut self.route_arn] {
            arn.take_if(|arn| arn.get() == "null");
        }
        self
    }
}

impl Event {
    /// Reads an event's text, all of it.
    pub fn parse(text: &str) -> Self {
        let mut reader = serde_json::Deserializer::from_str(text);
        let fields = reader.deserialize_map(ReadFields);
        Self(fields.and_then(|fields| reader.end().map(|()| fields)).ok())
    }

    pub(super) fn fields(&self) -> Option<&Fields> {
        self.0.as_ref()
    }
}
