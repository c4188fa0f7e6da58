//! A decision as an IAM policy document.
//!
//! The document names every route of the API and stage that asked, and nothing else: API Gateway keeps it by
//! token and applies it to whatever is called next.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html>

use aws_lambda_events::{
    apigw::ApiGatewayCustomAuthorizerPolicy,
    iam::{IamPolicyEffect, IamPolicyStatement},
};

use super::arn::ExecuteApiArn;

/// Allows every route of the API and stage.
pub(super) fn allow_every_route(arn: &ExecuteApiArn<'_>) -> ApiGatewayCustomAuthorizerPolicy {
    document(IamPolicyEffect::Allow, arn)
}

/// Denies every route, explicitly: where a resource policy allows, silence would not deny.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html>
pub(super) fn deny_every_route(arn: &ExecuteApiArn<'_>) -> ApiGatewayCustomAuthorizerPolicy {
    document(IamPolicyEffect::Deny, arn)
}

fn document(effect: IamPolicyEffect, arn: &ExecuteApiArn<'_>) -> ApiGatewayCustomAuthorizerPolicy {
    let mut statement = IamPolicyStatement::default();
    statement.action = vec!["execute-api:Invoke".to_owned()];
    statement.effect = effect;
    statement.resource = vec![arn.every_route()];
    let mut document = ApiGatewayCustomAuthorizerPolicy::default();
    document.version = Some("2012-10-17".to_owned());
    document.statement = vec![statement];
    document
}
