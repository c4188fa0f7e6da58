//! Which environments are accepted, and what is said of the rest.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on stops"
)]

use std::{collections::HashMap, ffi::OsString, sync::Arc, time::Duration};

use cognito_authorizer::{
    authorizer::AuthorizerSettings,
    config::Config,
    gateway::{ContextClaims, Refusal, ResponseFormat, TokenSource},
    telemetry::{Level, LogFormat},
    testing::{SigningKey, jwks},
    token::{Algorithm, AllowedClients, AllowedUse, Authorities, TokenRules, TokenUse},
};
use serde_json::json;

const POOL: [(&str, &str); 2] = [("USER_POOL_ID", "eu-west-1_AbCdEf123"), ("CLIENT_ID", "client1")];

fn read(variables: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let variables: HashMap<&str, &str> = variables.iter().copied().collect();
    let config = Config::read(&|name| variables.get(name).map(OsString::from));
    config.map_err(|problems| problems.0.iter().map(ToString::to_string).collect())
}

fn settings(extra: &[(&str, &str)]) -> AuthorizerSettings {
    read(&[&POOL, extra].concat()).unwrap().authorizer
}

/// The names of the variables that something is wrong with.
fn wrong(variables: &[(&str, &str)]) -> Vec<String> {
    let problems = read(variables).unwrap_err();
    problems.iter().map(|problem| problem.split(": ").next().unwrap().to_owned()).collect()
}

#[test]
fn one_pool_and_one_client_are_enough_and_the_rest_has_the_documented_defaults() {
    let Config { authorizer, telemetry, notices, authorities } = read(&POOL).unwrap();
    assert_eq!(authorities, Authorities::default());
    assert_eq!(notices, Vec::<String>::new());
    let verifier = authorizer.verifier;
    assert_eq!(
        verifier.issuers.iter().map(|issuer| issuer.issuer.as_str()).collect::<Vec<_>>(),
        [
            "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123",
            "https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123",
        ]
    );
    assert_eq!(
        verifier.issuers.iter().map(|issuer| issuer.keys.url.as_str()).collect::<Vec<_>>(),
        [
            "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123/.well-known/jwks.json",
            "https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123/.well-known/jwks.json",
        ]
    );
    for issuer in &verifier.issuers {
        let TokenRules::UserPool { clients: AllowedClients::Listed(clients), token_use, audiences } =
            &issuer.rules
        else {
            panic!("{:?}", issuer.rules)
        };
        assert_eq!(clients, &["client1"]);
        assert_eq!(*token_use, AllowedUse::Only(TokenUse::Access));
        assert!(audiences.is_empty());
    }
    assert!(verifier.issuers.iter().all(|issuer| issuer.keys.algorithms == [Algorithm::RS256]));
    assert_eq!(verifier.key_cache.ttl, Duration::from_secs(3_600));
    assert_eq!(verifier.key_cache.max_stale, Duration::from_secs(86_400));
    assert_eq!(verifier.key_cache.cooldown, Duration::from_secs(10));
    assert_eq!(verifier.fetch_timeout, Duration::from_secs(3));
    assert_eq!(verifier.clock_skew_seconds, 0);
    assert_eq!(verifier.token_cache_size, 512);
    assert_eq!(authorizer.token_sources, [TokenSource::Header("authorization".to_owned())]);
    let rules = &authorizer.rules;
    assert!(rules.requirements.scopes.is_empty() && rules.requirements.groups.is_empty());
    assert!(rules.policies.is_none());
    assert!(matches!(authorizer.answerer.context, ContextClaims::All));
    assert_eq!(authorizer.answerer.principal_id_claim, "sub");
    assert_eq!(authorizer.answerer.usage_identifier_key_claim, None);
    assert_eq!(authorizer.answerer.format, ResponseFormat::Iam);
    assert_eq!(authorizer.refusal, Refusal::Unauthorized);
    assert_eq!((telemetry.level, telemetry.format), (Level::Info, LogFormat::Text));
    assert_eq!(telemetry.metrics_namespace.as_deref(), Some("CognitoAuthorizer"));
}

#[test]
fn every_variable_is_read() {
    let settings = settings(&[
        ("TOKEN_USE", "any"),
        ("TOKEN_SOURCE", "cookie:session, query:access_token,header:X-Token"),
        ("REQUIRED_SCOPES", "orders/read orders/write"),
        ("REQUIRED_GROUPS", r#"["a,b","c"]"#),
        ("CONTEXT_CLAIMS", "sub, cognito:groups"),
        ("PRINCIPAL_ID_CLAIM", "username"),
        ("USAGE_IDENTIFIER_KEY_CLAIM", "custom:key"),
        ("RESPONSE_FORMAT", "simple"),
        ("REFUSAL", "deny"),
        ("CLOCK_SKEW_SECONDS", "300"),
        ("JWKS_URI", "http://127.0.0.1:9/keys"),
        ("JWKS_TTL_SECONDS", "60"),
        ("JWKS_MAX_STALE_SECONDS", "60"),
        ("JWKS_COOLDOWN_SECONDS", "1"),
        ("JWKS_TIMEOUT_MS", "250"),
        ("TOKEN_CACHE_SIZE", "0"),
    ]);
    let sources: Vec<_> = settings.token_sources.iter().map(ToString::to_string).collect();
    assert_eq!(sources, ["cookie:session", "query:access_token", "header:x-token"]);
    assert_eq!(settings.rules.requirements.scopes, ["orders/read", "orders/write"]);
    assert_eq!(settings.rules.requirements.groups, ["a,b", "c"]);
    assert!(
        matches!(&settings.answerer.context, ContextClaims::Listed(names) if names == &["sub", "cognito:groups"])
    );
    assert_eq!(settings.answerer.principal_id_claim, "username");
    assert_eq!(settings.answerer.usage_identifier_key_claim.as_deref(), Some("custom:key"));
    assert_eq!(settings.answerer.format, ResponseFormat::Simple);
    assert_eq!(settings.refusal, Refusal::Deny);
    let verifier = settings.verifier;
    assert_eq!(verifier.clock_skew_seconds, 300);
    assert_eq!(verifier.key_cache.ttl, Duration::from_secs(60));
    assert_eq!(verifier.key_cache.max_stale, Duration::from_secs(60));
    assert_eq!(verifier.key_cache.cooldown, Duration::from_secs(1));
    assert_eq!(verifier.fetch_timeout, Duration::from_millis(250));
    assert_eq!(verifier.token_cache_size, 0);
    assert!(
        Arc::ptr_eq(&verifier.issuers[0].keys, &verifier.issuers[1].keys),
        "one address serves both forms"
    );
    assert!(verifier.issuers.iter().all(|issuer| issuer.other_form.is_none()));
}

#[test]
fn nothing_at_all_names_what_is_required() {
    assert_eq!(wrong(&[]), ["USER_POOL_ID", "CLIENT_ID"]);
    assert_eq!(wrong(&[("USER_POOL_ID", "eu-west-1_A")]), ["CLIENT_ID"]);
    assert_eq!(wrong(&[("CLIENT_ID", "c")]), ["USER_POOL_ID"]);
}

#[test]
fn a_value_that_cannot_be_meant_is_refused_by_name() {
    for (name, values) in [
        (
            "USER_POOL_ID",
            &[
                "",
                " ",
                ",",
                "eu-west-1",
                "eu-west-1_A,",
                "eu-west-1_A,eu-west-1_A",
                "https://x/eu-west-1_A",
                "*",
            ][..],
        ),
        ("CLIENT_ID", &["", ",", "a,", "a,a", "*,a", "a b", "a-b", "<client>"]),
        ("TOKEN_USE", &["", "both", "access,id", "ACCESS"]),
        (
            "TOKEN_SOURCE",
            &[
                "",
                "Authorization",
                "header:",
                "header:a b",
                "cookie:a;b",
                "query:",
                "query: a",
                "body:x",
                "header:A,",
                "header:A,header:A",
                "header:A,header:a",
            ],
        ),
        ("REQUIRED_SCOPES", &["", " , ", "a a", "[]", "[1]", "[\"a\"", "[\"\"]", "[\"a b\"]"]),
        ("REQUIRED_GROUPS", &["", ",", "a,a", "[\"a\",\"a\"]"]),
        ("CONTEXT_CLAIMS", &["", "sub,", "*,sub", "sub,sub", "sub email"]),
        ("PRINCIPAL_ID_CLAIM", &["", "a,b", "a b"]),
        ("USAGE_IDENTIFIER_KEY_CLAIM", &["", "a,b"]),
        ("RESPONSE_FORMAT", &["", "json", "iam,simple"]),
        ("REFUSAL", &["", "403", "allow"]),
        ("CLOCK_SKEW_SECONDS", &["", "-1", "301", "1.5", "one", "99999999999999999999"]),
        ("JWKS_URI", &["", "keys.json", "http://example.com/keys", "ftp://x/y", "https://u:p@example.com/"]),
        ("JWKS_FILE", &["", "no/such/file.json", "Cargo.toml", "src"]),
        ("JWKS_CA_FILE", &["", "no/such/file.pem", "Cargo.toml", "events/jwks.json", "src"]),
        ("JWKS_TTL_SECONDS", &["", "0", "-1", "31536001"]),
        ("JWKS_MAX_STALE_SECONDS", &["", "0", "3599"]),
        ("JWKS_COOLDOWN_SECONDS", &["", "0", "3601"]),
        ("JWKS_TIMEOUT_MS", &["", "0", "9", "8001", "-5"]),
        ("TOKEN_CACHE_SIZE", &["", "-1", "10001", "many"]),
        ("POLICIES", &["", "no/such/folder", "src", "README.md"]),
        ("METRICS_NAMESPACE", &["AWS/Lambda", "a\"b", "caf\u{e9}", "a,b"]),
    ] {
        for value in values {
            let mut variables: HashMap<&str, &str> = POOL.into_iter().collect();
            variables.insert(name, value);
            let variables: Vec<_> = variables.into_iter().collect();
            let named = wrong(&variables);
            assert!(
                !named.is_empty() && named.iter().all(|named| named == name),
                "{name}={value:?}: {named:?}"
            );
        }
    }
}

#[test]
fn every_problem_is_reported_at_once_and_no_value_is_quoted() {
    let problems = read(&[
        ("USER_POOL_ID", "canary pool"),
        ("CLIENT_ID", "canary client"),
        ("JWKS_URI", "http://canary.example.com"),
        ("TOKEN_SOURCE", "canary"),
        ("CLOCK_SKEW_SECONDS", "canary"),
        ("REFUSAL", "canary"),
    ])
    .unwrap_err();
    for name in ["USER_POOL_ID", "CLIENT_ID", "JWKS_URI", "TOKEN_SOURCE", "CLOCK_SKEW_SECONDS", "REFUSAL"] {
        assert!(
            problems.iter().any(|problem| problem.starts_with(&format!("{name}: "))),
            "{name}: {problems:?}"
        );
    }
    assert!(problems.iter().all(|problem| !problem.contains("canary")), "{problems:?}");
}

#[test]
fn text_that_is_not_unicode_is_refused() {
    use std::os::unix::ffi::OsStringExt;
    let read = Config::read(&|name| match name {
        "CLIENT_ID" => Some(OsString::from_vec(vec![0xff])),
        "USER_POOL_ID" => Some("eu-west-1_A".into()),
        _ => None,
    });
    let problems = read.unwrap_err();
    assert_eq!(problems.0[0].to_string(), "CLIENT_ID: is not valid UTF-8");
}

#[test]
fn issuers_are_pools_and_other_providers_each_with_its_own_rules() {
    let issuers = json!([
        { "user_pool_id": "eu-west-1_A", "client_ids": ["c1", "c2"], "token_use": "any", "audiences": ["https://api"] },
        { "user_pool_id": "us-gov-west-1_B", "client_ids": ["*"], "jwks_uri": "https://keys.example.com/b" },
        { "issuer": "https://login.example.com/", "audiences": ["api"], "algorithms": ["ES256", "EdDSA"] },
        { "issuer": "https://id.example.com/t", "audiences": ["a", "b"], "jwks_uri": "https://id.example.com/keys" },
    ]);
    let settings = read(&[("ISSUERS", &issuers.to_string())]).unwrap().authorizer.verifier;
    let trusted: Vec<_> =
        settings.issuers.iter().map(|issuer| (issuer.issuer.as_str(), issuer.keys.url.as_str())).collect();
    assert_eq!(
        trusted,
        [
            (
                "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_A",
                "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_A/.well-known/jwks.json"
            ),
            (
                "https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_A",
                "https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_A/.well-known/jwks.json"
            ),
            ("https://cognito-idp.us-gov-west-1.amazonaws.com/us-gov-west-1_B", "https://keys.example.com/b"),
            (
                "https://issuer-cognito-idp.us-gov-west-1.amazonaws.com/us-gov-west-1_B",
                "https://keys.example.com/b"
            ),
            ("https://login.example.com/", "https://login.example.com/.well-known/jwks.json"),
            ("https://id.example.com/t", "https://id.example.com/keys"),
        ]
    );
    assert!(matches!(
        &settings.issuers[0].rules,
        TokenRules::UserPool { clients: AllowedClients::Listed(clients), token_use: AllowedUse::Any, audiences }
            if clients == &["c1", "c2"] && audiences == &["https://api"]
    ));
    assert!(matches!(&settings.issuers[2].rules, TokenRules::UserPool { clients: AllowedClients::Any, .. }));
    assert!(
        matches!(&settings.issuers[4].rules, TokenRules::OpenIdConnect { audiences } if audiences == &["api"])
    );
    let algorithms = |issuer: usize| &settings.issuers[issuer].keys.algorithms;
    assert_eq!(algorithms(4), &[Algorithm::ES256, Algorithm::EdDSA]);
    assert_eq!(algorithms(5), &[Algorithm::RS256]);
}

#[test]
fn an_issuer_entry_that_cannot_be_meant_is_refused_by_position_and_field() {
    let pool = r#""user_pool_id":"eu-west-1_A""#;
    let clients = r#""client_ids":["c"]"#;
    let provider = r#""issuer":"https://i.example.com","audiences":["a"]"#;
    for (issuers, expected) in [
        ("x".to_owned(), "ISSUERS"),
        ("{}".to_owned(), "ISSUERS"),
        ("[]".to_owned(), "ISSUERS"),
        ("[1]".to_owned(), "ISSUERS[0]"),
        ("[{}]".to_owned(), "ISSUERS[0]"),
        (format!("[{{{pool}}}]"), "ISSUERS[0].client_ids"),
        (format!(r#"[{{{pool},"client_ids":"c"}}]"#), "ISSUERS[0].client_ids"),
        (format!(r#"[{{{pool},"client_ids":[]}}]"#), "ISSUERS[0].client_ids"),
        (format!(r#"[{{{pool},"client_ids":["*","c"]}}]"#), "ISSUERS[0].client_ids"),
        (format!(r#"[{{{pool},{clients},"token_use":"both"}}]"#), "ISSUERS[0].token_use"),
        (format!(r#"[{{{pool},{clients},"audiences":[]}}]"#), "ISSUERS[0].audiences"),
        (format!(r#"[{{{pool},{clients},"algorithms":["RS256"]}}]"#), "ISSUERS[0].algorithms"),
        (format!(r"[{{{pool},{clients},{clients}}}]"), "ISSUERS"),
        (format!(r#"[{{{pool},{clients},"jwks_uri":"http://x.example.com"}}]"#), "ISSUERS[0].jwks_uri"),
        (format!(r#"[{{{pool},{clients},"jwks_file":"no/such"}}]"#), "ISSUERS[0].jwks_file"),
        (format!("[{{{pool},{clients}}},{{{pool},{clients}}}]"), "ISSUERS"),
        (format!(r#"[{{{pool},{clients}}},{{{provider},"colour":1}}]"#), "ISSUERS[1].colour"),
        (r#"[{"issuer":"https://i.example.com"}]"#.to_owned(), "ISSUERS[0].audiences"),
        (r#"[{"issuer":"http://i.example.com","audiences":["a"]}]"#.to_owned(), "ISSUERS[0].issuer"),
        (r#"[{"issuer":"https://i.example.com?x","audiences":["a"]}]"#.to_owned(), "ISSUERS[0].issuer"),
        (r#"[{"issuer":" https://i.example.com","audiences":["a"]}]"#.to_owned(), "ISSUERS[0].issuer"),
        (r#"[{"issuer":"https://i.example.com\n","audiences":["a"]}]"#.to_owned(), "ISSUERS[0].issuer"),
        (r#"[{"issuer":"https://i.ex\tample.com","audiences":["a"]}]"#.to_owned(), "ISSUERS[0].issuer"),
        (r#"[{"issuer":"https:i.example.com","audiences":["a"]}]"#.to_owned(), "ISSUERS[0].issuer"),
        (r#"[{"issuer":"https://i.example.com\\x","audiences":["a"]}]"#.to_owned(), "ISSUERS[0].issuer"),
        (r#"[{"issuer":"https://i.example.com/a/../b","audiences":["a"]}]"#.to_owned(), "ISSUERS[0].issuer"),
        (format!(r#"[{{{pool},{clients},"replica_regions":["nowhere"]}}]"#), "ISSUERS[0].user_pool_id"),
        (format!(r#"[{{"user_pool_id":"x",{clients},"replica_regions":["nowhere"]}}]"#), "ISSUERS[0].user_pool_id"),
        (format!(r#"[{{{pool},{clients},"token_use":"id","audiences":["a"]}}]"#), "ISSUERS[0].audiences"),
        (format!(r#"[{{{pool},{clients},"audiences":["*"]}}]"#), "ISSUERS[0].audiences"),
        (r#"[{"issuer":"https://i.example.com","audiences":[" a"]}]"#.to_owned(), "ISSUERS[0].audiences"),
        (
            r#"[{"issuer":"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_A","audiences":["a"]}]"#.to_owned(),
            "ISSUERS[0].issuer",
        ),
        (
            r#"[{"issuer":"https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_A","audiences":["a"]}]"#.to_owned(),
            "ISSUERS[0].issuer",
        ),
        (format!(r#"[{{{provider},"replica_regions":["eu-west-1"]}}]"#), "ISSUERS[0].replica_regions"),
        (format!(r#"[{{{provider},"algorithms":["HS256"]}}]"#), "ISSUERS[0].algorithms"),
        (format!(r#"[{{{provider},"algorithms":["none"]}}]"#), "ISSUERS[0].algorithms"),
        (format!(r#"[{{{provider},"algorithms":[]}}]"#), "ISSUERS[0].algorithms"),
        (format!(r"[{{{provider},{pool},{clients}}}]"), "ISSUERS[0]"),
        (format!(r#"[{{{pool},{clients}}},{{"issuer":null,"audiences":["a"]}}]"#), "ISSUERS[1].issuer"),
        (format!(r#"[{{{provider}}},{{"user_pool_id":null,{clients}}}]"#), "ISSUERS[1].user_pool_id"),
        (format!(r#"[{{{provider}}},{{"jwks_file":"events/jwks.json"}}]"#), "ISSUERS[1]"),
    ] {
        let named = wrong(&[("ISSUERS", &issuers)]);
        assert!(named.contains(&expected.to_owned()), "{issuers}: {named:?}");
    }
}

#[test]
fn one_way_of_naming_issuers_excludes_the_other() {
    let issuers = r#"[{"user_pool_id":"eu-west-1_A","client_ids":["c"]}]"#;
    let named = wrong(&[POOL[0], POOL[1], ("TOKEN_USE", "id"), ("ISSUERS", issuers)]);
    assert_eq!(named, ["USER_POOL_ID", "CLIENT_ID", "TOKEN_USE"]);
}

#[test]
fn one_key_address_or_file_is_for_one_issuer() {
    let two_pools = [
        ("USER_POOL_ID", "eu-west-1_A,eu-west-1_B"),
        ("CLIENT_ID", "c"),
        ("JWKS_URI", "https://x.example.com/k"),
    ];
    assert_eq!(wrong(&two_pools), ["USER_POOL_ID"]);
    let two = r#"[{"user_pool_id":"eu-west-1_A","client_ids":["c"]},{"user_pool_id":"eu-west-1_B","client_ids":["c"]}]"#;
    assert_eq!(wrong(&[("ISSUERS", two), ("JWKS_URI", "https://x.example.com/k")]), ["ISSUERS"]);
    for [pools, issuers] in [[two_pools[0], two_pools[1]], [("ISSUERS", two), ("TOKEN_CACHE_SIZE", "1")]] {
        assert_eq!(wrong(&[pools, issuers, ("JWKS_FILE", "events/jwks.json")]), [pools.0]);
    }
    let one = r#"[{"issuer":"https://i.example.com","audiences":["a"]}]"#;
    let settings = read(&[("ISSUERS", one), ("JWKS_URI", "https://x.example.com/k")]).unwrap().authorizer;
    assert_eq!(settings.verifier.issuers[0].keys.url.as_str(), "https://x.example.com/k");
}

#[test]
fn a_key_file_is_read_at_start_for_every_form_of_its_issuer() {
    let key = SigningKey::generate("k", Algorithm::RS256);
    let path = std::env::temp_dir().join(format!("cognito-authorizer-{}.json", std::process::id()));
    std::fs::write(&path, jwks(&[&key]).to_string()).unwrap();
    let file = path.to_str().unwrap();
    let verifier = settings(&[("JWKS_FILE", file)]).verifier;
    assert_eq!(verifier.issuers.len(), 2);
    for issuer in &verifier.issuers {
        assert!(issuer.keys.preloaded.as_ref().unwrap().key("k").is_some());
    }
    std::fs::write(&path, r#"{"keys":[]}"#).unwrap();
    assert_eq!(wrong(&[&POOL[..], &[("JWKS_FILE", file)]].concat()), ["JWKS_FILE"]);
    let entry = json!([{ "user_pool_id": "eu-west-1_A", "client_ids": ["c"], "jwks_file": file }]);
    assert_eq!(wrong(&[("ISSUERS", &entry.to_string())]), ["ISSUERS[0].jwks_file"]);
    std::fs::write(&path, " ".repeat(150_001)).unwrap();
    assert_eq!(wrong(&[&POOL[..], &[("JWKS_FILE", file)]].concat()), ["JWKS_FILE"]);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn any_client_and_any_use_are_accepted_only_where_that_is_said() {
    for (client, token_use, is_any_client, expected) in [
        ("c", None, false, AllowedUse::Only(TokenUse::Access)),
        ("c", Some("id"), false, AllowedUse::Only(TokenUse::Id)),
        ("c", Some("any"), false, AllowedUse::Any),
        ("*", None, true, AllowedUse::Only(TokenUse::Access)),
        ("*", Some("any"), true, AllowedUse::Any),
    ] {
        let mut variables = vec![POOL[0], ("CLIENT_ID", client)];
        variables.extend(token_use.map(|word| ("TOKEN_USE", word)));
        for issuer in read(&variables).unwrap().authorizer.verifier.issuers {
            let TokenRules::UserPool { clients, token_use, .. } = issuer.rules else { panic!("{issuer:?}") };
            assert_eq!(matches!(clients, AllowedClients::Any), is_any_client, "{variables:?}");
            assert_eq!(token_use, expected, "{variables:?}");
        }
    }
}

#[test]
fn keys_are_at_the_issuer_s_usual_address_with_or_without_a_slash_at_its_end() {
    for (issuer, url) in [
        ("https://login.example.com", "https://login.example.com/.well-known/jwks.json"),
        ("https://login.example.com/", "https://login.example.com/.well-known/jwks.json"),
        ("https://login.example.com/t", "https://login.example.com/t/.well-known/jwks.json"),
        ("https://login.example.com/t/", "https://login.example.com/t/.well-known/jwks.json"),
        ("https://login.example.com:8443/t", "https://login.example.com:8443/t/.well-known/jwks.json"),
    ] {
        let issuers = json!([{ "issuer": issuer, "audiences": ["a"] }]).to_string();
        let issuers = read(&[("ISSUERS", &issuers)]).unwrap().authorizer.verifier.issuers;
        assert_eq!((issuers[0].issuer.as_str(), issuers[0].keys.url.as_str()), (issuer, url));
    }
}

#[test]
fn a_wrong_type_is_said_once_and_of_the_field_that_has_it() {
    let problems = read(&[("ISSUERS", r#"[{"user_pool_id":7,"client_ids":["a"]}]"#)]).unwrap_err();
    assert_eq!(problems, ["ISSUERS[0].user_pool_id: must be a string that is not empty"]);
}

#[test]
fn keys_can_be_tried_again_before_they_expire() {
    let settings =
        [("JWKS_TTL_SECONDS", "60"), ("JWKS_MAX_STALE_SECONDS", "300"), ("JWKS_COOLDOWN_SECONDS", "300")];
    assert_eq!(wrong(&[&POOL[..], &settings].concat()), ["JWKS_COOLDOWN_SECONDS"]);
}

#[test]
fn a_problem_hides_no_other() {
    let file = "no/such/file";
    for (variables, expected) in [
        (&[("CLIENT_ID", "a b")][..], &["CLIENT_ID", "USER_POOL_ID"][..]),
        (&[("USER_POOL_ID", "x"), ("JWKS_FILE", file)], &["CLIENT_ID", "JWKS_FILE", "USER_POOL_ID"]),
        (
            &[("USER_POOL_ID", "x,y"), ("CLIENT_ID", "c"), ("JWKS_URI", "https://k.example.com")],
            &["USER_POOL_ID"],
        ),
        (&[("TOKEN_SOURCE", "x,y"), ("CLIENT_ID", "c")], &["TOKEN_SOURCE", "USER_POOL_ID"]),
        (
            &[("ISSUERS", "x"), ("JWKS_URI", "ftp://x"), ("JWKS_FILE", file)],
            &["ISSUERS", "JWKS_FILE", "JWKS_URI"],
        ),
    ] {
        let mut named = wrong(variables);
        named.sort();
        named.dedup();
        assert_eq!(named, expected, "{variables:?}");
    }
    let sources = read(&[&POOL[..], &[("TOKEN_SOURCE", "x,header:A,y")]].concat()).unwrap_err();
    assert!(sources[0].contains("entry 1 ") && sources[1].contains("entry 3 "), "{sources:?}");
}

#[test]
fn a_pool_s_replicas_are_trusted_with_the_pool_s_own_rules() {
    let issuers =
        json!([{ "user_pool_id": "us-east-1_A", "client_ids": ["c"], "replica_regions": ["eu-west-1"] }]);
    let issuers = read(&[("ISSUERS", &issuers.to_string())]).unwrap().authorizer.verifier.issuers;
    let replica = issuers.last().unwrap();
    assert_eq!(replica.issuer, "https://cognito-idp.eu-west-1.amazonaws.com/us-east-1_A");
    assert!(matches!(replica.rules, TokenRules::UserPool { .. }));
    assert_eq!(issuers.len(), 3);
}

#[test]
fn issuers_at_one_address_share_its_keys() {
    let keys = "https://keys.example.com/k";
    let issuers = json!([
        { "user_pool_id": "eu-west-1_A", "client_ids": ["c"], "jwks_uri": keys },
        { "issuer": "https://i.example.com", "audiences": ["a"], "jwks_uri": keys },
        { "issuer": "https://j.example.com", "audiences": ["a"], "jwks_uri": keys, "algorithms": ["ES256"] },
    ]);
    let issuers = read(&[("ISSUERS", &issuers.to_string())]).unwrap().authorizer.verifier.issuers;
    assert!(Arc::ptr_eq(&issuers[0].keys, &issuers[2].keys));
    assert!(!Arc::ptr_eq(&issuers[0].keys, &issuers[3].keys), "other algorithms make other keys");
}

#[test]
fn what_lambda_sets_itself_never_stops_the_function() {
    for (level, format, expected) in [
        ("WARN", "JSON", (Level::Warn, LogFormat::Json)),
        ("FATAL", "Text", (Level::Fatal, LogFormat::Text)),
        ("", "", (Level::Info, LogFormat::Text)),
        ("LOUD", "XML", (Level::Info, LogFormat::Text)),
    ] {
        let lambda = [("AWS_LAMBDA_LOG_LEVEL", level), ("AWS_LAMBDA_LOG_FORMAT", format)];
        let telemetry = read(&[&POOL[..], &lambda].concat()).unwrap().telemetry;
        assert_eq!((telemetry.level, telemetry.format), expected);
    }
}

#[test]
fn an_empty_namespace_turns_metrics_off() {
    for (value, expected) in [("", None), (" ", None), ("My App/orders:1", Some("My App/orders:1"))] {
        let telemetry = read(&[&POOL[..], &[("METRICS_NAMESPACE", value)]].concat()).unwrap().telemetry;
        assert_eq!(telemetry.metrics_namespace.as_deref(), expected);
    }
}

#[test]
#[cfg(feature = "cedar")]
fn policies_about_a_pool_whose_tokens_are_not_accepted_are_noticed() {
    let notices = |pool: &str| {
        read(&[("USER_POOL_ID", pool), ("CLIENT_ID", "*"), ("POLICIES", "layer/policies")]).unwrap().notices
    };
    assert_eq!(notices("eu-west-1_AbCdEf123"), Vec::<String>::new());
    assert_eq!(notices("eu-west-1_AbCdEf123,eu-west-1_XyZ"), Vec::<String>::new());
    let expected = "policies name eu-west-1_AbCdEf123, whose tokens are not accepted here";
    assert_eq!(notices("eu-west-1_XyZ"), [expected]);
}

#[test]
#[cfg(feature = "cedar-text")]
fn more_routes_than_a_document_holds_are_for_simple_responses_only() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("many-routes");
    std::fs::create_dir_all(&folder).unwrap();
    let names: Vec<String> = (0..200).map(|number| format!("\"get /resource-{number:03}\"")).collect();
    let schema = format!(
        "namespace Shop {{ entity User in [UserGroup]; entity UserGroup; entity Application;
         action {} appliesTo {{ principal: [User], resource: [Application] }}; }}",
        names.join(", ")
    );
    std::fs::write(folder.join("shop.cedarschema"), schema).unwrap();
    std::fs::write(folder.join("shop.cedar"), "permit (principal, action, resource);").unwrap();
    let policies = [("POLICIES", folder.to_str().unwrap())];
    let problems = read(&[&POOL[..], &policies].concat()).unwrap_err();
    assert!(problems[0].starts_with("POLICIES: a document about all routes"), "{problems:?}");
    assert!(problems[0].contains("get /resource-199"), "{problems:?}");
    let simple = [("RESPONSE_FORMAT", "simple")];
    assert!(read(&[&POOL[..], &policies, &simple].concat()).is_ok());
}
