//! The authorizer's context on its way to the backend.

use serde_json::{Map, Value, json};

use crate::api::{Api, Family};

/// What an integration's mappings find under `$context.authorizer`, or `context.authorizer`.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html>
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>
pub(crate) fn mapped(api: Api, answer: &Value) -> Value {
    let context = answer["context"].as_object().cloned().unwrap_or_default();
    if api.family() == Family::Http {
        return context.into();
    }
    // REST and WebSocket APIs make text of all of it.
    let as_text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let mut authorizer: Map<String, Value> =
        context.into_iter().map(|(name, value)| (name, as_text(value).into())).collect();
    authorizer.insert("principalId".to_owned(), answer["principalId"].clone());
    authorizer.into()
}

/// What stands under `requestContext.authorizer` of an integration's event.
pub(crate) fn hand_on(api: Api, answer: &Value) -> Value {
    let mapped = mapped(api, answer);
    if api.family() == Family::Http { json!({ "lambda": mapped }) } else { mapped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rest_and_websocket_apis_make_text_of_values_and_http_apis_leave_them() {
        let answer = json!({ "principalId": "p", "context": { "text": "a b", "number": 1.5, "yes": true } });
        let text = json!({ "principalId": "p", "text": "a b", "number": "1.5", "yes": "true" });
        for api in Api::ALL {
            let expected = match api.family() {
                Family::Http => (json!({ "lambda": answer["context"] }), answer["context"].clone()),
                Family::Rest | Family::WebSocket => (text.clone(), text.clone()),
            };
            assert_eq!((hand_on(api, &answer), mapped(api, &answer)), expected, "{api:?}");
        }
    }

    #[test]
    fn an_answer_without_context_hands_on_none() {
        assert_eq!(hand_on(Api::HttpV2, &json!({ "isAuthorized": true })), json!({ "lambda": {} }));
        assert_eq!(hand_on(Api::RestToken, &json!({ "principalId": "p" })), json!({ "principalId": "p" }));
    }
}
