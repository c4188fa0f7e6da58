//! What the decision needs to know of an event.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    arn::ExecuteApiArn,
    event::{Event, EventError, Fields, Shape},
    lenient::{arn_text, lenient, string, strings, values},
};

/// An event that is one of the five shapes.
#[derive(Debug)]
pub struct Request<'e> {
    pub(super) fields: &'e Fields,
    pub(super) shape: Shape,
    pub(super) arn_field: &'static str,
    pub(super) arn: Cow<'e, str>,
}

impl Event {
    /// Tells the shape and finds the ARN.
    pub fn request(&self) -> Result<Request<'_>, EventError> {
        self.fields().ok_or(EventError::NotObject)?.request()
    }
}

impl Fields {
    /// Tells the shape and finds the ARN. In this order, since payload 1.0 also carries `type` and
    /// `authorizationToken`, and a WebSocket event may carry a stray `version`.
    fn request(&self) -> Result<Request<'_>, EventError> {
        let arn_field = if self.route_arn.is_some() { "routeArn" } else { "methodArn" };
        let arn = arn_text(self.route_arn.as_deref().or(self.method_arn.as_deref()));
        let kind = string(self.kind.as_deref());
        let shape = match kind.as_deref() {
            _ if self.route_arn.is_some() => Shape::HttpV2,
            Some("TOKEN") => Shape::RestToken,
            _ if self.is_connect(arn.as_deref()) => Shape::WebSocket,
            _ if string(self.version.as_deref()).as_deref() == Some("1.0") => Shape::HttpV1,
            Some("REQUEST") => Shape::RestRequest,
            _ => return Err(EventError::UnknownShape),
        };
        let arn = arn.ok_or(EventError::NoArn(arn_field))?;
        Ok(Request { fields: self, shape, arn_field, arn })
    }

    fn is_connect(&self, arn: Option<&str>) -> bool {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Context<'e> {
            #[serde(borrow)]
            event_type: Option<&'e RawValue>,
        }
        // serde would also read the struct from a list.
        let context = self.request_context.as_deref().filter(|context| context.get().starts_with('{'));
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
            Shape::HttpV2 => string(self.fields.route_key.as_deref()).map(Cow::into_owned),
            Shape::WebSocket => Some("$connect".to_owned()),
            Shape::RestRequest | Shape::HttpV1 => {
                let resource = string(self.fields.resource.as_deref())?;
                let verb =
                    string(self.fields.http_method.as_deref()).filter(|verb| VERBS.contains(&verb.as_ref()));
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
        let context: Context<'_> = lenient(self.fields.request_context.as_deref())?;
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
        string(self.fields.authorization_token.as_deref())
    }

    /// Every value of a header, whose name is matched case-insensitively (RFC 9110 §5.1), in both of the
    /// event's maps.
    pub(super) fn headers(&self, name: &str) -> Vec<Cow<'_, str>> {
        let is_it = |key: &str| key.eq_ignore_ascii_case(name);
        values(&[self.fields.headers.as_deref(), self.fields.multi_value_headers.as_deref()], is_it)
    }

    /// Every value of a query parameter, whose name is matched byte by byte.
    pub(super) fn query(&self, name: &str) -> Vec<Cow<'_, str>> {
        let maps = [
            self.fields.query_string_parameters.as_deref(),
            self.fields.multi_value_query_string_parameters.as_deref(),
        ];
        values(&maps, |key| key == name)
    }

    /// Every cookie string: payload 2.0's list, and `Cookie` headers elsewhere.
    pub(super) fn cookies(&self) -> Vec<Cow<'_, str>> {
        let mut cookies = strings(self.fields.cookies.as_deref());
        cookies.extend(self.headers("cookie"));
        cookies
    }
}

/// The verbs that a route may be logged with: a caller can send any word to an `ANY` route.
const VERBS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
