//! The kinds of API that the gateway can be, and how they differ.

use std::time::Duration;

use clap::ValueEnum;
use cognito_authorizer::gateway::Shape;

/// A kind of API with one of its authorizers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Api {
    RestToken,
    RestRequest,
    HttpV1,
    HttpV2,
    HttpV2Simple,
    #[value(name = "websocket")]
    WebSocket,
}

/// What an API's clients and backends can tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Rest,
    Http,
    WebSocket,
}

/// The form of answer that an authorizer is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Iam,
    Simple,
}

impl Api {
    pub(crate) const ALL: [Self; 6] =
        [Self::RestToken, Self::RestRequest, Self::HttpV1, Self::HttpV2, Self::HttpV2Simple, Self::WebSocket];

    /// The word for it on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::HttpV2Simple => "http-v2-simple",
            _ => self.shape().name(),
        }
    }

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::RestToken => "REST API, TOKEN authorizer",
            Self::RestRequest => "REST API, REQUEST authorizer",
            Self::HttpV1 => "HTTP API, payload format 1.0",
            Self::HttpV2 => "HTTP API, payload format 2.0",
            Self::HttpV2Simple => "HTTP API, payload format 2.0, simple responses",
            Self::WebSocket => "WebSocket API, $connect",
        }
    }

    pub(crate) const fn shape(self) -> Shape {
        match self {
            Self::RestToken => Shape::RestToken,
            Self::RestRequest => Shape::RestRequest,
            Self::HttpV1 => Shape::HttpV1,
            Self::HttpV2 | Self::HttpV2Simple => Shape::HttpV2,
            Self::WebSocket => Shape::WebSocket,
        }
    }

    pub(crate) const fn family(self) -> Family {
        match self {
            Self::RestToken | Self::RestRequest => Family::Rest,
            Self::HttpV1 | Self::HttpV2 | Self::HttpV2Simple => Family::Http,
            Self::WebSocket => Family::WebSocket,
        }
    }

    pub(crate) const fn form(self) -> Form {
        match self {
            Self::HttpV2Simple => Form::Simple,
            _ => Form::Iam,
        }
    }

    /// As docs/attach.md sets them up: a simple response is about one route, so the route is part of its key.
    pub(crate) const fn usual_identity_sources(self) -> &'static str {
        match self {
            Self::RestToken | Self::RestRequest => "method.request.header.Authorization",
            Self::HttpV1 | Self::HttpV2 => "$request.header.Authorization",
            Self::HttpV2Simple => "$request.header.Authorization,$context.routeKey",
            Self::WebSocket => "route.request.header.Authorization",
        }
    }

    /// How long API Gateway waits for an integration, at most and by default.
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>
    pub(crate) const fn integration_timeout(self) -> Duration {
        match self.family() {
            Family::Rest | Family::WebSocket => Duration::from_secs(29),
            Family::Http => Duration::from_secs(30),
        }
    }

    /// Whether API Gateway keeps answers for this kind at all: it does so for REST and HTTP APIs.
    /// <https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-authorizers-authorizerid.html>
    pub(crate) const fn keeps_answers(self) -> bool {
        !matches!(self, Self::WebSocket)
    }
}

/// A REST API's default, and what docs/attach.md gives HTTP APIs.
/// <https://docs.aws.amazon.com/apigateway/latest/api/API_Authorizer.html>
pub(crate) const USUAL_TTL_SECONDS: u32 = 300;
