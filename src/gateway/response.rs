//! The answer to each kind of API.

use std::{borrow::Cow, ops::RangeInclusive};

use aws_lambda_events::apigw::{
    ApiGatewayCustomAuthorizerPolicy, ApiGatewayCustomAuthorizerResponse,
    ApiGatewayV2CustomAuthorizerIamPolicyResponse, ApiGatewayV2CustomAuthorizerSimpleResponse,
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    arn::ExecuteApiArn,
    context::{self, ContextClaims},
    event::Shape,
    iam,
};
use crate::{
    policy::Decision,
    token::{Claims, TokenError},
};

/// What answers HTTP APIs with payload 2.0 expect. Their events do not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseFormat {
    /// An IAM policy.
    Iam,
    /// `isAuthorized`: the API has `enableSimpleResponses`.
    Simple,
}

/// What a client with a bad token sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 401, by the error that API Gateway knows.
    Unauthorized,
    /// 403, by a Deny with the reason in its context.
    Deny,
}

/// An answer, in the form that its API takes. Absent fields are left out, never null.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Response {
    /// An IAM policy.
    Policy(ApiGatewayV2CustomAuthorizerIamPolicyResponse<Map<String, Value>>),
    /// An IAM policy with the API key whose usage plan applies.
    PolicyWithUsageKey(ApiGatewayCustomAuthorizerResponse<Map<String, Value>>),
    /// Yes or no.
    Simple(ApiGatewayV2CustomAuthorizerSimpleResponse<Map<String, Value>>),
}

/// Writes answers as the configuration wants them.
#[derive(Clone, Debug)]
pub struct Answerer {
    /// Which claims go into the context.
    pub context: ContextClaims,
    /// The claim that names the principal.
    pub principal_id_claim: String,
    /// The claim that holds an API key.
    pub usage_identifier_key_claim: Option<String>,
    /// The form for HTTP APIs with payload 2.0.
    pub format: ResponseFormat,
}

impl Answerer {
    /// The answer for verified claims, under 8,000 bytes; and the names of the claims that were left out of
    /// its context for that.
    pub fn respond(
        &self,
        shape: Shape,
        arn: &ExecuteApiArn<'_>,
        claims: &Claims,
        decision: Decision,
    ) -> (Response, Vec<String>) {
        let principal_id = self.principal_id(claims);
        match decision {
            Decision::Deny(reason) => (self.deny(shape, arn, &principal_id, reason.code()), Vec::new()),
            Decision::Allow => {
                let mut context = context::build(claims, &self.context, shape);
                let answer = self.allow(shape, arn, &principal_id, claims, context.clone());
                let length = size(&answer);
                if length < MAX_ANSWER_BYTES {
                    return (answer, Vec::new());
                }
                let left_out = context::shrink(&mut context, length, MAX_ANSWER_BYTES);
                (self.allow(shape, arn, &principal_id, claims, context), left_out)
            }
        }
    }

    /// The Deny for a token that was refused: nobody is known to be asking.
    pub fn refuse(&self, shape: Shape, arn: &ExecuteApiArn<'_>, error: TokenError) -> Response {
        self.deny(shape, arn, ANONYMOUS, error.code())
    }

    fn allow(
        &self,
        shape: Shape,
        arn: &ExecuteApiArn<'_>,
        principal_id: &str,
        claims: &Claims,
        context: Map<String, Value>,
    ) -> Response {
        if self.is_simple(shape) {
            return simple(true, context);
        }
        let document = iam::allow_every_route(arn);
        match self.usage_key(shape, claims) {
            None => policy(principal_id, document, context),
            Some(key) => {
                let mut answer = ApiGatewayCustomAuthorizerResponse::<Map<String, Value>>::default();
                answer.principal_id = Some(principal_id.to_owned());
                answer.policy_document = document;
                answer.context = context;
                answer.usage_identifier_key = Some(key.to_owned());
                Response::PolicyWithUsageKey(answer)
            }
        }
    }

    fn deny(&self, shape: Shape, arn: &ExecuteApiArn<'_>, principal_id: &str, reason: &str) -> Response {
        let context = Map::from_iter([("reason".to_owned(), Value::from(reason))]);
        if self.is_simple(shape) {
            simple(false, context)
        } else {
            policy(principal_id, iam::deny_every_route(arn), context)
        }
    }

    fn is_simple(&self, shape: Shape) -> bool {
        shape == Shape::HttpV2 && self.format == ResponseFormat::Simple
    }

    /// Never empty: the configured claim, else `client_id`, else `sub`.
    fn principal_id<'c>(&self, claims: &'c Claims) -> Cow<'c, str> {
        let named = claims.text(&self.principal_id_claim).or_else(|| claims.text("client_id"));
        named.unwrap_or(Cow::Borrowed(claims.subject()))
    }

    /// Only REST APIs have usage plans.
    fn usage_key<'c>(&self, shape: Shape, claims: &'c Claims) -> Option<&'c str> {
        let is_rest = matches!(shape, Shape::RestToken | Shape::RestRequest);
        let key = claims.string(self.usage_identifier_key_claim.as_deref()?)?;
        (is_rest && API_KEY_BYTES.contains(&key.len())).then_some(key)
    }
}

fn policy(
    principal_id: &str,
    document: ApiGatewayCustomAuthorizerPolicy,
    context: Map<String, Value>,
) -> Response {
    let mut answer = ApiGatewayV2CustomAuthorizerIamPolicyResponse::default();
    answer.principal_id = Some(principal_id.to_owned());
    answer.policy_document = document;
    answer.context = context;
    Response::Policy(answer)
}

fn simple(is_authorized: bool, context: Map<String, Value>) -> Response {
    let mut answer = ApiGatewayV2CustomAuthorizerSimpleResponse::default();
    answer.is_authorized = is_authorized;
    answer.context = context;
    Response::Simple(answer)
}

/// The answer's length as it will be sent. One that could not be written at all counts as too long.
fn size(answer: &Response) -> usize {
    serde_json::to_string(answer).map_or(usize::MAX, |text| text.len())
}

/// WebSocket APIs take 8 KB at most; elsewhere no limit is documented, and the same one serves.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html>
const MAX_ANSWER_BYTES: usize = 8_000;

/// API keys have 20 to 128 characters; another value is no key.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-key-file-format.html>
const API_KEY_BYTES: RangeInclusive<usize> = 20..=128;

/// `principalId` where no token was verified: API Gateway wants one.
const ANONYMOUS: &str = "anonymous";
