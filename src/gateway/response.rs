//! The answer to each kind of API.

use std::{borrow::Cow, ops::RangeInclusive};

use aws_lambda_events::apigw::{
    ApiGatewayCustomAuthorizerPolicy, ApiGatewayCustomAuthorizerResponse,
    ApiGatewayV2CustomAuthorizerIamPolicyResponse, ApiGatewayV2CustomAuthorizerSimpleResponse,
};
use serde::Serialize;
use serde_json::{
    Map, Value,
    value::{RawValue, to_raw_value},
};

use super::{
    arn::ExecuteApiArn,
    asked,
    context::{self, ContextClaims},
    event::{Request, Shape},
    iam,
    kept::KeptAnswer,
};
use crate::{
    policy::{Decision, DenyReason},
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

/// An answer as it will be sent, in the form that its API takes. Absent fields are left out, never null.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Response(Box<RawValue>);

/// An answer that is not written yet: its length decides what stays in it.
#[derive(Serialize)]
#[serde(untagged)]
enum Body {
    /// An IAM policy.
    Policy(ApiGatewayV2CustomAuthorizerIamPolicyResponse<Map<String, Value>>),
    /// An IAM policy with the API key whose usage plan applies.
    PolicyWithUsageKey(ApiGatewayCustomAuthorizerResponse<Map<String, Value>>),
    /// Yes or no.
    Simple(ApiGatewayV2CustomAuthorizerSimpleResponse<Map<String, Value>>),
}

impl Body {
    fn context(&mut self) -> &mut Map<String, Value> {
        match self {
            Self::Policy(answer) => &mut answer.context,
            Self::PolicyWithUsageKey(answer) => &mut answer.context,
            Self::Simple(answer) => &mut answer.context,
        }
    }

    /// Maps of strings and values can be written. Were one not, `null` opens nothing.
    fn write(&self) -> Response {
        Response(to_raw_value(self).unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }
}

/// Written alike.
impl PartialEq for Response {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Response {
    /// In bytes.
    fn len(&self) -> usize {
        self.0.get().len()
    }
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

/// An answer, and what is to be said of it in the log.
#[derive(Debug)]
pub struct Answer {
    /// What API Gateway gets.
    pub response: Response,
    /// Why the route that was asked for is denied, if it is.
    pub denied: Option<DenyReason>,
    /// Its position, where rules are per route and it has one.
    pub route: Option<usize>,
    /// Names of claims that did not fit.
    pub left_out_claims: Vec<String>,
}

/// An answer but for its context. Without a document it says yes or no.
struct Draft<'c> {
    principal_id: Cow<'c, str>,
    usage_key: Option<&'c str>,
    document: Option<ApiGatewayCustomAuthorizerPolicy>,
    /// What a 403 by the document means.
    reason: Option<DenyReason>,
}

impl Answerer {
    /// The answer for verified claims, under 8,000 bytes. A document does not depend on the route that was
    /// asked for: it is the same for every request to one API and stage, and may be `kept` for the next one with
    /// the same claims and decision.
    pub fn respond(
        &self,
        request: &Request<'_>,
        arn: &ExecuteApiArn<'_>,
        claims: &Claims,
        decision: &Decision,
        kept: Option<&KeptAnswer>,
    ) -> Answer {
        let shape = request.shape();
        let is_simple = self.is_simple(shape);
        let route = match decision {
            Decision::PerRoute(rulings) if is_simple => asked::by_key(request, arn, rulings),
            Decision::PerRoute(rulings) => asked::by_path(arn, rulings.table()),
            Decision::Allow | Decision::Deny(_) => None,
        };
        let verdict = decision.on(route);
        // Without a document the answer is about the one route.
        let written = if is_simple { verdict } else { Ok(()) };
        let written = written.and_then(|()| {
            let write = || self.write(shape, arn, claims, decision);
            kept.map_or_else(write, |kept| kept.find_or(shape, arn, write))
        });
        match written {
            Ok((response, left_out_claims)) => {
                Answer { response, denied: verdict.err(), route, left_out_claims }
            }
            Err(reason) => {
                // What made an answer too large may be the principal itself.
                let principal_id = match reason {
                    DenyReason::AnswerTooLarge => Cow::Borrowed(ANONYMOUS),
                    _ => self.principal_id(claims),
                };
                let response = self.deny(shape, arn, &principal_id, reason.code());
                Answer { response, denied: Some(reason), route, left_out_claims: Vec::new() }
            }
        }
    }

    /// What does not depend on the route, and the names of claims that did not fit.
    fn write(
        &self,
        shape: Shape,
        arn: &ExecuteApiArn<'_>,
        claims: &Claims,
        decision: &Decision,
    ) -> Result<(Response, Vec<String>), DenyReason> {
        let draft = Draft {
            principal_id: self.principal_id(claims),
            usage_key: self.usage_key(shape, claims),
            document: if self.is_simple(shape) { None } else { Some(iam::decide(arn, decision)?) },
            reason: decision.denial(),
        };
        draft.finish(context::build(claims, &self.context, shape))
    }

    /// The Deny for a token that was refused: nobody is known to be asking.
    pub fn refuse(&self, shape: Shape, arn: &ExecuteApiArn<'_>, error: TokenError) -> Response {
        self.deny(shape, arn, ANONYMOUS, error.code())
    }

    fn deny(&self, shape: Shape, arn: &ExecuteApiArn<'_>, principal_id: &str, reason: &str) -> Response {
        let context = Map::from_iter([("reason".to_owned(), Value::from(reason))]);
        let body = if self.is_simple(shape) {
            simple(false, context)
        } else {
            policy(principal_id, iam::deny_every_route(arn), context)
        };
        body.write()
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

impl Draft<'_> {
    /// The answer with as much of the context as fits, and the names of what does not.
    fn finish(self, context: Map<String, Value>) -> Result<(Response, Vec<String>), DenyReason> {
        let reason = self.reason.filter(|_| self.document.is_some());
        let mut body = self.fill(context);
        let answer = with_reason(&mut body, reason);
        let length = answer.len();
        if length < MAX_ANSWER_BYTES {
            return Ok((answer, Vec::new()));
        }
        if reason.is_some() {
            body.context().remove("reason");
        }
        let left_out = context::shrink(body.context(), length, MAX_ANSWER_BYTES);
        let answer = with_reason(&mut body, reason);
        if answer.len() < MAX_ANSWER_BYTES { Ok((answer, left_out)) } else { Err(DenyReason::AnswerTooLarge) }
    }

    fn fill(self, context: Map<String, Value>) -> Body {
        let Some(document) = self.document else { return simple(true, context) };
        match self.usage_key {
            None => policy(&self.principal_id, document, context),
            Some(key) => {
                let mut answer = ApiGatewayCustomAuthorizerResponse::<Map<String, Value>>::default();
                answer.principal_id = Some(self.principal_id.into_owned());
                answer.policy_document = document;
                answer.context = context;
                answer.usage_identifier_key = Some(key.to_owned());
                Body::PolicyWithUsageKey(answer)
            }
        }
    }
}

/// Writes an answer. What a 403 by its document means stands beside the claims, and is not left out.
fn with_reason(body: &mut Body, reason: Option<DenyReason>) -> Response {
    if let Some(reason) = reason {
        body.context().insert("reason".to_owned(), Value::from(reason.code()));
    }
    body.write()
}

fn policy(
    principal_id: &str,
    document: ApiGatewayCustomAuthorizerPolicy,
    context: Map<String, Value>,
) -> Body {
    let mut answer = ApiGatewayV2CustomAuthorizerIamPolicyResponse::default();
    answer.principal_id = Some(principal_id.to_owned());
    answer.policy_document = document;
    answer.context = context;
    Body::Policy(answer)
}

fn simple(is_authorized: bool, context: Map<String, Value>) -> Body {
    let mut answer = ApiGatewayV2CustomAuthorizerSimpleResponse::default();
    answer.is_authorized = is_authorized;
    answer.context = context;
    Body::Simple(answer)
}

/// WebSocket APIs take 8 KB at most; elsewhere no limit is documented, and the same one serves.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html>
const MAX_ANSWER_BYTES: usize = 8_000;

/// API keys have 20 to 128 characters; another value is no key.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-key-file-format.html>
const API_KEY_BYTES: RangeInclusive<usize> = 20..=128;

/// `principalId` where no token was verified: API Gateway wants one.
const ANONYMOUS: &str = "anonymous";
