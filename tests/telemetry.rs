//! What a line of the log holds, and what it never holds.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a test that cannot go on stops"
)]

#[path = "telemetry/emf.rs"]
mod emf;

use std::{
    collections::BTreeMap,
    env::{current_exe, var_os},
    process::Command,
    sync::{Arc, LazyLock},
    time::Duration,
};

use cognito_authorizer::{
    authorizer::{Authorizer, AuthorizerSettings, Error, Record},
    gateway::{Refusal, Shape, TokenSource},
    telemetry::{Invocation, Level, LogFormat, Telemetry, TelemetrySettings},
    testing::{
        ISSUER, JWKS_URL, NOW, Provider, Reply, SigningKey, access_claims, event, id_claims, jwks,
        key_source, settings,
    },
    time::UnixTime,
    token::{Algorithm, AllowedClients, AllowedUse, FetchError, IssuerSettings, TokenRules},
};
#[cfg(feature = "cedar")]
use cognito_authorizer::{
    policy::{Policies, Source},
    testing::{event_on, merged},
};
use serde_json::{Value, json};

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("current", Algorithm::RS256));

/// Where keys of the pool's other issuer form would be.
const NEWER_URL: &str =
    "https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123/.well-known/jwks.json";

const TRACE_ID: &str = "1-5759e988-bd862e3fe1be46a994272793";

fn telemetry(level: Level) -> Telemetry {
    Telemetry::new(TelemetrySettings {
        level,
        format: LogFormat::Json,
        metrics_namespace: Some("Orders".into()),
    })
}

fn invocation() -> Invocation<'static> {
    Invocation {
        request_id: "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        trace_header: Some("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=canary-parent;Sampled=1"),
        started_at: UnixTime::from_secs(NOW),
        duration: Duration::from_micros(1_234),
    }
}

fn line_at(level: Level, record: &Record) -> Option<String> {
    telemetry(level).line(&invocation(), record)
}

struct Case {
    provider: Provider,
    settings: AuthorizerSettings,
    event: String,
}

fn case(event: &Value) -> Case {
    Case {
        provider: Provider::with(JWKS_URL, &jwks(&[&KEY])),
        settings: settings(),
        event: event.to_string(),
    }
}

async fn run(case: Case) -> (String, Record) {
    let now = UnixTime::from_secs(NOW);
    let mut record = Record::default();
    let authorizer = Authorizer::new(case.settings, case.provider, now);
    let answer = authorizer.authorize(&case.event, now, &mut record).await;
    let error = match answer {
        Ok(_) => String::new(),
        Err(error @ (Error::Unauthorized(_) | Error::Internal(_))) => format!("{error} {error:?}"),
    };
    (error, record)
}

async fn line_of(case: Case) -> Value {
    let (_, record) = run(case).await;
    serde_json::from_str(&line_at(Level::Trace, &record).unwrap()).unwrap()
}

fn good_event(shape: Shape) -> Value {
    event(shape, &format!("Bearer {}", KEY.token(&access_claims(NOW))))
}

#[tokio::test]
async fn an_allowed_request_is_one_line_with_everything_an_operator_asks_for() {
    assert_eq!(
        line_of(case(&good_event(Shape::RestRequest))).await,
        json!({
            "timestamp": "2027-01-15T08:00:00.000Z",
            "level": "INFO",
            "message": "authorizer",
            "outcome": "allow",
            "api_kind": "rest-request",
            "api": "a1b2c3d4e5",
            "stage": "prod",
            "route": "GET /orders/{id}",
            "issuer": ISSUER,
            "kid": "current",
            "token_use": "access",
            "principal_id": access_claims(NOW)["sub"],
            "token_from_memory": false,
            "keys_from_memory": false,
            "key_fetch": { "outcome": "ok", "keys_usable": 1, "keys_skipped": 0 },
            "request_id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            "trace_id": TRACE_ID,
            "duration_us": 1_234,
            "_aws": {
                "Timestamp": NOW * 1_000,
                "CloudWatchMetrics": [
                    {
                        "Namespace": "Orders",
                        "Dimensions": [[], ["api_kind"]],
                        "Metrics": [
                            { "Name": "Allowed", "Unit": "Count" },
                            { "Name": "Duration", "Unit": "Microseconds" },
                        ],
                    },
                    {
                        "Namespace": "Orders",
                        "Dimensions": [[]],
                        "Metrics": [
                            { "Name": "KeyFetches", "Unit": "Count" },
                            { "Name": "KeyFetchFailures", "Unit": "Count" },
                        ],
                    },
                ],
            },
            "Allowed": 1,
            "KeyFetches": 1,
            "KeyFetchFailures": 0,
            "Duration": 1_234,
        })
    );
}

#[tokio::test]
async fn every_line_holds_metrics_of_its_outcome_by_kind_of_api_and_by_reason() {
    let down = || {
        let case = case(&good_event(Shape::HttpV2));
        case.provider.reply(JWKS_URL, Reply::Fail(FetchError::Status(503)));
        case
    };
    let unscoped = || {
        let mut case = case(&good_event(Shape::RestToken));
        case.settings.rules.requirements.scopes = vec!["x".to_owned()];
        case
    };
    let with = |metrics: &[(&str, u64)]| -> BTreeMap<String, u64> {
        metrics.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
    };
    // A made-up token of the form that the pool does not use must ring no alarm.
    let of_the_other_form = || {
        let newer = ISSUER.replace("//cognito-idp.", "//issuer-cognito-idp.");
        let mut settings = settings();
        let [older] = &mut settings.verifier.issuers[..] else { panic!("one issuer") };
        let keys_of_newer = key_source(NEWER_URL, &[Algorithm::RS256]);
        let (rules, keys) = (older.rules.clone(), Arc::clone(&older.keys));
        older.other_form = Some(Arc::clone(&keys_of_newer));
        let issuer = newer.clone();
        settings.verifier.issuers.push(IssuerSettings {
            issuer,
            keys: keys_of_newer,
            other_form: Some(keys),
            rules,
        });
        let mut claims = access_claims(NOW);
        claims["iss"] = json!(newer);
        let mut case = case(&event(Shape::HttpV2, &format!("Bearer {}", KEY.token(&claims))));
        case.provider.reply(NEWER_URL, Reply::Fail(FetchError::Status(403)));
        case.settings = settings;
        case
    };
    for (case, outcome, kind, reason, fetches) in [
        (
            of_the_other_form(),
            "Unauthorized",
            "http-v2",
            Some("unknown_issuer"),
            // Its own form's, which is refused, and the other's.
            &[("KeyFetches", 2), ("KeyFetchFailures", 0)][..],
        ),
        (
            case(&good_event(Shape::HttpV1)),
            "Allowed",
            "http-v1",
            None,
            &[("KeyFetches", 1), ("KeyFetchFailures", 0)],
        ),
        (
            unscoped(),
            "Denied",
            "rest-token",
            Some("insufficient_scope"),
            &[("KeyFetches", 1), ("KeyFetchFailures", 0)],
        ),
        (case(&event(Shape::WebSocket, "")), "Unauthorized", "websocket", Some("token_missing"), &[]),
        (
            down(),
            "Errors",
            "http-v2",
            Some("keys_unavailable"),
            &[("KeyFetches", 1), ("KeyFetchFailures", 1)],
        ),
    ] {
        let found = emf::extract(&line_of(case).await);
        let both = [(outcome, 1), ("Duration", 1_234)];
        let mut expected = emf::Extracted::from([
            ("Orders".to_owned(), with(&[&both[..], fetches].concat())),
            (format!("Orders api_kind={kind}"), with(&both)),
        ]);
        if let Some(reason) = reason {
            expected.insert(format!("Orders reason={reason}"), with(&[(outcome, 1)]));
        }
        assert_eq!(found, expected);
    }
    // What is no event of API Gateway's has no kind.
    let found = emf::extract(&line_of(case(&json!({}))).await);
    assert_eq!(found.keys().collect::<Vec<_>>(), ["Orders", "Orders reason=broken_event"]);
}

#[tokio::test]
async fn without_a_namespace_there_are_no_metrics() {
    let (_, record) = run(case(&good_event(Shape::RestRequest))).await;
    let settings = TelemetrySettings { level: Level::Info, format: LogFormat::Json, metrics_namespace: None };
    let line = Telemetry::new(settings).line(&invocation(), &record).unwrap();
    assert!(!line.contains("_aws") && !line.contains("Duration"), "{line}");
}

#[tokio::test]
async fn every_outcome_has_its_word_its_reason_and_its_level() {
    let expired = {
        let mut claims = access_claims(NOW);
        claims["exp"] = json!(NOW);
        event(Shape::HttpV2, &KEY.token(&claims))
    };
    let scoped = || {
        let mut case = case(&good_event(Shape::HttpV2));
        case.settings.rules.requirements.scopes = vec!["x".to_owned()];
        case
    };
    let denied = || {
        let mut case = case(&expired);
        case.settings.refusal = Refusal::Deny;
        case
    };
    let down = || {
        let case = case(&good_event(Shape::HttpV2));
        case.provider.reply(JWKS_URL, Reply::Fail(FetchError::Status(503)));
        case
    };
    for (case, outcome, reason, level) in [
        (case(&good_event(Shape::HttpV2)), "allow", Value::Null, "INFO"),
        (case(&expired), "unauthorized", json!("token_expired"), "WARN"),
        (case(&event(Shape::HttpV2, "")), "unauthorized", json!("token_missing"), "WARN"),
        (scoped(), "deny", json!("insufficient_scope"), "WARN"),
        (denied(), "deny", json!("token_expired"), "WARN"),
        (down(), "error", json!("keys_unavailable"), "ERROR"),
        (case(&json!({})), "error", json!("broken_event"), "ERROR"),
    ] {
        let line = line_of(case).await;
        assert_eq!(
            (&line["outcome"], &line["reason"], &line["level"]),
            (&json!(outcome), &reason, &json!(level))
        );
    }
    let line = line_of(down()).await;
    assert_eq!(line["key_fetch"], json!({ "outcome": "status", "detail": "answered with status 503" }));
    assert_eq!(line["issuer"], ISSUER);
}

#[tokio::test]
async fn a_refusal_says_in_detail_what_is_wrong_whatever_it_is_answered_with() {
    let mut claims = access_claims(NOW);
    claims["exp"] = json!("soon");
    for refusal in [Refusal::Unauthorized, Refusal::Deny] {
        let mut case = case(&event(Shape::HttpV2, &KEY.token(&claims)));
        case.settings.refusal = refusal;
        let line = line_of(case).await;
        assert_eq!(line["reason"], "claim_ill_typed");
        assert_eq!(line["detail"], "exp has the wrong type, or is out of range");
    }
}

#[tokio::test]
async fn keys_come_from_memory_unless_the_request_waited_for_them() {
    let provider = Provider::with(JWKS_URL, &jwks(&[&KEY]));
    let authorizer = Authorizer::new(settings(), provider.clone(), UnixTime::from_secs(NOW));
    let event = good_event(Shape::HttpV2).to_string();
    let stale = 3_600;
    for (at, reply, expected) in
        [(0, None, false), (1, None, true), (stale - 1, Some(Reply::Fail(FetchError::Unreachable)), true)]
    {
        if let Some(reply) = reply {
            provider.reply(JWKS_URL, reply);
        }
        let mut record = Record::default();
        authorizer.authorize(&event, UnixTime::from_secs(NOW + at), &mut record).await.unwrap();
        let line: Value = serde_json::from_str(&line_at(Level::Trace, &record).unwrap()).unwrap();
        assert_eq!(line["keys_from_memory"], expected, "after {at} s");
    }
    let mut record = Record::default();
    let mut claims = access_claims(NOW);
    claims["exp"] = json!(NOW + 2 * stale);
    let longer = event_of(&claims);
    authorizer.authorize(&longer, UnixTime::from_secs(NOW + stale), &mut record).await.unwrap();
    let line: Value = serde_json::from_str(&line_at(Level::Trace, &record).unwrap()).unwrap();
    assert_eq!(
        (&line["keys_from_memory"], &line["key_fetch"]["outcome"]),
        (&json!(true), &json!("unreachable"))
    );

    // A remembered token whose keys are fetched anew.
    provider.publish(JWKS_URL, &jwks(&[&KEY]));
    let mut record = Record::default();
    authorizer.authorize(&longer, UnixTime::from_secs(NOW + stale + 10), &mut record).await.unwrap();
    let line: Value = serde_json::from_str(&line_at(Level::Trace, &record).unwrap()).unwrap();
    assert_eq!((&line["keys_from_memory"], &line["key_fetch"]["outcome"]), (&json!(false), &json!("ok")));
}

#[cfg(feature = "cedar")]
#[tokio::test]
async fn where_policies_decide_the_line_names_the_action_and_the_policies_behind_the_verdict_and_those_that_fail()
 {
    let schema = include_str!("../layer/policies/orders.cedarschema")
        .replace("token?: Claims", "token: Claims")
        .replace("admin?: Bool", "level: Long");
    let policies = r#"
        @id("everyone") permit (principal, action, resource);
        @id("level") forbid (principal, action == Shop::Action::"post /orders", resource)
        when { context.token.level > 3 };"#;
    for (level, route, outcome, decided_by, failed) in [
        (json!(3), ("GET", "/orders"), "allow", "everyone", Value::Null),
        (json!(4), ("POST", "/orders"), "deny", "level", Value::Null),
        (Value::Null, ("GET", "/orders"), "allow", "everyone", json!("claim_absent")),
        (Value::Null, ("POST", "/orders"), "deny", "level", json!("claim_absent")),
    ] {
        let (verb, path) = route;
        let token = KEY.token(&merged(access_claims(NOW), &json!({ "level": level })));
        let mut case = case(&event_on(Shape::RestRequest, &token, &format!("{verb} {path}"), verb, path));
        let sources = [Source { file: "a.cedar", text: policies }];
        let parsed = Policies::parse(Source { file: "a.cedarschema", text: &schema }, &sources);
        case.settings.rules.policies = Some(parsed.unwrap());
        let line = line_of(case).await;
        assert_eq!((&line["outcome"], &line["policies"]), (&json!(outcome), &json!([decided_by])), "{line}");
        assert_eq!(line["action"], format!("{} {path}", verb.to_lowercase()));
        assert_eq!(line["failed_policies"][0]["reason"], failed, "{line}");
        assert_eq!(line["failed_policies"][0]["policy"].is_string(), !failed.is_null());
        assert_eq!(line["level"] == "INFO", outcome == "allow" && failed.is_null(), "{line}");
    }
}

#[tokio::test]
async fn the_line_says_which_kind_of_token_it_was() {
    for (claims, expected) in [(access_claims(NOW), "access"), (id_claims(NOW), "id")] {
        let mut case = case(&event(Shape::HttpV2, &KEY.token(&claims)));
        case.settings.verifier.issuers[0].rules = TokenRules::UserPool {
            clients: AllowedClients::Any,
            token_use: AllowedUse::Any,
            audiences: Vec::new(),
        };
        assert_eq!(line_of(case).await["token_use"], expected);
    }
}

fn event_of(claims: &Value) -> String {
    event(Shape::HttpV2, &KEY.token(claims)).to_string()
}

#[tokio::test]
async fn the_route_is_the_template_and_never_the_path() {
    for (shape, route) in [
        (Shape::RestToken, Value::Null),
        (Shape::RestRequest, json!("GET /orders/{id}")),
        (Shape::HttpV1, json!("GET /orders/{id}")),
        (Shape::HttpV2, json!("GET /orders/{id}")),
        (Shape::WebSocket, json!("$connect")),
    ] {
        assert_eq!(line_of(case(&good_event(shape))).await["route"], route, "{shape:?}");
    }
    let mut any = good_event(Shape::RestRequest);
    any["httpMethod"] = json!("CANARY");
    assert_eq!(line_of(case(&any)).await["route"], "ANY /orders/{id}");
}

#[tokio::test]
async fn a_line_below_the_level_is_left_out() {
    let (_, allowed) = run(case(&good_event(Shape::RestToken))).await;
    let (_, refused) = run(case(&event(Shape::RestToken, "x"))).await;
    let (_, broken) = run(case(&json!({}))).await;
    for (level, expected) in [
        (Level::Trace, [true, true, true]),
        (Level::Info, [true, true, true]),
        (Level::Warn, [false, true, true]),
        (Level::Error, [false, false, true]),
        (Level::Fatal, [false, false, false]),
    ] {
        let printed = [&allowed, &refused, &broken].map(|record| line_at(level, record).is_some());
        assert_eq!(printed, expected, "{level:?}");
    }
}

#[tokio::test]
async fn claims_that_did_not_fit_are_named_and_not_shown() {
    let mut claims = access_claims(NOW);
    claims["custom:canary_name"] = json!([format!("canary-value {}", "\"".repeat(2_500))]);
    let line = line_of(case(&event(Shape::RestToken, &KEY.token(&claims)))).await;
    assert_eq!(line["left_out_claims"], json!(["custom:canary_name"]));
    assert_eq!(line["level"], "WARN");
    assert!(!line.to_string().contains("canary-value"));
}

/// Every piece of text that a caller or a provider could want to see printed.
const CANARY: &str = "canary";

fn canary_claims() -> Value {
    let mut claims = access_claims(NOW);
    for name in ["username", "jti", "scope", "custom:x", "email", "event_id", "origin_jti"] {
        claims[name] = json!(format!("{CANARY}-{name}@example.com"));
    }
    claims["cognito:groups"] = json!([format!("{CANARY}-group")]);
    claims
}

fn canary_event(shape: Shape, authorization: &str) -> Value {
    let mut event = event(shape, authorization);
    for field in ["path", "rawPath", "rawQueryString", "httpMethod"] {
        event[field] = json!(format!("/{CANARY}-{field}"));
    }
    event["headers"]["x-canary"] = json!(format!("{CANARY}-header"));
    event["headers"]["Cookie"] = json!(format!("session={CANARY}-cookie"));
    event["cookies"] = json!([format!("session={CANARY}-cookie")]);
    event["queryStringParameters"] = json!({ "q": format!("{CANARY}-query") });
    event["pathParameters"] = json!({ "id": format!("{CANARY}-parameter") });
    event
}

#[tokio::test]
async fn no_path_prints_any_piece_of_a_token_a_header_or_a_claim() {
    let stranger = SigningKey::generate("canary-kid", Algorithm::RS256);
    let mut foreign = canary_claims();
    foreign["iss"] = json!("https://canary-issuer.example.com");
    let mut ill_typed = canary_claims();
    ill_typed["exp"] = json!("canary-exp");
    let good = KEY.token(&canary_claims());
    let tokens = [
        good.clone(),
        stranger.token(&canary_claims()),
        KEY.token(&foreign),
        KEY.token(&ill_typed),
        format!("{good}canary"),
        "canary".to_owned(),
        "canary.canary.canary".to_owned(),
        "Basic canary".to_owned(),
        "canary, canary".to_owned(),
    ];
    let pieces: Vec<String> =
        good.split('.').flat_map(|part| [&part[..20], &part[part.len() - 20..]]).map(str::to_owned).collect();
    for shape in Shape::ALL {
        for token in &tokens {
            for reply in
                [Reply::Body(jwks(&[&KEY]).to_string().into_bytes()), Reply::Body(b"canary-jwks".to_vec())]
            {
                let mut case = case(&canary_event(shape, token));
                case.provider.reply(JWKS_URL, reply);
                case.settings.token_sources.push(TokenSource::parse("cookie:session").unwrap());
                let (error, record) = run(case).await;
                let printed = format!("{error} {}", line_at(Level::Trace, &record).unwrap());
                assert!(!printed.contains(CANARY), "{shape:?}: {printed}");
                assert!(pieces.iter().all(|piece| !printed.contains(piece)), "{shape:?}: {printed}");
            }
        }
    }
}

#[tokio::test]
async fn no_broken_event_is_quoted() {
    for event in [
        "canary".to_owned(),
        "{\"type\":\"canary\"}".to_owned(),
        json!({ "type": "TOKEN", "methodArn": "canary", "authorizationToken": "canary" }).to_string(),
        json!({ "type": "REQUEST", "methodArn": "arn:canary:execute-api:canary?:1:a/s/GET/" }).to_string(),
        json!({ "routeArn": "canary", "headers": { "authorization": "canary" } }).to_string(),
    ] {
        let mut case = case(&json!({}));
        case.event = event;
        let (error, record) = run(case).await;
        let printed = format!("{error} {}", line_at(Level::Trace, &record).unwrap());
        assert!(!printed.contains(CANARY), "{printed}");
    }
}

/// A panic's hook is the whole process's: this runs the test once more, in one of its own, to panic there.
#[test]
#[expect(clippy::disallowed_methods, reason = "no setting, but which of the two processes this is")]
fn a_panic_prints_its_place_and_not_its_message() {
    const CHILD: &str = "PANIC_IN_THIS_PROCESS";
    if var_os(CHILD).is_some() {
        telemetry(Level::Error).hide_panic_messages(|| UnixTime::from_secs(NOW));
        panic!("{CANARY}");
    }
    let child = Command::new(current_exe().unwrap())
        .args(["--exact", "a_panic_prints_its_place_and_not_its_message", "--nocapture"])
        .env(CHILD, "1")
        .env("RUST_BACKTRACE", "full")
        .output()
        .unwrap();
    let printed = String::from_utf8([child.stdout, child.stderr].concat()).unwrap();
    assert!(!child.status.success());
    assert!(printed.contains("\"message\":\"panic at tests/telemetry.rs:"), "{printed}");
    assert!(!printed.contains(CANARY), "{printed}");
}
