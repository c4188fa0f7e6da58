//! A decision as an IAM policy document.
//!
//! The document speaks of every route of the API and stage that asked, and of nothing else: API Gateway keeps
//! it by token and applies it to whatever is called next.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html>

use aws_lambda_events::{
    apigw::ApiGatewayCustomAuthorizerPolicy,
    iam::{IamPolicyEffect, IamPolicyStatement},
};
use thiserror::Error;

use super::arn::ExecuteApiArn;
use crate::policy::{Decision, DenyReason, Patterns, RouteTable};

/// The document of a decision that allows anything; else why it does not.
pub(super) fn decide(
    arn: &ExecuteApiArn<'_>,
    decision: &Decision,
) -> Result<ApiGatewayCustomAuthorizerPolicy, DenyReason> {
    match decision {
        Decision::Deny(reason) => Err(*reason),
        Decision::Allow => Ok(document(vec![statement(IamPolicyEffect::Allow, vec![arn.every_route()])])),
        Decision::PerRoute(rulings) if rulings.patterns().allow.is_empty() => Err(DenyReason::NotPermitted),
        Decision::PerRoute(rulings) => Ok(decide_routes(arn, rulings.patterns())),
    }
}

/// Denies every route, explicitly: where a resource policy allows, silence would not deny.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html>
pub(super) fn deny_every_route(arn: &ExecuteApiArn<'_>) -> ApiGatewayCustomAuthorizerPolicy {
    document(vec![statement(IamPolicyEffect::Deny, vec![arn.every_route()])])
}

fn decide_routes(arn: &ExecuteApiArn<'_>, patterns: &Patterns) -> ApiGatewayCustomAuthorizerPolicy {
    let resources = |patterns: &[String]| patterns.iter().map(|pattern| arn.routes(pattern)).collect();
    let mut statements = vec![statement(IamPolicyEffect::Allow, resources(&patterns.allow))];
    if !patterns.deny.is_empty() {
        statements.push(statement(IamPolicyEffect::Deny, resources(&patterns.deny)));
    }
    document(statements)
}

/// More routes than one document holds, whatever is decided about them.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "a document about all routes may take more than the 8000 bytes that api gateway takes: \
     leave out or merge {}, or enough others, with {{proxy+}}", .0.join(", ")
)]
pub struct TooManyRoutes(Vec<String>);

/// Checks that a document about these routes stays within API Gateway's limit.
pub fn check_size(table: &RouteTable) -> Result<(), TooManyRoutes> {
    let too_many: Vec<String> = table.too_many().into_iter().map(str::to_owned).collect();
    if too_many.is_empty() { Ok(()) } else { Err(TooManyRoutes(too_many)) }
}

fn statement(effect: IamPolicyEffect, resources: Vec<String>) -> IamPolicyStatement {
    let mut statement = IamPolicyStatement::default();
    statement.action = vec!["execute-api:Invoke".to_owned()];
    statement.effect = effect;
    statement.resource = resources;
    statement
}

fn document(statements: Vec<IamPolicyStatement>) -> ApiGatewayCustomAuthorizerPolicy {
    let mut document = ApiGatewayCustomAuthorizerPolicy::default();
    document.version = Some("2012-10-17".to_owned());
    document.statement = statements;
    document
}
