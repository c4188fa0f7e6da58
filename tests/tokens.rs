//! Which tokens are refused, and for what.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a test that cannot go on stops"
)]

use std::sync::{Arc, LazyLock};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cognito_authorizer::{
    testing::{
        CLIENT_ID, ISSUER, JWKS_URL, NOW, Provider, SigningKey, access_claims, compact, id_claims, jwks,
        key_source, verifier_settings,
    },
    time::UnixTime,
    token::{
        Algorithm, AllowedClients, AllowedUse, IssuerSettings, MAX_TOKEN_BYTES, TokenError, TokenRules,
        TokenUse, Trace, VerifiedToken, Verifier, VerifierSettings, VerifyError,
    },
};
use proptest::prelude::*;
use serde_json::{Value, json};

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("current", Algorithm::RS256));
static OTHER_KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("current", Algorithm::RS256));

fn verifier(settings: VerifierSettings) -> Verifier<Provider> {
    let provider = Provider::with(JWKS_URL, &jwks(&[&KEY]));
    Verifier::new(settings, provider, UnixTime::from_secs(NOW))
}

async fn verify_at(
    verifier: &Verifier<Provider>,
    token: &str,
    now: u64,
) -> Result<Arc<VerifiedToken>, VerifyError> {
    verifier.verify(token, UnixTime::from_secs(now), &mut Trace::default()).await
}

/// The verdict of a verifier with default settings.
async fn refusal_of(token: &str) -> Option<TokenError> {
    refusal_with(verifier_settings(), token).await
}

async fn refusal_with(settings: VerifierSettings, token: &str) -> Option<TokenError> {
    refusal(verify_at(&verifier(settings), token, NOW).await)
}

fn refusal(verdict: Result<Arc<VerifiedToken>, VerifyError>) -> Option<TokenError> {
    match verdict.err()? {
        VerifyError::Token(error) => Some(error),
        error @ VerifyError::KeysUnavailable(_) => panic!("not the token's fault: {error}"),
    }
}

/// Claims with one member replaced, or taken away by `null`.
fn with(mut claims: Value, name: &str, value: Value) -> Value {
    let object = claims.as_object_mut().unwrap();
    if value.is_null() {
        object.remove(name)
    } else {
        object.insert(name.to_owned(), value)
    };
    claims
}

fn access_with(name: &str, value: Value) -> String {
    KEY.token(&with(access_claims(NOW), name, value))
}

fn id_settings() -> VerifierSettings {
    pool_settings(AllowedClients::Listed(vec![CLIENT_ID.to_owned()]), AllowedUse::Only(TokenUse::Id), &[])
}

fn pool_settings(clients: AllowedClients, token_use: AllowedUse, audiences: &[&str]) -> VerifierSettings {
    let audiences = audiences.iter().map(ToString::to_string).collect();
    let mut settings = verifier_settings();
    settings.issuers[0].rules = TokenRules::UserPool { clients, token_use, audiences };
    settings
}

fn provider_settings(audiences: &[&str], algorithms: &[Algorithm]) -> VerifierSettings {
    let audiences = audiences.iter().map(ToString::to_string).collect();
    let mut settings = verifier_settings();
    settings.issuers[0].rules = TokenRules::OpenIdConnect { audiences };
    settings.issuers[0].keys = key_source(JWKS_URL, algorithms);
    settings
}

#[tokio::test]
async fn a_good_token_gives_its_claims_unchanged() {
    let claims = with(access_claims(NOW), "custom:Straße", json!({"größe": [1, "ü", null]}));
    let verified = verify_at(&verifier(verifier_settings()), &KEY.token(&claims), NOW).await.unwrap();
    let read: Value =
        verified.claims().iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    assert_eq!(read, claims);
    assert_eq!(verified.claims().subject(), claims["sub"]);
    assert_eq!(verified.claims().token_use(), Some(TokenUse::Access));
    assert_eq!(verified.claims().scopes().collect::<Vec<_>>(), ["openid", "orders/read"]);
    assert_eq!(verified.claims().groups().collect::<Vec<_>>(), ["readers", "a,b"]);
}

#[tokio::test]
async fn a_token_with_one_thing_wrong_is_refused_for_that_thing() {
    let missing = |name| format!("{name} is missing");
    let ill_typed = |name| format!("{name} has the wrong type, or is out of range");
    let refusals = [
        (
            "iss",
            json!("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other"),
            "the issuer is not configured".to_owned(),
        ),
        ("iss", json!(format!("{ISSUER}/")), "the issuer is not configured".to_owned()),
        (
            "iss",
            json!("https://cognito-idp.eu-west-1.amazonaws.com"),
            "the issuer is not configured".to_owned(),
        ),
        ("iss", json!(format!("{ISSUER}.example.com")), "the issuer is not configured".to_owned()),
        ("iss", json!(ISSUER.to_uppercase()), "the issuer is not configured".to_owned()),
        ("iss", json!(""), "the issuer is not configured".to_owned()),
        ("iss", json!([ISSUER]), "iss is missing or not a string".to_owned()),
        ("iss", json!(["https://evil.example.com", ISSUER]), "iss is missing or not a string".to_owned()),
        ("iss", json!(5), "iss is missing or not a string".to_owned()),
        ("iss", json!({}), "iss is missing or not a string".to_owned()),
        ("iss", Value::Null, "iss is missing or not a string".to_owned()),
        ("sub", Value::Null, missing("sub")),
        ("sub", json!(""), ill_typed("sub")),
        ("sub", json!(7), ill_typed("sub")),
        ("exp", Value::Null, missing("exp")),
        ("exp", json!("1800003600"), ill_typed("exp")),
        ("exp", json!(1_800_003_600.5), ill_typed("exp")),
        ("exp", json!(1_800_003_600.0), ill_typed("exp")),
        ("exp", json!(-1), ill_typed("exp")),
        ("exp", json!(0), "expired".to_owned()),
        ("exp", json!(1e300), ill_typed("exp")),
        ("exp", json!(u64::MAX), ill_typed("exp")),
        ("exp", json!(253_402_300_800_u64), ill_typed("exp")),
        ("exp", json!(true), ill_typed("exp")),
        ("exp", json!([NOW + 60]), ill_typed("exp")),
        ("exp", json!(NOW), "expired".to_owned()),
        ("exp", json!(NOW - 1), "expired".to_owned()),
        ("nbf", json!("1"), ill_typed("nbf")),
        ("nbf", json!(1.5), ill_typed("nbf")),
        ("nbf", json!(NOW + 1), "not valid yet".to_owned()),
        ("iat", json!("1"), ill_typed("iat")),
        ("iat", json!(NOW + 61), "issued in the future".to_owned()),
        ("auth_time", json!("1"), ill_typed("auth_time")),
        ("jti", json!(1), ill_typed("jti")),
        ("scope", json!(["orders/read"]), ill_typed("scope")),
        ("scope", json!(1), ill_typed("scope")),
        ("username", json!(1), ill_typed("username")),
        ("cognito:username", json!([]), ill_typed("cognito:username")),
        ("cognito:groups", json!("admins"), ill_typed("cognito:groups")),
        ("cognito:groups", json!(["admins", 1]), ill_typed("cognito:groups")),
        ("cognito:groups", json!({"admins": true}), ill_typed("cognito:groups")),
        ("aud", json!(1), ill_typed("aud")),
        ("aud", json!([CLIENT_ID, 5]), ill_typed("aud")),
        ("token_use", Value::Null, missing("token_use")),
        ("token_use", json!(1), ill_typed("token_use")),
        ("token_use", json!("id"), "the token's use is not accepted".to_owned()),
        ("token_use", json!("refresh"), "the token's use is not accepted".to_owned()),
        ("token_use", json!("ACCESS"), "the token's use is not accepted".to_owned()),
        ("client_id", Value::Null, missing("client_id")),
        ("client_id", json!(""), ill_typed("client_id")),
        ("client_id", json!([CLIENT_ID]), ill_typed("client_id")),
        ("client_id", json!("another"), "the app client is not accepted".to_owned()),
        ("client_id", json!(CLIENT_ID.to_lowercase()), "the app client is not accepted".to_owned()),
    ];
    assert_eq!(refusal_of(&KEY.token(&access_claims(NOW))).await, None);
    for (name, value, expected) in refusals {
        let token = access_with(name, value.clone());
        let refused = refusal_of(&token).await.map(|error| error.to_string());
        assert_eq!(refused, Some(expected), "{name}: {value}");
    }
}

#[tokio::test]
async fn null_is_a_wrong_type_and_not_an_absence() {
    for name in ["nbf", "iat", "auth_time", "jti", "scope", "username", "cognito:groups", "aud"] {
        let text = access_claims(NOW).to_string();
        let mut claims: Value = serde_json::from_str(&text).unwrap();
        claims[name] = Value::Null;
        assert_eq!(
            refusal_of(&KEY.token(&claims)).await.map(TokenError::code),
            Some("claim_ill_typed"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn times_are_right_to_the_second() {
    for (name, value, skew, expected) in [
        ("exp", NOW + 1, 0, None),
        ("exp", NOW, 0, Some(TokenError::Expired)),
        ("exp", NOW - 4, 5, None),
        ("exp", NOW - 5, 5, Some(TokenError::Expired)),
        ("nbf", NOW, 0, None),
        ("nbf", NOW + 1, 0, Some(TokenError::NotYetValid)),
        ("nbf", NOW + 5, 5, None),
        ("nbf", NOW + 6, 5, Some(TokenError::NotYetValid)),
        ("nbf", 0, 0, None),
        ("iat", 0, 0, None),
        ("auth_time", 0, 0, None),
        ("iat", NOW + 60, 0, None),
        ("iat", NOW + 61, 0, Some(TokenError::IssuedInFuture)),
    ] {
        let mut settings = verifier_settings();
        settings.clock_skew_seconds = skew;
        let refused = refusal_with(settings, &access_with(name, json!(value))).await;
        assert_eq!(refused, expected, "{name} {value} with skew {skew}");
    }
}

#[tokio::test]
async fn an_id_token_names_its_client_in_aud() {
    for (aud, expected) in [
        (json!(CLIENT_ID), None),
        (json!(["other", CLIENT_ID]), None),
        (json!("other"), Some(TokenError::WrongClient)),
        (json!(["other"]), Some(TokenError::WrongClient)),
        (json!([]), Some(TokenError::WrongClient)),
        (json!(""), Some(TokenError::WrongClient)),
    ] {
        let token = KEY.token(&with(id_claims(NOW), "aud", aud.clone()));
        assert_eq!(refusal_with(id_settings(), &token).await, expected, "{aud}");
    }
    let without = KEY.token(&with(id_claims(NOW), "aud", Value::Null));
    assert_eq!(refusal_with(id_settings(), &without).await.map(TokenError::code), Some("claim_missing"));
}

#[tokio::test]
async fn token_use_is_checked_in_both_directions() {
    let (access, id) = (KEY.token(&access_claims(NOW)), KEY.token(&id_claims(NOW)));
    let listed = || AllowedClients::Listed(vec![CLIENT_ID.to_owned()]);
    for (allowed, token, expected) in [
        (AllowedUse::Only(TokenUse::Access), &access, None),
        (AllowedUse::Only(TokenUse::Access), &id, Some(TokenError::WrongTokenUse)),
        (AllowedUse::Only(TokenUse::Id), &access, Some(TokenError::WrongTokenUse)),
        (AllowedUse::Only(TokenUse::Id), &id, None),
        (AllowedUse::Any, &access, None),
        (AllowedUse::Any, &id, None),
    ] {
        assert_eq!(refusal_with(pool_settings(listed(), allowed, &[]), token).await, expected, "{allowed:?}");
    }
    for (token_use, code) in [
        (Value::Null, "claim_missing"),
        (json!(""), "claim_ill_typed"),
        (json!(["access"]), "claim_ill_typed"),
        (json!("refresh"), "wrong_token_use"),
    ] {
        let any = pool_settings(listed(), AllowedUse::Any, &[]);
        let refused = refusal_with(any, &access_with("token_use", token_use.clone())).await;
        assert_eq!(refused.map(TokenError::code), Some(code), "{token_use} where any use is accepted");
    }
}

/// RFC 7515 §4.1.9: a media type, in any case, of which `application/` may be left out.
#[tokio::test]
async fn a_token_whose_typ_says_another_kind_than_jwt_or_access_token_is_refused() {
    let (good, bad) = (None, Some(TokenError::WrongTokenUse));
    let of_provider = json!({ "iss": ISSUER, "sub": "u", "exp": NOW + 60, "aud": "api" });
    for (typ, expected) in [
        (json!("JWT"), good),
        (json!("jwt"), good),
        (json!("application/JWT"), good),
        (json!("at+jwt"), good),
        (json!("AT+JWT"), good),
        (json!("Application/At+Jwt"), good),
        (json!("logout+jwt"), bad),
        (json!("application/logout+jwt"), bad),
        (json!("secevent+jwt"), bad),
        (json!("dpop+jwt"), bad),
        (json!("JOSE"), bad),
        (json!("at+jwt "), bad),
        (json!("text/jwt"), bad),
        (json!("application/application/jwt"), bad),
        (json!(""), bad),
        (Value::Null, bad),
        (json!(["JWT"]), bad),
    ] {
        let header = json!({ "alg": "RS256", "kid": "current", "typ": typ }).to_string();
        let provider = provider_settings(&["api"], &[Algorithm::RS256]);
        let of_pool = compact(&header, access_claims(NOW).to_string(), &KEY);
        assert_eq!(refusal_of(&of_pool).await, expected, "a pool's, {typ}");
        let of_provider = compact(&header, of_provider.to_string(), &KEY);
        assert_eq!(refusal_with(provider, &of_provider).await, expected, "a provider's, {typ}");
    }
}

/// OpenID Connect Back-Channel Logout 1.0 §2.4: a logout token need not say in `typ` what it is.
#[tokio::test]
async fn another_providers_security_event_is_no_access_token() {
    let claims = json!({ "iss": ISSUER, "sub": "u", "exp": NOW + 60, "aud": "api" });
    let bad = Some(TokenError::WrongTokenUse);
    for (events, expected) in [
        (json!({ "http://schemas.openid.net/event/backchannel-logout": {} }), bad),
        (json!({}), bad),
        (json!("concerts"), None),
        (json!(["concerts"]), None),
    ] {
        let provider = provider_settings(&["api"], &[Algorithm::RS256]);
        let token = KEY.token(&with(claims.clone(), "events", events.clone()));
        assert_eq!(refusal_with(provider, &token).await, expected, "{events}");
        assert_eq!(refusal_of(&access_with("events", events)).await, None, "a pool has `token_use`");
    }
}

/// A token with much wrong with it.
struct Faulty {
    header: Value,
    claims: Value,
    /// A claim stands twice.
    doubled: bool,
    signer: &'static SigningKey,
}

impl Faulty {
    fn text(&self) -> String {
        let claims = self.claims.to_string();
        let doubled = if self.doubled { r#"{"x":1,"x":2,"# } else { "{" };
        compact(&self.header.to_string(), claims.replacen('{', doubled, 1), self.signer)
    }
}

#[tokio::test]
async fn the_first_check_that_fails_is_the_one_that_is_named() {
    type Mend = fn(&mut Faulty);
    let mut token = Faulty {
        header: json!({ "alg": 1, "kid": 1, "crit": ["exp"], "typ": "logout+jwt" }),
        claims: json!({
            "iss": 1,
            "exp": "soon",
            "nbf": NOW + 1,
            "iat": NOW + 61,
            "jti": 1,
            "token_use": "id",
            "client_id": "another",
            "aud": "another",
        }),
        doubled: true,
        signer: &OTHER_KEY,
    };
    // What is mended, and what is named then.
    let mends: [(Mend, Option<&str>); 20] = [
        (|_| (), Some("the header's alg is missing or not a string")),
        (|token| token.header["alg"] = json!("HS256"), Some("the header's kid is missing or not a string")),
        (
            |token| token.header["kid"] = json!("nobody's"),
            Some("the header asks for an extension that is not supported"),
        ),
        (
            |token| token.header = with(token.header.take(), "crit", Value::Null),
            Some("iss is missing or not a string"),
        ),
        (
            |token| token.claims["iss"] = json!("https://evil.example.com"),
            Some("the issuer is not configured"),
        ),
        (|token| token.claims["iss"] = json!(ISSUER), Some("the issuer has no such key")),
        (|token| token.header["kid"] = json!("current"), Some("alg is not the key's algorithm")),
        (|token| token.header["alg"] = json!("RS256"), Some("the signature does not verify")),
        (|token| token.signer = &KEY, Some("the payload names a claim twice")),
        (|token| token.doubled = false, Some("sub is missing")),
        (|token| token.claims["sub"] = json!("u"), Some("exp has the wrong type, or is out of range")),
        (|token| token.claims["exp"] = json!(NOW), Some("jti has the wrong type, or is out of range")),
        (|token| token.claims["jti"] = json!("1"), Some("expired")),
        (|token| token.claims["exp"] = json!(NOW + 1), Some("not valid yet")),
        (|token| token.claims["nbf"] = json!(NOW), Some("issued in the future")),
        (|token| token.claims["iat"] = json!(NOW), Some("the token's use is not accepted")),
        (|token| token.claims["token_use"] = json!("access"), Some("the token's use is not accepted")),
        (|token| token.header["typ"] = json!("JWT"), Some("the app client is not accepted")),
        (|token| token.claims["client_id"] = json!(CLIENT_ID), Some("the audience is not accepted")),
        (|token| token.claims["aud"] = json!("api"), None),
    ];
    for (mend, expected) in mends {
        mend(&mut token);
        let clients = AllowedClients::Listed(vec![CLIENT_ID.to_owned()]);
        let settings = pool_settings(clients, AllowedUse::Only(TokenUse::Access), &["api"]);
        let refused = refusal_with(settings, &token.text()).await.map(|error| error.to_string());
        assert_eq!(refused.as_deref(), expected, "{} {}", token.header, token.claims);
    }
}

#[tokio::test]
async fn any_client_still_means_a_client() {
    let any = || pool_settings(AllowedClients::Any, AllowedUse::Any, &[]);
    assert_eq!(refusal_with(any(), &access_with("client_id", json!("whoever"))).await, None);
    assert_eq!(
        refusal_with(any(), &access_with("client_id", Value::Null)).await.map(TokenError::code),
        Some("claim_missing")
    );
    let nobody = KEY.token(&with(id_claims(NOW), "aud", json!("")));
    assert_eq!(refusal_with(any(), &nobody).await, Some(TokenError::WrongClient));
}

#[tokio::test]
async fn a_resource_bound_access_token_is_checked_for_client_and_audience() {
    let bound = || {
        let clients = AllowedClients::Listed(vec![CLIENT_ID.to_owned()]);
        pool_settings(clients, AllowedUse::Any, &["https://api.example.com"])
    };
    for (aud, expected) in [
        (json!("https://api.example.com"), None),
        (json!(["https://x.example.com", "https://api.example.com"]), None),
        (json!("https://x.example.com"), Some("wrong_audience")),
        (json!([]), Some("wrong_audience")),
        (Value::Null, Some("claim_missing")),
    ] {
        let refused = refusal_with(bound(), &access_with("aud", aud.clone())).await;
        assert_eq!(refused.map(TokenError::code), expected, "{aud}");
    }
    let wrong_client =
        with(with(access_claims(NOW), "aud", json!("https://api.example.com")), "client_id", json!("x"));
    assert_eq!(refusal_with(bound(), &KEY.token(&wrong_client)).await, Some(TokenError::WrongClient));
}

#[tokio::test]
async fn another_provider_is_held_to_its_audiences_and_not_to_cognitos_claims() {
    let settings = || provider_settings(&["api"], &[Algorithm::RS256]);
    let claims = json!({ "iss": ISSUER, "sub": "u", "exp": NOW + 60, "aud": "api" });
    assert_eq!(refusal_with(settings(), &KEY.token(&claims)).await, None);
    for (aud, expected) in [
        (json!("other"), "wrong_audience"),
        (json!(["other"]), "wrong_audience"),
        (Value::Null, "claim_missing"),
        (json!(["api", 5]), "claim_ill_typed"),
    ] {
        let refused = refusal_with(settings(), &KEY.token(&with(claims.clone(), "aud", aud.clone()))).await;
        assert_eq!(refused.map(TokenError::code), Some(expected), "{aud}");
    }
}

#[tokio::test]
async fn one_accepted_audience_among_those_of_a_token_is_enough() {
    let wrong = Some(TokenError::WrongAudience);
    for (aud, expected) in [
        (json!("api"), None),
        (json!("admin"), None),
        (json!(["other", "admin"]), None),
        (json!(["admin", "api"]), None),
        (json!(["other", "another"]), wrong),
        (json!("api admin"), wrong),
        (json!("API"), wrong),
        (json!(""), wrong),
        (json!([""]), wrong),
        (json!([]), wrong),
    ] {
        let claims = json!({ "iss": ISSUER, "sub": "u", "exp": NOW + 60, "aud": aud });
        let settings = provider_settings(&["api", "admin"], &[Algorithm::RS256]);
        assert_eq!(refusal_with(settings, &KEY.token(&claims)).await, expected, "{aud}");
    }
}

#[tokio::test]
async fn every_configured_algorithm_verifies_and_every_other_is_refused() {
    let settings = |algorithms: &[Algorithm]| {
        let mut settings = verifier_settings();
        settings.issuers[0].keys = key_source(JWKS_URL, algorithms);
        settings
    };
    for algorithm in Algorithm::ALL {
        let key = SigningKey::generate("k", algorithm);
        // A set must hold some key that the other configuration can use.
        let beside = if algorithm == Algorithm::EdDSA { Algorithm::ES256 } else { Algorithm::EdDSA };
        let beside = SigningKey::generate("beside", beside);
        let provider = Provider::with(JWKS_URL, &jwks(&[&key, &beside]));
        let token = key.token(&access_claims(NOW));
        let now = UnixTime::from_secs(NOW);
        let named = Verifier::new(settings(&[algorithm]), provider.clone(), now);
        assert_eq!(refusal(verify_at(&named, &token, NOW).await), None, "{algorithm:?}");
        let others: Vec<_> = Algorithm::ALL.into_iter().filter(|other| *other != algorithm).collect();
        let unnamed = Verifier::new(settings(&others), provider, now);
        assert_eq!(
            refusal(verify_at(&unnamed, &token, NOW).await),
            Some(TokenError::UnknownKey),
            "{algorithm:?}"
        );
    }
}

#[tokio::test]
async fn what_is_not_known_is_refused() {
    let stranger = SigningKey::generate("stranger", Algorithm::RS256);
    assert_eq!(refusal_of(&stranger.token(&access_claims(NOW))).await, Some(TokenError::UnknownKey));
    let issuer = access_with("iss", json!("https://evil.example.com"));
    assert_eq!(refusal_of(&issuer).await, Some(TokenError::UnknownIssuer));
    let token_use = access_with("token_use", json!("something"));
    assert_eq!(refusal_of(&token_use).await, Some(TokenError::WrongTokenUse));
    for algorithm in [
        "none", "None", "NONE", "nOnE", "HS256", "HS512", "RS384", "PS256", "ES256", "rs256", " RS256",
        "RS256\n",
    ] {
        let header = json!({ "alg": algorithm, "kid": "current" }).to_string();
        let token = compact(&header, access_claims(NOW).to_string(), &KEY);
        assert_eq!(refusal_of(&token).await, Some(TokenError::WrongAlgorithm), "{algorithm:?}");
    }
}

#[tokio::test]
async fn alg_none_without_a_signature_is_refused() {
    for header in [json!({"alg":"none","kid":"current"}), json!({"alg":"RS256","kid":"current"})] {
        let payload = URL_SAFE_NO_PAD.encode(access_claims(NOW).to_string());
        let token = format!("{}.{payload}.", URL_SAFE_NO_PAD.encode(header.to_string()));
        let expected =
            if header["alg"] == "none" { TokenError::WrongAlgorithm } else { TokenError::BadSignature };
        assert_eq!(refusal_of(&token).await, Some(expected), "{header}");
    }
}

#[tokio::test]
async fn a_public_key_used_as_an_hmac_secret_is_refused() {
    use aws_lc_rs::hmac;
    let jwk = KEY.jwk();
    let secrets =
        [jwk["n"].as_str().unwrap().as_bytes().to_vec(), jwk.to_string().into_bytes(), b" ".to_vec()];
    for secret in secrets {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","kid":"current"}"#);
        let signing_input = format!("{header}.{}", URL_SAFE_NO_PAD.encode(access_claims(NOW).to_string()));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), signing_input.as_bytes());
        let token = format!("{signing_input}.{}", URL_SAFE_NO_PAD.encode(tag));
        assert_eq!(refusal_of(&token).await, Some(TokenError::WrongAlgorithm));
    }
}

#[tokio::test]
async fn a_header_is_read_strictly() {
    for (header, expected) in [
        ("", TokenError::HeaderNotObject),
        ("null", TokenError::HeaderNotObject),
        ("[]", TokenError::HeaderNotObject),
        ("\"x\"", TokenError::HeaderNotObject),
        ("{", TokenError::HeaderNotObject),
        ("{}{}", TokenError::HeaderNotObject),
        ("\u{feff}{}", TokenError::HeaderNotObject),
        ("{}", TokenError::InvalidAlgorithm),
        (r#"{"kid":"current"}"#, TokenError::InvalidAlgorithm),
        (r#"{"alg":null,"kid":"current"}"#, TokenError::InvalidAlgorithm),
        (r#"{"alg":["RS256"],"kid":"current"}"#, TokenError::InvalidAlgorithm),
        (r#"{"alg":"RS256"}"#, TokenError::InvalidKeyId),
        (r#"{"alg":"RS256","kid":5}"#, TokenError::InvalidKeyId),
        (r#"{"alg":"RS256","kid":""}"#, TokenError::InvalidKeyId),
        (r#"{"alg":"RS256","kid":null}"#, TokenError::InvalidKeyId),
        (r#"{"alg":"none","alg":"RS256","kid":"current"}"#, TokenError::HeaderDuplicateName),
        (r#"{"alg":"RS256","\u0061lg":"none","kid":"current"}"#, TokenError::HeaderDuplicateName),
        (r#"{"alg":"RS256","kid":"x","kid":"current"}"#, TokenError::HeaderDuplicateName),
        (r#"{"alg":"RS256","kid":"current","jwk":{"a":1,"a":1}}"#, TokenError::HeaderDuplicateName),
        (r#"{"alg":"RS256","kid":"current","crit":["exp"]}"#, TokenError::CriticalExtension),
        (r#"{"alg":"RS256","kid":"current","crit":[]}"#, TokenError::CriticalExtension),
        (r#"{"alg":"RS256","kid":"current","crit":null}"#, TokenError::CriticalExtension),
        (r#"{"alg":"RS256","kid":"current","crit":["x"],"x":"1"}"#, TokenError::CriticalExtension),
        (r#"{"alg":"RS256","kid":"current","b64":false,"crit":["b64"]}"#, TokenError::CriticalExtension),
        (r#"{"alg":"RS256","kid":"current","b64":false}"#, TokenError::CriticalExtension),
    ] {
        let token = compact(header, access_claims(NOW).to_string(), &KEY);
        assert_eq!(refusal_of(&token).await, Some(expected), "{header}");
    }
}

#[tokio::test]
async fn keys_and_addresses_inside_a_token_are_never_used() {
    let own = SigningKey::generate("own", Algorithm::RS256);
    for extra in [
        json!({ "jwk": own.jwk() }),
        json!({ "jku": "https://evil.example.com/jwks.json" }),
        json!({ "x5u": "https://evil.example.com/cert.pem" }),
        json!({ "x5c": ["MIIB"] }),
    ] {
        let mut header = json!({ "alg": "RS256", "kid": "current" });
        header.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let forged = compact(&header.to_string(), access_claims(NOW).to_string(), &own);
        assert_eq!(refusal_of(&forged).await, Some(TokenError::BadSignature), "{extra}");
        let genuine = compact(&header.to_string(), access_claims(NOW).to_string(), &KEY);
        assert_eq!(refusal_of(&genuine).await, None, "{extra}");
    }
}

#[tokio::test]
async fn a_payload_is_read_strictly() {
    let good = access_claims(NOW).to_string();
    let members = good.strip_prefix('{').unwrap();
    let nested = format!(r#"{{"x":{}{},{members}"#, "[".repeat(3_000), "]".repeat(3_000));
    for (payload, expected) in [
        (String::new(), TokenError::PayloadNotObject),
        ("null".to_owned(), TokenError::PayloadNotObject),
        ("[]".to_owned(), TokenError::PayloadNotObject),
        (format!(r#"["{ISSUER}"]"#), TokenError::PayloadNotObject),
        (format!("{good}x"), TokenError::PayloadNotObject),
        (format!("{good}{good}"), TokenError::PayloadNotObject),
        (format!("\u{feff}{good}"), TokenError::PayloadNotObject),
        (nested, TokenError::PayloadNotObject),
        (format!(r#"{{"x":1e400,{members}"#), TokenError::PayloadNotObject),
        (format!(r#"{{"exp":1,{members}"#), TokenError::DuplicateClaim),
        (format!(r#"{{"token_use":"id",{members}"#), TokenError::DuplicateClaim),
        (format!(r#"{{"ex\u0070":1,{members}"#), TokenError::DuplicateClaim),
        (format!(r#"{{"x":{{"y":1,"y":2}},{members}"#), TokenError::DuplicateClaim),
        (format!(r#"{{"iss":"https://evil.example.com",{members}"#), TokenError::InvalidIssuer),
    ] {
        let token = compact(r#"{"alg":"RS256","kid":"current"}"#, &payload, &KEY);
        let shown: String = payload.chars().take(60).collect();
        assert_eq!(refusal_of(&token).await, Some(expected), "{shown}");
    }
    let broken = good.replace("jane", "ja\u{0}ne").replace('\u{0}', "XX").into_bytes();
    let broken: Vec<u8> = broken.iter().map(|byte| if *byte == b'X' { 0xff } else { *byte }).collect();
    let token = compact(r#"{"alg":"RS256","kid":"current"}"#, &broken, &KEY);
    assert_eq!(refusal_of(&token).await, Some(TokenError::PayloadNotObject));
}

#[tokio::test]
async fn the_compact_form_is_read_strictly() {
    let good = KEY.token(&access_claims(NOW));
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    // 256 signature bytes leave four unused bits in the last character.
    let last = signature.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let twin = alphabet.chars().nth(alphabet.find(last).unwrap() + 1).unwrap();
    let stem = signature.strip_suffix(last).unwrap();
    for (token, expected) in [
        (String::new(), TokenError::NotThreeParts),
        ("x".to_owned(), TokenError::NotThreeParts),
        (format!("{header}.{payload}"), TokenError::NotThreeParts),
        (format!("{good}."), TokenError::NotThreeParts),
        (format!("{good}.x"), TokenError::NotThreeParts),
        (format!(".{good}"), TokenError::NotThreeParts),
        (format!("{good}.{payload}.{signature}"), TokenError::NotThreeParts),
        (".".repeat(10_240), TokenError::NotThreeParts),
        (".".repeat(100_000), TokenError::TooLong),
        ("a".repeat(MAX_TOKEN_BYTES + 1), TokenError::TooLong),
        (format!("{good}{}", "A".repeat(MAX_TOKEN_BYTES)), TokenError::TooLong),
        (format!("{header}=.{payload}.{signature}"), TokenError::NotBase64Url),
        (format!("{header}.{payload}.{signature}=="), TokenError::NotBase64Url),
        (format!("{header}.{payload}\n.{signature}"), TokenError::NotBase64Url),
        (format!(" {good}"), TokenError::NotBase64Url),
        (format!("{header}.{payload}.{stem}{twin}"), TokenError::NotBase64Url),
        (format!("{header}.+/{payload}.{signature}"), TokenError::NotBase64Url),
        (format!("{header}.{payload}.\0{signature}"), TokenError::NotBase64Url),
        (format!("{header}.{payload}.é{signature}"), TokenError::NotBase64Url),
    ] {
        let shown: String = token.chars().rev().take(40).collect();
        assert_eq!(refusal_of(&token).await, Some(expected), "...{shown}");
    }
}

#[tokio::test]
async fn no_bit_of_a_token_can_be_flipped() {
    let good = KEY.token(&access_claims(NOW));
    let verifier = verifier(verifier_settings());
    let (signing_input, signature) = good.rsplit_once('.').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let token = format!("{signing_input}.{}", URL_SAFE_NO_PAD.encode(flipped));
        assert_eq!(
            refusal(verify_at(&verifier, &token, NOW).await),
            Some(TokenError::BadSignature),
            "bit {bit}"
        );
    }
    for position in (0..signing_input.len()).filter(|position| !good[*position..].starts_with('.')) {
        let other = if &good[position..=position] == "A" { "B" } else { "A" };
        let token = format!("{}{other}{}", &good[..position], &good[position + 1..]);
        assert!(verify_at(&verifier, &token, NOW).await.is_err(), "position {position}");
    }
}

#[tokio::test]
async fn another_key_under_the_same_kid_does_not_verify() {
    assert_eq!(refusal_of(&OTHER_KEY.token(&access_claims(NOW))).await, Some(TokenError::BadSignature));
    let good = KEY.token(&access_claims(NOW));
    let (signing_input, _) = good.rsplit_once('.').unwrap();
    for signature in ["", "AA", &"A".repeat(342), &"A".repeat(1_000)] {
        assert_eq!(
            refusal_of(&format!("{signing_input}.{signature}")).await,
            Some(TokenError::BadSignature),
            "{} characters",
            signature.len()
        );
    }
}

#[tokio::test]
async fn a_token_signed_by_one_issuers_key_says_nothing_for_another_issuer() {
    let mut settings = verifier_settings();
    let second = "https://login.example.com";
    let second_url = "https://login.example.com/.well-known/jwks.json";
    settings.issuers.push(IssuerSettings {
        issuer: second.to_owned(),
        keys: key_source(second_url, &[Algorithm::RS256]),
        other_form: None,
        rules: TokenRules::OpenIdConnect { audiences: vec!["api".to_owned()] },
    });
    let provider = Provider::with(JWKS_URL, &jwks(&[&KEY]));
    provider.publish(second_url, &jwks(&[&OTHER_KEY]));
    let verifier = Verifier::new(settings, provider, UnixTime::from_secs(NOW));
    let second_claims = json!({ "iss": second, "sub": "u", "exp": NOW + 60, "aud": "api" });
    for (token, expected) in [
        (KEY.token(&access_claims(NOW)), None),
        (OTHER_KEY.token(&second_claims), None),
        (OTHER_KEY.token(&access_claims(NOW)), Some(TokenError::BadSignature)),
        (KEY.token(&second_claims), Some(TokenError::BadSignature)),
    ] {
        assert_eq!(refusal(verify_at(&verifier, &token, NOW).await), expected);
    }
}

#[tokio::test]
async fn each_issuers_tokens_are_held_to_its_own_rules() {
    let (pool, provider) =
        ("https://cognito-idp.us-east-1.amazonaws.com/us-east-1_B", "https://id.example.com");
    let mut settings = verifier_settings();
    let keys = Arc::clone(&settings.issuers[0].keys);
    for (issuer, rules) in [
        (
            pool,
            TokenRules::UserPool {
                clients: AllowedClients::Listed(vec!["other".to_owned()]),
                token_use: AllowedUse::Only(TokenUse::Id),
                audiences: Vec::new(),
            },
        ),
        (provider, TokenRules::OpenIdConnect { audiences: vec!["api".to_owned()] }),
    ] {
        let (issuer, keys) = (issuer.to_owned(), Arc::clone(&keys));
        settings.issuers.push(IssuerSettings { issuer, keys, other_form: None, rules });
    }
    let verifier = verifier(settings);
    let access = |client: &str| with(access_claims(NOW), "client_id", json!(client));
    let id = |client: &str| with(id_claims(NOW), "aud", json!(client));
    let plain = |aud: &str| json!({ "sub": "u", "exp": NOW + 60, "aud": aud });
    for (issuer, claims, expected) in [
        (ISSUER, access(CLIENT_ID), None),
        (ISSUER, access("other"), Some("wrong_client")),
        (ISSUER, id(CLIENT_ID), Some("wrong_token_use")),
        (ISSUER, plain("api"), Some("claim_missing")),
        (pool, access("other"), Some("wrong_token_use")),
        (pool, id("other"), None),
        (pool, id(CLIENT_ID), Some("wrong_client")),
        (pool, plain("other"), Some("claim_missing")),
        (provider, access(CLIENT_ID), Some("claim_missing")),
        (provider, id(CLIENT_ID), Some("wrong_audience")),
        (provider, id("api"), None),
        (provider, plain("api"), None),
    ] {
        let claims = with(claims, "iss", json!(issuer));
        let refused = refusal(verify_at(&verifier, &KEY.token(&claims), NOW).await);
        assert_eq!(refused.map(TokenError::code), expected, "{claims}");
    }
}

#[tokio::test]
async fn a_remembered_token_is_refused_once_it_has_expired() {
    let verifier = verifier(verifier_settings());
    let token = KEY.token(&access_claims(NOW));
    let mut trace = Trace::default();
    for (now, remembered) in [(NOW, false), (NOW + 1, true), (NOW + 3_599, true)] {
        assert!(verifier.verify(&token, UnixTime::from_secs(now), &mut trace).await.is_ok());
        assert_eq!(trace.remembered, remembered, "at {now}");
    }
    assert_eq!(refusal(verify_at(&verifier, &token, NOW + 3_600).await), Some(TokenError::Expired));
}

#[tokio::test]
async fn a_remembered_token_is_refused_when_the_clock_goes_back_before_its_nbf() {
    let verifier = verifier(verifier_settings());
    let token = access_with("nbf", json!(NOW));
    assert!(verify_at(&verifier, &token, NOW).await.is_ok());
    assert_eq!(refusal(verify_at(&verifier, &token, NOW - 1).await), Some(TokenError::NotYetValid));
}

#[tokio::test]
async fn a_remembered_token_is_refused_when_the_clock_goes_back_to_long_before_its_iat() {
    let verifier = verifier(verifier_settings());
    let token = access_with("iat", json!(NOW + 60));
    assert!(verify_at(&verifier, &token, NOW).await.is_ok());
    assert_eq!(refusal(verify_at(&verifier, &token, NOW - 1).await), Some(TokenError::IssuedInFuture));
}

#[tokio::test]
async fn only_verified_tokens_are_remembered_and_only_so_many() {
    let mut settings = verifier_settings();
    settings.token_cache_size = 2;
    let verifier = verifier(settings);
    let token = |jti: &str| access_with("jti", json!(jti));
    let tokens = [token("1"), token("2"), token("3")];
    let remembered = async |token: &str| {
        let mut trace = Trace::default();
        let _ = verifier.verify(token, UnixTime::from_secs(NOW), &mut trace).await;
        trace.remembered
    };
    for token in &tokens {
        assert!(!remembered(token).await);
    }
    assert!(remembered(&tokens[2]).await);
    assert!(remembered(&tokens[1]).await);
    assert!(!remembered(&tokens[0]).await, "the oldest had to go");
    let forged = OTHER_KEY.token(&access_claims(NOW));
    assert!(!remembered(&forged).await);
    assert!(!remembered(&forged).await, "a refusal is not remembered");
}

#[tokio::test]
async fn another_signature_or_payload_never_rides_on_a_remembered_token() {
    let verifier = verifier(verifier_settings());
    let good = KEY.token(&access_claims(NOW));
    assert!(verify_at(&verifier, &good, NOW).await.is_ok());
    let [header, _, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let payload = URL_SAFE_NO_PAD.encode(with(access_claims(NOW), "sub", json!("root")).to_string());
    let swapped = format!("{header}.{payload}.{signature}");
    assert_eq!(refusal(verify_at(&verifier, &swapped, NOW).await), Some(TokenError::BadSignature));
}

#[tokio::test]
async fn a_token_cache_of_size_zero_remembers_nothing() {
    let mut settings = verifier_settings();
    settings.token_cache_size = 0;
    let verifier = verifier(settings);
    let token = KEY.token(&access_claims(NOW));
    for _ in 0..2 {
        let mut trace = Trace::default();
        assert!(verifier.verify(&token, UnixTime::from_secs(NOW), &mut trace).await.is_ok());
        assert!(!trace.remembered);
    }
}

#[test]
fn every_refusal_has_a_code_of_its_own_and_quotes_nothing() {
    let errors = [
        TokenError::Missing,
        TokenError::Ambiguous,
        TokenError::WrongScheme,
        TokenError::TooLong,
        TokenError::NotThreeParts,
        TokenError::NotBase64Url,
        TokenError::HeaderNotObject,
        TokenError::HeaderDuplicateName,
        TokenError::InvalidAlgorithm,
        TokenError::InvalidKeyId,
        TokenError::CriticalExtension,
        TokenError::PayloadNotObject,
        TokenError::InvalidIssuer,
        TokenError::UnknownIssuer,
        TokenError::UnknownKey,
        TokenError::WrongAlgorithm,
        TokenError::BadSignature,
        TokenError::DuplicateClaim,
        TokenError::Expired,
        TokenError::NotYetValid,
        TokenError::IssuedInFuture,
        TokenError::WrongTokenUse,
        TokenError::WrongClient,
        TokenError::WrongAudience,
    ];
    let codes: std::collections::BTreeSet<_> = errors.iter().map(|error| error.code()).collect();
    assert_eq!(codes.len(), errors.len());
    for code in codes {
        assert!(
            code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'),
            "{code}"
        );
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_text_as_a_token_panics_or_passes(text in any::<String>()) {
        prop_assert!(block_on(refusal_of(&text)).is_some());
    }

    #[test]
    fn no_bytes_as_parts_of_a_token_panic_or_pass(header in any::<Vec<u8>>(), payload in any::<Vec<u8>>(), signature in any::<Vec<u8>>()) {
        let token = [header, payload, signature].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        prop_assert!(block_on(refusal_of(&token)).is_some());
    }

    #[test]
    fn no_signed_bytes_pass_unless_they_are_good_claims(payload in any::<Vec<u8>>()) {
        let token = compact(r#"{"alg":"RS256","kid":"current"}"#, payload, &KEY);
        prop_assert!(block_on(refusal_of(&token)).is_some());
    }

    #[test]
    fn no_signed_value_in_the_place_of_a_claim_panics(name in "[a-z_:]{0,12}|exp|nbf|iat|aud|sub|scope|cognito:groups", value in json_value()) {
        let token = KEY.token(&with(access_claims(NOW), &name, value));
        let _ = block_on(refusal_of(&token));
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}
