//! What a client gets where its request goes no further, in API Gateway's words for the kind of API.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html>

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, Response, StatusCode, header::CONTENT_TYPE},
};
use serde_json::{Value, json};

use crate::api::{Api, Family};

/// Why a request goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Unauthorized,
    ExplicitDeny,
    ImplicitDeny,
    AuthorizerBroken,
    NoRoute,
    ArnTooLong,
    BodyTooLong,
    PathUnclear,
    BackendDown,
    BackendSlow,
}

impl Refusal {
    pub(crate) fn reply(self, api: Api) -> Response<Bytes> {
        let (status, error_type, body) = match api.family() {
            Family::Rest => self.on_rest(),
            Family::Http | Family::WebSocket => self.on_http(),
        };
        let mut headers = HeaderMap::new();
        if api.family() == Family::Rest {
            headers.insert("x-amzn-errortype", HeaderValue::from_static(error_type));
        }
        json_reply(status, headers, &body)
    }

    /// Why, in a sentence without its end.
    pub(crate) const fn explain(self) -> &'static str {
        match self {
            Self::Unauthorized => "the authorizer refuses the token",
            Self::ExplicitDeny => "the authorizer denies it",
            Self::ImplicitDeny => "the authorizer's answer does not allow it",
            Self::AuthorizerBroken => "the authorizer gives no usable answer",
            Self::PathUnclear => "the path leads elsewhere, or not to one place",
            Self::BackendDown => "the backend cannot be reached, or broke off",
            Self::BackendSlow => "the backend takes too long",
            Self::NoRoute => "no route serves it",
            Self::ArnTooLong => "the path is too long for an authorizer",
            Self::BodyTooLong => "the body is too long",
        }
    }

    fn on_rest(self) -> (StatusCode, &'static str, Value) {
        use StatusCode as Status;
        let (status, error_type, text) = match self {
            Self::Unauthorized => (Status::UNAUTHORIZED, "UnauthorizedException", Some("Unauthorized")),
            Self::ExplicitDeny => (Status::FORBIDDEN, ACCESS_DENIED, Some(EXPLICITLY_DENIED)),
            Self::ImplicitDeny => (Status::FORBIDDEN, ACCESS_DENIED, Some(DENIED)),
            Self::AuthorizerBroken => {
                (Status::INTERNAL_SERVER_ERROR, "AuthorizerConfigurationException", None)
            }
            Self::NoRoute => (
                Status::FORBIDDEN,
                "MissingAuthenticationTokenException",
                Some("Missing Authentication Token"),
            ),
            Self::ArnTooLong => {
                (Status::URI_TOO_LONG, "RequestUriTooLargeException", Some("Request-URI Too Large"))
            }
            Self::BodyTooLong => {
                (Status::PAYLOAD_TOO_LARGE, "RequestEntityTooLargeException", Some(BODY_TOO_LONG))
            }
            Self::PathUnclear => (Status::BAD_REQUEST, "BadRequestException", Some("Bad Request")),
            Self::BackendDown => (Status::INTERNAL_SERVER_ERROR, FAILED, Some("Internal server error")),
            Self::BackendSlow => (Status::GATEWAY_TIMEOUT, FAILED, Some("Endpoint request timed out")),
        };
        // Denials alone spell it so.
        let member = if error_type == ACCESS_DENIED { "Message" } else { "message" };
        (status, error_type, json!({ member: text }))
    }

    fn on_http(self) -> (StatusCode, &'static str, Value) {
        let (status, text) = match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "Unauthorized"),
            Self::ExplicitDeny | Self::ImplicitDeny => (StatusCode::FORBIDDEN, "Forbidden"),
            Self::AuthorizerBroken => (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
            Self::NoRoute => (StatusCode::NOT_FOUND, "Not Found"),
            Self::ArnTooLong => (StatusCode::URI_TOO_LONG, "URI Too Long"),
            Self::BodyTooLong => (StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
            Self::PathUnclear => (StatusCode::BAD_REQUEST, "Bad Request"),
            Self::BackendDown | Self::BackendSlow => (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        };
        (status, "", json!({ "message": text }))
    }
}

const ACCESS_DENIED: &str = "AccessDeniedException";
const DENIED: &str = "User is not authorized to access this resource";
const EXPLICITLY_DENIED: &str = "User is not authorized to access this resource with an explicit deny";
const BODY_TOO_LONG: &str = "HTTP content length exceeded 10485760 bytes.";
const FAILED: &str = "InternalServerErrorException";

/// A response of JSON.
pub(crate) fn json_reply(status: StatusCode, headers: HeaderMap, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(refusal: Refusal, api: Api) -> (u16, Option<String>, Value) {
        let response = refusal.reply(api);
        let error_type = response.headers().get("x-amzn-errortype").map(|it| it.to_str().unwrap().to_owned());
        (response.status().as_u16(), error_type, serde_json::from_slice(response.body()).unwrap())
    }

    #[test]
    fn a_rest_api_names_its_errors_and_spells_message_in_two_ways() {
        for (refusal, status, error_type, body) in [
            (Refusal::Unauthorized, 401, "UnauthorizedException", json!({ "message": "Unauthorized" })),
            (
                Refusal::ExplicitDeny,
                403,
                "AccessDeniedException",
                json!({ "Message": "User is not authorized to access this resource with an explicit deny" }),
            ),
            (
                Refusal::ImplicitDeny,
                403,
                "AccessDeniedException",
                json!({ "Message": "User is not authorized to access this resource" }),
            ),
            (Refusal::AuthorizerBroken, 500, "AuthorizerConfigurationException", json!({ "message": null })),
            (
                Refusal::NoRoute,
                403,
                "MissingAuthenticationTokenException",
                json!({ "message": "Missing Authentication Token" }),
            ),
            (
                Refusal::ArnTooLong,
                414,
                "RequestUriTooLargeException",
                json!({ "message": "Request-URI Too Large" }),
            ),
            (
                Refusal::BackendDown,
                500,
                "InternalServerErrorException",
                json!({ "message": "Internal server error" }),
            ),
            (
                Refusal::BackendSlow,
                504,
                "InternalServerErrorException",
                json!({ "message": "Endpoint request timed out" }),
            ),
        ] {
            for api in [Api::RestToken, Api::RestRequest] {
                assert_eq!(reply(refusal, api), (status, Some(error_type.to_owned()), body.clone()));
            }
        }
    }

    #[test]
    fn an_http_api_says_the_status_in_words() {
        for (refusal, status, text) in [
            (Refusal::Unauthorized, 401, "Unauthorized"),
            (Refusal::ExplicitDeny, 403, "Forbidden"),
            (Refusal::ImplicitDeny, 403, "Forbidden"),
            (Refusal::AuthorizerBroken, 500, "Internal Server Error"),
            (Refusal::NoRoute, 404, "Not Found"),
            (Refusal::ArnTooLong, 414, "URI Too Long"),
            (Refusal::BackendDown, 503, "Service Unavailable"),
            (Refusal::BackendSlow, 503, "Service Unavailable"),
        ] {
            for api in [Api::HttpV1, Api::HttpV2, Api::HttpV2Simple, Api::WebSocket] {
                assert_eq!(reply(refusal, api), (status, None, json!({ "message": text })));
            }
        }
    }
}
