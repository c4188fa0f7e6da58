//! What API Gateway makes of an authorizer's answer.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html>

use cognito_authorizer::testing::{Verdict, evaluate};
use serde_json::Value;

/// The status that the client sees for its request, which gave `event`.
pub(crate) fn client_status(event: &Value, outcome: &Result<Value, Value>) -> u16 {
    match outcome {
        Ok(answer) if permits(answer, event) => 200,
        Ok(_) => 403,
        Err(error) if error["errorMessage"] == "Unauthorized" => 401,
        Err(_) => 500,
    }
}

fn permits(answer: &Value, event: &Value) -> bool {
    if let Some(is_authorized) = answer["isAuthorized"].as_bool() {
        return is_authorized;
    }
    let arn = event["routeArn"].as_str().or(event["methodArn"].as_str());
    arn.is_some_and(|arn| evaluate(&answer["policyDocument"], arn) == Verdict::Allow)
}
