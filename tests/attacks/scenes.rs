//! Attacks that take more than one step.

use cognito_authorizer::{
    authorizer::{Error, Fault, Record},
    gateway::Shape,
    testing::{
        API, ISSUER, JWKS_URL, NOW, Reply, SigningKey, access_claims, event, jwks, key_source, settings,
    },
    time::UnixTime,
    token::{Algorithm, FetchError, IssuerSettings, TokenError, TokenRules},
};
use serde_json::json;

use crate::{
    World,
    forgeries::{ATTACKER, KEY, current_keys, forged, good_parts, under_a_known_kid, with_claim},
    is_allow,
};

/// After this a set that was fetched at [`NOW`] is stale.
const TTL: u64 = 3_600;

pub(crate) async fn two_issuers_with_one_kid() {
    let (second, second_url) = ("https://login.example.com", "https://login.example.com/keys");
    let mut settings = settings();
    settings.verifier.issuers.push(IssuerSettings {
        issuer: second.to_owned(),
        keys: key_source(second_url, &[Algorithm::RS256]),
        other_form: None,
        rules: TokenRules::OpenIdConnect { audiences: vec!["api".to_owned()] },
    });
    let world = World::new(settings, &current_keys());
    world.provider.publish(second_url, &jwks(&[&ATTACKER]));
    let of_second = json!({ "iss": second, "sub": "u", "exp": NOW + 60, "aud": "api" });
    assert!(is_allow(&world.ask(&ATTACKER.token(&of_second)).await));
    assert!(world.allows_good_tokens().await);
    assert_eq!(world.refusal(&ATTACKER.token(&access_claims(NOW))).await.unwrap(), "bad_signature");
    assert_eq!(world.refusal(&KEY.token(&of_second)).await.unwrap(), "bad_signature");
}

pub(crate) async fn a_flood_of_key_ids() {
    let world = World::usual();
    assert!(world.allows_good_tokens().await);
    for number in 0..1_000 {
        let token = format!("{}{number}", forged(&[("kid", json!(format!("made-up-{number}")))]));
        assert!(world.refusal(&token).await.is_ok());
    }
    assert_eq!(world.provider.requests().len(), 1, "within the cooldown");
    assert!(world.allows_good_tokens().await);
}

pub(crate) async fn a_flood_of_issuers() {
    let world = World::usual();
    for number in 0..200 {
        let issuer = json!(format!("https://{number}.example.com"));
        assert_eq!(world.refusal(&with_claim("iss", &issuer)).await.unwrap(), "unknown_issuer");
    }
    assert_eq!(world.provider.requests(), [""; 0]);
}

pub(crate) async fn the_clock_at_its_ends() {
    let mut settings = settings();
    settings.verifier.clock_skew_seconds = 300;
    let world = World::new(settings, &current_keys());
    let token = KEY.token(&access_claims(NOW));
    for (at, expected) in [
        (0, TokenError::IssuedInFuture),
        (1, TokenError::IssuedInFuture),
        (u64::MAX, TokenError::Expired),
        (u64::MAX - 299, TokenError::Expired),
    ] {
        assert_eq!(world.ask_at(&token, at).await, Err(Error::Unauthorized(expected)), "at {at}");
    }
    assert!(world.allows_good_tokens().await);
}

pub(crate) async fn look_alike_groups() {
    let mut settings = settings();
    settings.rules.requirements.groups = vec!["admins".to_owned()];
    let world = World::new(settings, &current_keys());
    for groups in [
        json!(["\u{430}dmins"]),
        json!(["Admins"]),
        json!(["admins "]),
        json!(["readers,admins"]),
        json!(["readers admins"]),
        json!(["admins\u{0}"]),
        json!([]),
    ] {
        let answer = world.ask(&with_claim("cognito:groups", &groups)).await;
        assert!(answer.is_ok() && !is_allow(&answer), "{groups}");
    }
    assert!(is_allow(&world.ask(&with_claim("cognito:groups", &json!(["readers", "admins"]))).await));
}

pub(crate) async fn a_claim_for_patterns() {
    let mut settings = settings();
    settings.rules.requirements.scopes = vec!["a*".to_owned(), "(a+)+$".to_owned()];
    let world = World::new(settings, &current_keys());
    for scope in ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "a", "aa", ".*"] {
        assert!(!is_allow(&world.ask(&with_claim("scope", &json!(scope))).await), "{scope}");
    }
    assert!(is_allow(&world.ask(&with_claim("scope", &json!("a*"))).await));
}

pub(crate) async fn a_provider_that_fails() {
    for reply in [
        Reply::Fail(FetchError::Unreachable),
        Reply::Fail(FetchError::Status(500)),
        Reply::Body(Vec::new()),
        Reply::Body(b"<html>".to_vec()),
        Reply::Body(b"{\"keys\":[]}".to_vec()),
        Reply::Hang,
    ] {
        let world = World::usual();
        world.provider.reply(JWKS_URL, reply.clone());
        for token in [KEY.token(&access_claims(NOW)), under_a_known_kid()] {
            let answer = world.ask(&token).await;
            let unavailable = matches!(answer, Err(Error::Internal(Fault::KeysUnavailable(_))));
            assert!(unavailable, "{reply:?}: {answer:?}");
        }
        world.provider.publish(JWKS_URL, &current_keys());
        assert!(is_allow(&world.ask_at(&KEY.token(&access_claims(NOW)), NOW + 10).await), "{reply:?}");
    }
}

pub(crate) async fn a_bad_refresh() {
    let odd = SigningKey::generate("odd", Algorithm::ES256);
    for reply in [
        Reply::Fail(FetchError::Unreachable),
        Reply::Body(b"<html>".to_vec()),
        Reply::Body(b"{\"keys\":[]}".to_vec()),
        Reply::Body(jwks(&[&odd]).to_string().into_bytes()),
        Reply::Hang,
    ] {
        let world = World::usual();
        assert!(world.allows_good_tokens().await);
        world.provider.reply(JWKS_URL, reply.clone());
        for age in [TTL, TTL + 10, 2 * TTL] {
            let mut claims = access_claims(NOW);
            claims["exp"] = json!(NOW + 3 * TTL);
            assert!(is_allow(&world.ask_at(&KEY.token(&claims), NOW + age).await), "{reply:?} at {age}");
        }
    }
}

pub(crate) async fn a_ride_on_a_remembered_token() {
    let mut settings = settings();
    settings.rules.requirements.scopes = vec!["orders/write".to_owned()];
    let world = World::new(settings, &current_keys());
    let writer = with_claim("scope", &json!("orders/write"));
    let reader = with_claim("scope", &json!("orders/read"));
    for _ in 0..2 {
        assert!(is_allow(&world.ask(&writer).await));
        assert!(!is_allow(&world.ask(&reader).await));
    }
    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (allowed, denied, [_, _, other]) = (parts(&writer), parts(&reader), good_parts());
    for signature in [&denied[2], &other, &String::new()] {
        let token = format!("{}.{}.{signature}", allowed[0], allowed[1]);
        assert_eq!(world.refusal(&token).await.unwrap(), "bad_signature");
    }
    let token = format!("{}.{}.{}", denied[0], denied[1], allowed[2]);
    assert_eq!(world.refusal(&token).await.unwrap(), "bad_signature");
    let over = world.ask_at(&writer, NOW + TTL).await;
    assert_eq!(over, Err(Error::Unauthorized(TokenError::Expired)));
}

pub(crate) async fn text_in_the_path() {
    let world = World::usual();
    let token = format!("Bearer {}", KEY.token(&access_claims(NOW)));
    for path in ["*", "a/*/b", "${aws:username}", "?", "a:b:c", "../../admin", "%2e%2e", "", "\u{0}"] {
        for shape in Shape::ALL.into_iter().filter(|shape| *shape != Shape::WebSocket) {
            let mut event = event(shape, &token);
            let arn = if shape == Shape::HttpV2 { "routeArn" } else { "methodArn" };
            event[arn] = json!(format!("{API}/prod/GET/{path}"));
            event["path"] = json!(format!("/{path}"));
            event["rawPath"] = json!(format!("/{path}"));
            let now = UnixTime::from_secs(NOW);
            let answer = world.authorizer.authorize(&event.to_string(), now, &mut Record::default()).await;
            let answer = serde_json::to_value(answer.unwrap()).unwrap();
            let resource = &answer["policyDocument"]["Statement"][0]["Resource"];
            assert_eq!(resource, &json!([format!("{API}/prod/*")]), "{shape:?} {path}");
        }
    }
}

pub(crate) async fn several_tokens() {
    let world = World::usual();
    let (good, forged) = (KEY.token(&access_claims(NOW)), under_a_known_kid());
    let mut twice = event(Shape::RestRequest, &format!("Bearer {good}"));
    twice["multiValueHeaders"] =
        json!({ "Authorization": [format!("Bearer {forged}"), format!("Bearer {good}")] });
    let joined = event(Shape::HttpV2, &format!("Bearer {forged}, Bearer {good}"));
    for event in [twice, joined] {
        let now = UnixTime::from_secs(NOW);
        let answer = world.authorizer.authorize(&event.to_string(), now, &mut Record::default()).await;
        assert_eq!(answer, Err(Error::Unauthorized(TokenError::Ambiguous)));
    }
}

pub(crate) async fn what_errors_say() {
    let world = World::usual();
    let marked = |name: &str| with_claim(name, &json!({ "marked": "value" }));
    for token in [marked("exp"), marked("sub"), marked("iss"), forged(&[("kid", json!("marked"))])] {
        let error = world.ask(&token).await.unwrap_err();
        let printed = format!("{error} {error:?}");
        let pieces: Vec<&str> = token.split('.').chain(["marked", ISSUER]).collect();
        assert!(pieces.iter().all(|piece| !printed.contains(piece)), "{printed}");
    }
}
