//! What API Gateway makes of an authorizer's answer.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html>
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html>

use cognito_authorizer::{
    gateway::Shape,
    testing::{Verdict, evaluate},
};
use serde_json::Value;

/// A response, or an error with `errorType` and `errorMessage`.
type Outcome = Result<Value, Value>;

/// Why an answer decides nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The one error that is the caller's: 401.
    Unauthorized,
    /// Anything else that is no answer, and why it is none: 500.
    Broken(String),
}

/// The answer in an outcome, if it is one that this kind of API takes.
pub(crate) fn read_answer(shape: Shape, is_simple: bool, outcome: &Outcome) -> Result<&Value, Failure> {
    let broken = |reason: &str| Err(Failure::Broken(reason.to_owned()));
    match outcome {
        Err(error) if error["errorMessage"] == "Unauthorized" => Err(Failure::Unauthorized),
        Err(error) => Err(Failure::Broken(format!("the authorizer failed: {}", error["errorMessage"]))),
        Ok(answer) if answer.to_string().len() > most_bytes(shape) => broken("the answer is too long"),
        Ok(answer) if !is_context(shape, &answer["context"]) => {
            broken("the context is not an object of strings, numbers and booleans")
        }
        Ok(answer) if is_simple && !answer["isAuthorized"].is_boolean() => {
            broken("the simple response has no boolean isAuthorized")
        }
        Ok(answer) if !is_simple && !is_principal(&answer["principalId"]) => {
            broken("the answer has no principalId")
        }
        Ok(answer) if !is_simple && !is_document(&answer["policyDocument"]) => {
            broken("the policyDocument is not a version with statements of effect, action and resource alone")
        }
        Ok(answer) => Ok(answer),
    }
}

/// What a usable answer says about an ARN. Each form of answer has its own field, and the other's decides nothing.
pub(crate) fn judge(is_simple: bool, answer: &Value, arn: &str) -> Verdict {
    match (is_simple, &answer["isAuthorized"]) {
        (true, Value::Bool(true)) => Verdict::Allow,
        (true, _) => Verdict::ExplicitDeny,
        (false, _) => evaluate(&answer["policyDocument"], arn),
    }
}

/// The status that the client sees for its request, which gave `event`, wherever the form of answer is the one
/// that the authorizer is set to.
pub(crate) fn client_status(event: &Value, outcome: &Outcome) -> u16 {
    let shape = if event["routeArn"].is_null() { Shape::RestRequest } else { Shape::HttpV2 };
    let is_simple = outcome.as_ref().is_ok_and(|answer| answer.get("isAuthorized").is_some());
    let arn = event["routeArn"].as_str().or(event["methodArn"].as_str()).unwrap_or_default();
    match read_answer(shape, is_simple, outcome).map(|answer| judge(is_simple, answer, arn)) {
        Ok(Verdict::Allow) => 200,
        Ok(_) => 403,
        Err(Failure::Unauthorized) => 401,
        Err(Failure::Broken(_)) => 500,
    }
}

/// Only payload 2.0 takes lists and objects.
fn is_context(shape: Shape, context: &Value) -> bool {
    let is_scalar = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
    match context {
        Value::Null => true,
        Value::Object(members) => shape == Shape::HttpV2 || members.values().all(is_scalar),
        _ => false,
    }
}

fn is_principal(principal: &Value) -> bool {
    principal.as_str().is_some_and(|text| !text.is_empty())
}

fn is_document(document: &Value) -> bool {
    let is_text =
        |value: &Value| value.is_string() || value.as_array().is_some_and(|list| is_list_of_text(list));
    // A condition, a NotResource and their like are not modelled: what is left of a statement without them may allow more.
    let is_known = |name: &String| ["Sid", "Effect", "Action", "Resource"].contains(&name.as_str());
    let is_statement = |statement: &Value| {
        let is_known = statement.as_object().is_some_and(|members| members.keys().all(is_known));
        let is_effect = statement["Effect"] == "Allow" || statement["Effect"] == "Deny";
        is_known && is_effect && is_text(&statement["Action"]) && is_text(&statement["Resource"])
    };
    let statements = document["Statement"].as_array();
    document["Version"] == "2012-10-17" && statements.is_some_and(|list| list.iter().all(is_statement))
}

fn is_list_of_text(list: &[Value]) -> bool {
    list.iter().all(Value::is_string)
}

/// A WebSocket API's quota; elsewhere Lambda's own for an answer.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html>
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const fn most_bytes(shape: Shape) -> usize {
    match shape {
        Shape::WebSocket => 8 * 1024,
        _ => 6 * 1024 * 1024,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ARN: &str = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/GET/orders";

    fn answer(context: &Value) -> Value {
        let statement = json!({ "Effect": "Allow", "Action": "execute-api:Invoke", "Resource": ARN });
        let document = json!({ "Version": "2012-10-17", "Statement": [statement] });
        json!({ "principalId": "p", "policyDocument": document, "context": context })
    }

    fn with(pointer: &str, value: Value) -> Value {
        let mut answer = answer(&json!({}));
        *answer.pointer_mut(pointer).unwrap() = value;
        answer
    }

    fn is_broken(shape: Shape, is_simple: bool, answer: &Value) -> bool {
        matches!(read_answer(shape, is_simple, &Ok(answer.clone())), Err(Failure::Broken(_)))
    }

    #[test]
    fn only_the_exact_word_is_the_caller_s_fault() {
        for (message, expected) in
            [("Unauthorized", 401), ("unauthorized", 500), ("Unauthorized: x", 500), ("", 500)]
        {
            let outcome = Err(json!({ "errorType": "Unauthorized", "errorMessage": message }));
            assert_eq!(client_status(&json!({ "methodArn": ARN }), &outcome), expected, "{message:?}");
        }
    }

    #[test]
    fn an_action_or_a_resource_may_be_a_text_or_a_list() {
        for value in [json!(ARN), json!([ARN])] {
            let answer = with("/policyDocument/Statement/0/Resource", value);
            assert!(!is_broken(Shape::RestRequest, false, &answer));
            assert_eq!(judge(false, &answer, ARN), Verdict::Allow);
        }
    }

    #[test]
    fn an_answer_that_is_malformed_or_says_more_than_is_modelled_is_broken() {
        let condition = json!({ "IpAddress": { "aws:SourceIp": "192.0.2.0/24" } });
        let conditional = json!([{
            "Effect": "Allow", "Action": "execute-api:Invoke", "Resource": ARN, "Condition": condition
        }]);
        for answer in [
            json!(null),
            json!("text"),
            json!([]),
            json!({ "isAuthorized": true }),
            with("/principalId", json!("")),
            with("/principalId", json!(7)),
            with("/policyDocument", json!("Allow")),
            with("/policyDocument/Version", json!("2008-10-17")),
            with("/policyDocument/Statement", json!({})),
            with("/policyDocument/Statement/0/Effect", json!("allow")),
            with("/policyDocument/Statement/0/Action", json!(null)),
            with("/policyDocument/Statement/0/Resource", json!([1])),
            with("/policyDocument/Statement", conditional),
            with("/context", json!([])),
        ] {
            assert!(is_broken(Shape::HttpV2, false, &answer), "{answer}");
        }
        for answer in [answer(&json!({})), json!({ "isAuthorized": "true" }), json!({})] {
            assert!(is_broken(Shape::HttpV2, true, &answer), "{answer}");
        }
    }

    #[test]
    fn a_nested_context_is_for_payload_two_alone() {
        for context in [json!({ "list": ["a"] }), json!({ "object": {} }), json!({ "nothing": null })] {
            for shape in Shape::ALL {
                assert_eq!(
                    is_broken(shape, false, &answer(&context)),
                    shape != Shape::HttpV2,
                    "{shape:?} {context}"
                );
            }
        }
    }

    #[test]
    fn an_answer_over_eight_kilobytes_is_too_long_for_a_websocket_alone() {
        let long = answer(&json!({ "text": "x".repeat(8 * 1024) }));
        for shape in Shape::ALL {
            assert_eq!(is_broken(shape, false, &long), shape == Shape::WebSocket, "{shape:?}");
        }
    }

    #[test]
    fn a_deny_in_a_document_is_not_undone_by_the_word_of_the_other_form() {
        let mut denying = with("/policyDocument/Statement/0/Effect", json!("Deny"));
        denying["isAuthorized"] = json!(true);
        assert_eq!(judge(false, &denying, ARN), Verdict::ExplicitDeny);
        let mut allowing = answer(&json!({}));
        allowing["isAuthorized"] = json!(false);
        assert_eq!(
            (judge(false, &allowing, ARN), judge(true, &allowing, ARN)),
            (Verdict::Allow, Verdict::ExplicitDeny)
        );
    }

    #[test]
    fn a_simple_response_decides_by_its_one_word() {
        let judge = |is_authorized: bool| judge(true, &json!({ "isAuthorized": is_authorized }), ARN);
        assert_eq!((judge(true), judge(false)), (Verdict::Allow, Verdict::ExplicitDeny));
    }
}
