//! Any text as an event, and the parts of it that a caller chooses in events of every shape. The former is answered if it
//! has a shape and an ARN, the latter always; nothing panics; only a token that is known to be good is allowed; the answer
//! does not depend on the route; and no log line holds a piece of a token or of what the caller chose.
#![no_main]

use std::{collections::HashSet, sync::LazyLock, time::Duration};

use cognito_authorizer::{
    authorizer::{Authorizer, Error, Fault, Outcome, Record},
    gateway::{ExecuteApiArn, Refusal, Response, ResponseFormat, Shape, TokenSource},
    policy::{Policies, Source},
    telemetry::{Invocation, Level, LogFormat, Telemetry, TelemetrySettings},
    testing::{
        JWKS_URL, NOW, Provider, SigningKey, access_claims, event_on, id_claims, jwks, key_source, merged,
        settings,
    },
    time::UnixTime,
    token::Algorithm,
};
use cognito_authorizer_fuzz::{block_on, json::repeats_a_name, mutate};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use serde_json::{Value, json};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(data, size, max_size, seed)
});

fuzz_target!(|text: &str| {
    // Inputs have words for tokens, since signatures differ from process to process.
    let text = TOKENS.iter().fold(text.to_owned(), |text, (word, token)| text.replace(word, token));
    let event: Value = serde_json::from_str(&text).unwrap_or_default();
    for authorizer in &*AUTHORIZERS {
        // Its API's own parts are the input's too, and the log has these.
        let (answer, _) = ask(authorizer, &text);
        if !repeats_a_name(&text, &event) {
            assert_eq!(answer.is_some(), has_shape_and_arn(&event), "{event}");
        }
        // One shape for each input: over a run, all.
        check_callers_parts(authorizer, Shape::ALL[text.len() % Shape::ALL.len()], &event);
    }
});

/// Whatever a caller puts into the parts that are his, there is an answer, and on another route the same one.
fn check_callers_parts(authorizer: &Authorizer<Provider>, shape: Shape, parts: &Value) {
    let verb = parts["httpMethod"].as_str().unwrap_or("GET");
    let verb: String = verb.chars().filter(char::is_ascii_alphanumeric).chain("X".chars()).collect();
    let path = format!("/{}", parts["path"].as_str().unwrap_or("orders/42"));
    let key = if path.len() % 2 == 0 { "GET /orders/{id}" } else { "$default" };
    let event = |verb: &str, path: &str| {
        let mut event = event_on(shape, "Bearer", key, verb, path);
        for name in CALLERS_PARTS.iter().filter(|name| parts.get(name).is_some()) {
            event[name] = parts[name].clone();
        }
        event.to_string()
    };
    let (answer, line) = ask(authorizer, &event(&verb, &path));
    let answer = answer.expect("a caller causes a 500");
    check_log(&line);
    let is_simple =
        shape == Shape::HttpV2 && answer.as_ref().is_ok_and(|answer| answer["isAuthorized"].is_boolean());
    if !is_simple {
        assert_eq!(
            answer,
            ask(authorizer, &event("GET", "/elsewhere")).0.unwrap(),
            "another answer on another route"
        );
    }
}

/// Of a token not so much as eight characters, and nothing else that the caller chose.
fn check_log(line: &str) {
    let printed: HashSet<&[u8]> = line.as_bytes().windows(8).collect();
    let mut parts = TOKENS.iter().flat_map(|(_, token)| token.split('.'));
    let has_piece = parts.any(|part| part.as_bytes().windows(8).any(|piece| printed.contains(piece)));
    assert!(
        !has_piece && !line.contains(CANARY),
        "the log has a piece of a token, or what the caller chose: {line}"
    );
}

/// The answer, or the refusal of the token; `None` for a broken event. And the log line.
fn ask(authorizer: &Authorizer<Provider>, event: &str) -> (Option<Result<Value, Error>>, String) {
    let mut record = Record::default();
    let now = UnixTime::from_secs(NOW);
    let answer = block_on(authorizer.authorize(event, now, &mut record));
    let line = write_line(now, &record);
    if record.outcome == Some(Outcome::Allow) {
        assert!(event.contains(&TOKENS[0].1), "allowed without the one good token: {event}");
    }
    match answer {
        Ok(answer) => (Some(Ok(check_answer(event, &record, &answer))), line),
        Err(error @ Error::Unauthorized(_)) => (Some(Err(error)), line),
        Err(Error::Internal(Fault::Event(_))) => (None, line),
        Err(Error::Internal(fault)) => panic!("an event ends in {fault:?}"),
    }
}

/// An answer fits into its limit, says what the log says, and speaks of the API and stage that asked.
fn check_answer(event: &str, record: &Record, answer: &Response) -> Value {
    let answer = serde_json::to_value(answer).unwrap();
    assert!(answer.to_string().len() < 8_000);
    let statements = answer["policyDocument"]["Statement"].as_array().into_iter().flatten();
    let mut may_allow = answer["isAuthorized"] == true;
    for statement in statements {
        may_allow |= statement["Effect"] == "Allow";
        for resource in statement["Resource"].as_array().unwrap() {
            let resource = resource.as_str().unwrap();
            let (stage_arn, _) = resource.split_at(resource.match_indices('/').nth(1).unwrap().0);
            let stage_arn = stage_arn.strip_suffix('?').unwrap_or(stage_arn);
            assert!(
                event.replace("\\/", "/").contains(stage_arn) || event.contains("\\u"),
                "{resource} for {event}"
            );
        }
    }
    assert!(may_allow || record.outcome != Some(Outcome::Allow), "{answer}");
    answer
}

fn write_line(now: UnixTime, record: &Record) -> String {
    let settings = TelemetrySettings {
        level: Level::Trace,
        format: LogFormat::Json,
        metrics_namespace: Some("test".into()),
    };
    let invocation = Invocation {
        request_id: "1",
        trace_header: None,
        started_at: now,
        duration: Duration::from_micros(1),
    };
    Telemetry::new(settings).line(&invocation, record).unwrap()
}

/// The README's table of shapes, for an event without repeated names. What is `null` is not there.
fn has_shape_and_arn(event: &Value) -> bool {
    let arn = if event["routeArn"].is_null() { &event["methodArn"] } else { &event["routeArn"] };
    let arn = arn.as_str().and_then(|arn| ExecuteApiArn::parse(arn).ok());
    let has_shape = !event["routeArn"].is_null()
        || event["type"] == "TOKEN"
        || event["type"] == "REQUEST"
        || event["version"] == "1.0"
        || event["requestContext"]["eventType"] == "CONNECT"
        || arn.as_ref().is_some_and(ExecuteApiArn::is_connect);
    has_shape && arn.is_some()
}

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("current", Algorithm::EdDSA));

/// Only the first is good.
static TOKENS: LazyLock<[(&str, String); 4]> = LazyLock::new(|| {
    let good = KEY.token(&merged(access_claims(NOW), &json!({ "cognito:groups": ["readers"] })));
    let unsigned = SigningKey::generate("current", Algorithm::EdDSA).token(&access_claims(NOW + 1));
    [
        ("GOOD", good),
        ("FORGED", unsigned),
        ("EXPIRED", KEY.token(&access_claims(NOW - 3_600))),
        ("FOREIGN", KEY.token(&id_claims(NOW))),
    ]
});

/// Without rules and with 401s; and with rules per route, yes or no where that is possible, and 403s.
static AUTHORIZERS: LazyLock<[Authorizer<Provider>; 2]> = LazyLock::new(|| {
    [(Refusal::Unauthorized, None), (Refusal::Deny, Some(policies()))].map(|(refusal, policies)| {
        let mut settings = settings();
        settings.verifier.issuers[0].keys = key_source(JWKS_URL, &[Algorithm::EdDSA]);
        let sources = ["header:Authorization", "query:access_token", "cookie:session"];
        settings.token_sources = sources.map(|source| TokenSource::parse(source).unwrap()).to_vec();
        settings.refusal = refusal;
        settings.answerer.format =
            if policies.is_some() { ResponseFormat::Simple } else { ResponseFormat::Iam };
        settings.rules.policies = policies;
        Authorizer::new(settings, Provider::with(JWKS_URL, &jwks(&[&KEY])), UnixTime::from_secs(NOW))
    })
});

fn policies() -> Policies {
    let schema = include_str!("../../layer/policies/orders.cedarschema");
    let policies = include_str!("../../layer/policies/orders.cedar");
    let schema = Source { file: "orders.cedarschema", text: schema };
    Policies::parse(schema, &[Source { file: "orders.cedar", text: policies }]).unwrap()
}

const CALLERS_PARTS: &[&str] = &[
    "authorizationToken",
    "headers",
    "multiValueHeaders",
    "queryStringParameters",
    "multiValueQueryStringParameters",
    "cookies",
    "identitySource",
    "pathParameters",
    "rawPath",
    "rawQueryString",
    "body",
];

/// What a caller might write anywhere.
const CANARY: &str = "c4n4ry";
