//! Which keys verify: key sets as providers publish them, and the key cache as requests meet it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on stops"
)]

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cognito_authorizer::{
    config::Config,
    testing::{
        CLIENT_ID, ISSUER, JWKS_URL, NOW, POOL_ID, Provider, Reply, SigningKey, access_claims, compact, jwks,
        key_source, verifier_settings,
    },
    time::{Stopwatch, UnixTime},
    token::{
        Algorithm, FetchError, FetchReport, IssuerSettings, JwksUrl, KeySet, KeySetError, KeySourceSettings,
        TokenError, Trace, Verifier, VerifierSettings, VerifyError,
    },
};
use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const TTL: u64 = 3_600;
const MAX_STALE: u64 = 86_400;
const COOLDOWN: u64 = 10;

static FIRST: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("first", Algorithm::RS256));
static SECOND: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("second", Algorithm::RS256));
/// Other key material under the `kid` of [`FIRST`].
static FIRST_ANEW: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("first", Algorithm::RS256));

/// A provider, and a verifier that asks it.
struct World {
    provider: Provider,
    verifier: Verifier<Provider>,
}

impl World {
    /// The default settings, and a provider that publishes `set`.
    fn publishing(set: &Value) -> Self {
        Self::new(verifier_settings(), Provider::with(JWKS_URL, set))
    }

    /// The same, with the set fetched at [`NOW`] by a request for [`FIRST`], which is in it.
    async fn holding(set: &Value) -> Self {
        let world = Self::publishing(set);
        assert_eq!(world.verify(&token(&FIRST), NOW).await, Ok(()));
        assert_eq!(world.fetches(), 1);
        world
    }

    fn new(settings: VerifierSettings, provider: Provider) -> Self {
        let verifier = Verifier::new(settings, provider.clone(), UnixTime::from_secs(NOW));
        Self { provider, verifier }
    }

    async fn verify(&self, token: &str, at: u64) -> Result<(), VerifyError> {
        self.trace(token, at).await.0
    }

    async fn trace(&self, token: &str, at: u64) -> (Result<(), VerifyError>, Trace) {
        let mut trace = Trace::default();
        let verdict = self.verifier.verify(token, UnixTime::from_secs(at), &mut trace).await;
        (verdict.map(|_| ()), trace)
    }

    fn fetches(&self) -> usize {
        self.provider.requests().len()
    }
}

/// A token of the pool that outlives every key set.
fn token(key: &SigningKey) -> String {
    token_of(ISSUER, key)
}

fn token_of(issuer: &str, key: &SigningKey) -> String {
    let mut claims = access_claims(NOW);
    claims["iss"] = issuer.into();
    claims["exp"] = (NOW + 100 * MAX_STALE).into();
    key.token(&claims)
}

/// A token that names a key that nobody has.
fn token_with_made_up_key_id(key_id: &str) -> String {
    let header = json!({ "alg": "RS256", "kid": key_id }).to_string();
    let payload = json!({ "iss": ISSUER }).to_string();
    format!("{}.{}.AAAA", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
}

const UNKNOWN_ISSUER: Result<(), VerifyError> = Err(VerifyError::Token(TokenError::UnknownIssuer));
const UNKNOWN_KEY: Result<(), VerifyError> = Err(VerifyError::Token(TokenError::UnknownKey));

fn unavailable(failure: Option<FetchError>) -> Result<(), VerifyError> {
    Err(VerifyError::KeysUnavailable(failure))
}

// Key sets

fn with(jwk: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut jwk = jwk.clone();
    jwk[name] = value.into();
    jwk
}

fn without(jwk: &Value, name: &str) -> Value {
    let mut jwk = jwk.clone();
    jwk.as_object_mut().unwrap().remove(name).unwrap();
    jwk
}

/// A key with the bytes of one member changed.
fn changed(jwk: &Value, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Value {
    let mut bytes = URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    change(&mut bytes);
    with(jwk, name, URL_SAFE_NO_PAD.encode(bytes))
}

/// The document of [`FIRST`] and another entry, which is JSON text of any kind.
fn document_with(entry: &str) -> Vec<u8> {
    format!(r#"{{"keys":[{entry},{}]}}"#, FIRST.jwk()).into_bytes()
}

/// Entries of `keys` that have one thing wrong with them.
fn odd_keys() -> Vec<(&'static str, String)> {
    let rsa = SigningKey::generate("odd", Algorithm::RS256).jwk();
    let ec = SigningKey::generate("odd", Algorithm::ES256).jwk();
    let okp = SigningKey::generate("odd", Algorithm::EdDSA).jwk();
    for sound in [&rsa, &ec, &okp] {
        let keys = KeySet::parse(&document_with(&sound.to_string()), &Algorithm::ALL).unwrap();
        assert_eq!(keys.len(), 2, "before anything is wrong with it, each of the three can be used");
    }
    let oct = json!({ "kid": "odd", "kty": "oct", "k": "c2VjcmV0" });
    let [x, y] = ["x", "y"].map(|name| URL_SAFE_NO_PAD.decode(ec[name].as_str().unwrap()).unwrap());
    let y_with_the_end_of_x = URL_SAFE_NO_PAD.encode([&x[31..], &y].concat());
    let keys = [
        ("post-quantum", json!({ "kid": "odd", "kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA" })),
        ("symmetric", oct.clone()),
        ("symmetric, for HS256", with(&oct, "alg", "HS256")),
        ("symmetric, for RS256", with(&oct, "alg", "RS256")),
        ("no kty", without(&rsa, "kty")),
        ("kty in lower case", with(&rsa, "kty", "rsa")),
        ("kty a number", with(&rsa, "kty", 7)),
        ("no kid", without(&rsa, "kid")),
        ("kid empty", with(&rsa, "kid", "")),
        ("kid a number", with(&rsa, "kid", 7)),
        ("kid null", with(&rsa, "kid", Value::Null)),
        ("for encryption", with(&rsa, "use", "enc")),
        ("use a list", with(&rsa, "use", json!(["sig"]))),
        ("use null", with(&rsa, "use", Value::Null)),
        ("for signing alone", with(&rsa, "key_ops", json!(["sign"]))),
        ("for no operation", with(&rsa, "key_ops", json!([]))),
        ("key_ops a string", with(&rsa, "key_ops", "verify")),
        ("key_ops with a number", with(&rsa, "key_ops", json!(["verify", 7]))),
        ("alg none", with(&rsa, "alg", "none")),
        ("alg HS256", with(&rsa, "alg", "HS256")),
        ("alg in lower case", with(&rsa, "alg", "rs256")),
        ("alg of another kty", with(&rsa, "alg", "ES256")),
        ("alg a number", with(&rsa, "alg", 256)),
        ("alg null", with(&rsa, "alg", Value::Null)),
        ("private: d", with(&rsa, "d", "AQAB")),
        ("private: p", with(&rsa, "p", "AQAB")),
        ("private: q", with(&rsa, "q", "AQAB")),
        ("private: dp", with(&rsa, "dp", "AQAB")),
        ("private: dq", with(&rsa, "dq", "AQAB")),
        ("private: qi", with(&rsa, "qi", "AQAB")),
        ("private: oth", with(&rsa, "oth", json!([]))),
        ("private: k", with(&rsa, "k", "AQAB")),
        ("private: d of a curve", with(&ec, "d", "AQAB")),
        ("no n", without(&rsa, "n")),
        ("n a number", with(&rsa, "n", 3233)),
        ("n empty", with(&rsa, "n", "")),
        ("n padded", with(&rsa, "n", format!("{}==", rsa["n"].as_str().unwrap()))),
        (
            "n in base64's other alphabet",
            with(&rsa, "n", rsa["n"].as_str().unwrap().replacen(|_| true, "+", 1)),
        ),
        ("n even", changed(&rsa, "n", |n| n[255] &= 0xfe)),
        ("n of 1024 bits", changed(&rsa, "n", |n| drop(n.splice(..129, [0x80])))),
        ("n of 2047 bits", changed(&rsa, "n", |n| n[0] = 0x7f)),
        ("n of 8193 bits", changed(&rsa, "n", |n| drop(n.splice(..0, [1; 1025 - 256])))),
        ("no e", without(&rsa, "e")),
        ("e empty", with(&rsa, "e", "")),
        ("e zero", with(&rsa, "e", "AA")),
        ("e one", with(&rsa, "e", "AQ")),
        ("e even", with(&rsa, "e", "AQAC")),
        ("secp256k1", with(&without(&ec, "alg"), "crv", "secp256k1")),
        ("no crv", without(&ec, "crv")),
        ("crv of a larger curve", with(&without(&ec, "alg"), "crv", "P-384")),
        ("alg of a larger curve", with(&ec, "alg", "ES384")),
        ("no x of a point", without(&ec, "x")),
        ("no y", without(&ec, "y")),
        ("off the curve", changed(&ec, "y", |y| y[31] ^= 1)),
        ("at infinity", with(&with(&ec, "x", "A".repeat(43)), "y", "A".repeat(43))),
        ("x a byte short", changed(&ec, "x", |x| x.truncate(31))),
        ("x a byte long", changed(&ec, "x", |x| x.insert(0, 0))),
        ("a byte of x in y", with(&changed(&ec, "x", |x| x.truncate(31)), "y", y_with_the_end_of_x)),
        ("Ed448", with(&okp, "crv", "Ed448")),
        ("X25519", with(&okp, "crv", "X25519")),
        ("no crv of an octet string", without(&okp, "crv")),
        ("no x", without(&okp, "x")),
        ("x of another length", changed(&okp, "x", |x| x.truncate(31))),
        ("an empty object", json!({})),
        ("a list", json!([])),
        ("a string", json!("odd")),
        ("a number", json!(7)),
        ("null", Value::Null),
    ];
    let texts = [
        ("a member twice", r#""kid":"odd","use":"sig""#.to_owned()),
        ("a member twice, once escaped", r#""kty":"RSA","\u006bty":"RSA""#.to_owned()),
        ("half a surrogate pair", r#""label":"\ud800""#.to_owned()),
        ("a number out of range", r#""label":1e999"#.to_owned()),
        ("nested too deep", format!(r#""label":{}{}"#, "[".repeat(200), "]".repeat(200))),
    ];
    let texts = texts.map(|(name, text)| (name, rsa.to_string().replacen('{', &format!("{{{text},"), 1)));
    keys.map(|(name, key)| (name, key.to_string())).into_iter().chain(texts).collect()
}

#[test]
fn one_odd_key_is_skipped_and_the_rest_of_its_set_serves() {
    for (name, entry) in odd_keys() {
        let keys = KeySet::parse(&document_with(&entry), &Algorithm::ALL).unwrap();
        assert_eq!((keys.len(), keys.skipped()), (1, 1), "{name}");
        assert!(keys.key("first").is_some(), "{name}");
    }
}

#[test]
fn a_key_that_is_merely_unusual_serves() {
    let jwk = SECOND.jwk();
    for (name, key) in [
        ("no use", without(&jwk, "use")),
        ("no alg", without(&jwk, "alg")),
        ("for verifying", with(&jwk, "key_ops", json!(["verify"]))),
        ("for signing and verifying", with(&jwk, "key_ops", json!(["sign", "verify"]))),
        ("certificates", with(&jwk, "x5c", json!(["MIIB"]))),
        ("an address of certificates", with(&jwk, "x5u", "https://example.com/certificate")),
        ("unknown members", with(&jwk, "issued", json!({ "at": [1.5, null] }))),
        ("n with a zero octet in front", changed(&jwk, "n", |n| n.insert(0, 0))),
        ("e with a zero octet in front", changed(&jwk, "e", |e| e.insert(0, 0))),
        ("e three", with(&jwk, "e", "Aw")),
    ] {
        let keys = KeySet::parse(&document_with(&key.to_string()), &[Algorithm::RS256]).unwrap();
        assert!(keys.key("second").is_some(), "{name}");
    }
}

#[test]
fn a_key_id_is_any_string_that_is_not_empty_compared_byte_by_byte() {
    for id in [
        " ",
        "a/../b",
        "https://example.com/keys",
        "ключ",
        "\u{0}",
        "a\"b",
        "First",
        "first ",
        &"x".repeat(5_000),
    ] {
        let document = document_with(&with(&SECOND.jwk(), "kid", id).to_string());
        let keys = KeySet::parse(&document, &[Algorithm::RS256]).unwrap();
        assert_eq!(&**keys.key(id).unwrap().id(), id);
        assert_eq!(&**keys.key("first").unwrap().id(), "first");
    }
}

#[test]
fn a_kid_that_stands_twice_serves_nobody() {
    let set = |list: &[&Value]| json!({ "keys": list }).to_string().into_bytes();
    let (first, anew, second) = (&FIRST.jwk(), &FIRST_ANEW.jwk(), &SECOND.jwk());
    for doubled in [[first, anew, second], [anew, second, first], [first, first, second]] {
        let keys = KeySet::parse(&set(&doubled), &[Algorithm::RS256]).unwrap();
        assert!(keys.key("first").is_none());
        assert!(keys.key("second").is_some());
        assert_eq!((keys.len(), keys.skipped()), (1, 2));
    }
}

#[test]
fn a_kid_is_not_ambiguous_for_a_double_that_verifies_nothing() {
    let double = with(&FIRST_ANEW.jwk(), "use", "enc");
    let keys = KeySet::parse(&document_with(&double.to_string()), &[Algorithm::RS256]).unwrap();
    assert!(keys.key("first").unwrap().verify_signature(b"message", &FIRST.sign(b"message")));
}

#[test]
fn a_key_is_fixed_to_its_own_alg_or_else_to_the_first_configured_one_that_fits() {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS512, RS256, RS384};
    let key = |algorithm, alg: Option<&str>| {
        let jwk = without(&SigningKey::generate("odd", algorithm).jwk(), "alg");
        alg.map_or(jwk.clone(), |alg| with(&jwk, "alg", alg))
    };
    for (jwk, configured, expected) in [
        (key(RS256, None), &[RS256][..], Some(RS256)),
        (key(RS256, None), &[RS384, RS256], Some(RS384)),
        (key(RS256, None), &[ES256, PS512, RS256], Some(PS512)),
        (key(RS256, None), &[ES256, EdDSA], None),
        (key(RS256, Some("PS256")), &[RS256, PS256], Some(PS256)),
        (key(RS256, Some("PS256")), &[RS256], None),
        (key(ES256, None), &[RS256, ES384, ES256], Some(ES256)),
        (key(ES256, None), &[RS256, ES384], None),
        (key(EdDSA, None), &[RS256, EdDSA], Some(EdDSA)),
        (key(EdDSA, None), &[RS256], None),
        (key(RS256, None), &[], None),
    ] {
        let keys = KeySet::parse(json!({ "keys": [jwk] }).to_string().as_bytes(), configured);
        let algorithm = keys.map(|keys| keys.key("odd").unwrap().algorithm());
        assert_eq!(algorithm, expected.ok_or(KeySetError::NoUsableKey), "{jwk} for {configured:?}");
    }
}

/// Documents that must take nobody's place.
fn useless_documents() -> Vec<(&'static str, Vec<u8>, KeySetError)> {
    use KeySetError::{NoUsableKey, NotKeySet};
    let good = jwks(&[&FIRST]).to_string();
    let with_bytes = |bytes: &[u8]| [br#"{"note":""#, bytes, br#"","#, &good.as_bytes()[1..]].concat();
    vec![
        ("nothing", Vec::new(), NotKeySet),
        ("white space", b" \n".to_vec(), NotKeySet),
        ("html", b"<!DOCTYPE html><title>Bad gateway</title>".to_vec(), NotKeySet),
        ("null", b"null".to_vec(), NotKeySet),
        ("a list", b"[]".to_vec(), NotKeySet),
        ("a list of keys in a list", format!("[[{}]]", FIRST.jwk()).into_bytes(), NotKeySet),
        ("a key without a set", FIRST.jwk().to_string().into_bytes(), NotKeySet),
        ("no keys", b"{}".to_vec(), NotKeySet),
        ("keys null", br#"{"keys":null}"#.to_vec(), NotKeySet),
        ("keys an object", br#"{"keys":{}}"#.to_vec(), NotKeySet),
        ("keys a string", br#"{"keys":"x"}"#.to_vec(), NotKeySet),
        ("keys in upper case", good.replacen("keys", "KEYS", 1).into_bytes(), NotKeySet),
        ("keys twice", good.replacen('{', r#"{"keys":[],"#, 1).into_bytes(), NotKeySet),
        ("a byte order mark", format!("\u{feff}{good}").into_bytes(), NotKeySet),
        ("junk behind it", format!("{good}x").into_bytes(), NotKeySet),
        ("two documents", format!("{good}{good}").into_bytes(), NotKeySet),
        ("cut off", good.as_bytes()[..good.len() - 1].to_vec(), NotKeySet),
        ("invalid utf-8", with_bytes(b"\xff"), NotKeySet),
        ("an empty list", br#"{"keys":[]}"#.to_vec(), NoUsableKey),
        (
            "nothing but odd keys",
            br#"{"keys":[null,7,{},{"kid":"first","kty":"oct","k":"AAAA"}]}"#.to_vec(),
            NoUsableKey,
        ),
    ]
}

#[test]
fn what_is_no_set_of_keys_is_no_key_set() {
    for (name, document, error) in useless_documents() {
        assert_eq!(KeySet::parse(&document, &Algorithm::ALL).map(|keys| keys.len()), Err(error), "{name}");
    }
}

#[test]
fn members_beside_keys_and_white_space_around_the_document_are_of_no_account() {
    let good = jwks(&[&FIRST]).to_string();
    for document in [
        format!("\r\n\t {good}\n"),
        good.replacen('{', r#"{"issuer":{"keys":[]},"next":null,"#, 1),
        good.replacen("keys", r"\u006beys", 1),
    ] {
        assert!(KeySet::parse(document.as_bytes(), &[Algorithm::RS256]).is_ok(), "{document}");
    }
}

proptest! {
    #[test]
    fn no_bytes_are_a_key_set_without_a_key(bytes in vec(any::<u8>(), 0..600)) {
        if let Ok(keys) = KeySet::parse(&bytes, &Algorithm::ALL) {
            prop_assert!(keys.len() > 0);
        }
    }

    #[test]
    fn no_change_to_a_key_set_leaves_one_without_a_key(
        from in any::<Index>(),
        length in 0..40_usize,
        bytes in vec(any::<u8>(), 0..40),
    ) {
        let mut document = jwks(&[&FIRST]).to_string().into_bytes();
        let from = from.index(document.len());
        let to = document.len().min(from + length);
        document.splice(from..to, bytes);
        if let Ok(keys) = KeySet::parse(&document, &Algorithm::ALL) {
            prop_assert!(keys.len() > 0);
        }
    }
}

// The key cache, as requests meet it

#[tokio::test]
async fn a_known_key_causes_no_fetch_until_its_set_is_stale() {
    let mut settings = verifier_settings();
    settings.token_cache_size = 0;
    let world = World::new(settings, Provider::with(JWKS_URL, &jwks(&[&FIRST])));
    for (at, fetches) in
        [(0, 1), (1, 1), (COOLDOWN, 1), (TTL - 1, 1), (TTL, 2), (2 * TTL - 1, 2), (2 * TTL, 3)]
    {
        assert_eq!(world.verify(&token(&FIRST), NOW + at).await, Ok(()), "after {at} s");
        assert_eq!(world.fetches(), fetches, "after {at} s");
    }
}

#[tokio::test]
async fn an_attempt_is_followed_by_a_cooldown_whether_it_succeeds_or_fails() {
    let set = jwks(&[&FIRST]);
    let status = FetchError::Status(503);
    let empty = FetchError::KeySet(KeySetError::NoUsableKey);
    for (reply, first, second) in [
        (Reply::Body(set.to_string().into()), UNKNOWN_KEY, UNKNOWN_KEY),
        (Reply::Body(br#"{"keys":[]}"#.to_vec()), unavailable(Some(empty)), unavailable(Some(empty))),
        (Reply::Fail(status), unavailable(Some(status)), unavailable(Some(status))),
    ] {
        let world = World::publishing(&set);
        world.provider.reply(JWKS_URL, reply.clone());
        for round in 0..3 {
            let start = NOW + round * COOLDOWN;
            let fetches = usize::try_from(round).unwrap() + 1;
            assert_eq!(world.verify(&token(&SECOND), start).await, first, "{reply:?}");
            assert_eq!(world.fetches(), fetches, "{reply:?}");
            assert_eq!(world.verify(&token(&SECOND), start + COOLDOWN - 1).await, second, "{reply:?}");
            assert_eq!(world.fetches(), fetches, "{reply:?}");
        }
    }
}

#[tokio::test]
async fn a_flood_of_made_up_key_ids_costs_one_fetch_per_cooldown() {
    let world = World::holding(&jwks(&[&FIRST])).await;
    for (at, fetches) in [(0, 1), (COOLDOWN - 1, 1), (COOLDOWN, 2), (2 * COOLDOWN - 1, 2), (2 * COOLDOWN, 3)]
    {
        for number in 0..1_000 {
            let made_up = token_with_made_up_key_id(&format!("{at}-{number}"));
            assert_eq!(world.verify(&made_up, NOW + at).await, UNKNOWN_KEY);
        }
        assert_eq!(world.verify(&token(&FIRST), NOW + at).await, Ok(()), "a known key, after {at} s");
        assert_eq!(world.fetches(), fetches, "after {at} s");
    }
}

#[tokio::test]
async fn nothing_is_kept_of_what_callers_make_up() {
    let world = World::holding(&jwks(&[&FIRST])).await;
    let bad_signature = Err(VerifyError::Token(TokenError::BadSignature));
    let known = json!({ "alg": "RS256", "kid": "first" });
    let unsigned = |header: &Value, payload: &Value| {
        let [header, payload] = [header, payload].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        format!("{header}.{payload}.AAAA")
    };
    // All that the verifier holds, keys, remembered tokens and the provider's record of requests included.
    let held = format!("{:?}", world.verifier);
    for number in 0..1_000 {
        let made_up = format!("https://{number}.example.com");
        for (header, payload, refusal) in [
            (known.clone(), json!({ "iss": ISSUER, "sub": made_up }), bad_signature),
            (with(&known, "kid", made_up.clone()), json!({ "iss": ISSUER }), UNKNOWN_KEY),
            (known.clone(), json!({ "iss": made_up }), UNKNOWN_ISSUER),
        ] {
            assert_eq!(world.verify(&unsigned(&header, &payload), NOW).await, refusal, "{header} {payload}");
        }
    }
    assert_eq!(format!("{:?}", world.verifier), held);
}

#[tokio::test]
async fn a_token_that_is_refused_for_its_shape_or_its_issuer_causes_no_fetch() {
    let good = json!({ "alg": "RS256", "kid": "first" });
    let claims = access_claims(NOW);
    let double = r#"{"alg":"RS256","kid":"first","kid":"first"}"#;
    let world = World::publishing(&jwks(&[&FIRST]));
    for (header, payload, code) in [
        ("nonsense".to_owned(), claims.to_string(), "header_not_object"),
        (double.to_owned(), claims.to_string(), "header_duplicate_name"),
        (without(&good, "alg").to_string(), claims.to_string(), "invalid_alg"),
        (with(&good, "alg", 5).to_string(), claims.to_string(), "invalid_alg"),
        (without(&good, "kid").to_string(), claims.to_string(), "invalid_kid"),
        (with(&good, "kid", 5).to_string(), claims.to_string(), "invalid_kid"),
        (with(&good, "kid", json!(["first"])).to_string(), claims.to_string(), "invalid_kid"),
        (with(&good, "crit", json!(["exp"])).to_string(), claims.to_string(), "critical_extension"),
        (good.to_string(), "nonsense".to_owned(), "payload_not_object"),
        (good.to_string(), "[]".to_owned(), "payload_not_object"),
        (good.to_string(), without(&claims, "iss").to_string(), "invalid_issuer"),
        (good.to_string(), with(&claims, "iss", 5).to_string(), "invalid_issuer"),
        (good.to_string(), with(&claims, "iss", OTHER_ISSUER).to_string(), "unknown_issuer"),
    ] {
        let verdict = world.verify(&compact(&header, &payload, &FIRST), NOW).await;
        let Err(VerifyError::Token(refusal)) = verdict else { panic!("{header} {payload}: {verdict:?}") };
        assert_eq!((refusal.code(), world.fetches()), (code, 0), "{header} {payload}");
    }
    assert_eq!((world.verify(&token(&FIRST), NOW).await, world.fetches()), (Ok(()), 1));
}

#[tokio::test]
async fn a_key_is_read_once_for_each_set_that_brings_it() {
    let mut settings = verifier_settings();
    settings.token_cache_size = 0;
    let world = World::new(settings, Provider::with(JWKS_URL, &jwks(&[&FIRST])));
    let key_id = async |at| world.trace(&token(&FIRST), NOW + at).await.1.key_id.unwrap();
    let first = key_id(0).await;
    // A key keeps its `kid` where it was put when the key was read.
    for (at, is_first) in [(1, true), (TTL - 1, true), (TTL, false)] {
        assert_eq!(Arc::ptr_eq(&first, &key_id(at).await), is_first, "after {at} s");
    }
}

#[tokio::test]
async fn a_new_key_verifies_as_soon_as_a_token_names_it() {
    let world = World::holding(&jwks(&[&FIRST])).await;
    world.provider.publish(JWKS_URL, &jwks(&[&FIRST, &SECOND]));
    assert_eq!(world.verify(&token(&SECOND), NOW + COOLDOWN).await, Ok(()));
    assert_eq!(world.verify(&token(&FIRST), NOW + COOLDOWN).await, Ok(()));
    assert_eq!(world.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn whatever_a_refresh_brings_instead_of_keys_the_good_ones_go_on_serving() {
    let mut replies: Vec<(String, Reply, FetchError)> = useless_documents()
        .into_iter()
        .map(|(name, body, error)| (name.to_owned(), Reply::Body(body), FetchError::KeySet(error)))
        .collect();
    for error in [
        FetchError::Unreachable,
        FetchError::Status(302),
        FetchError::Status(404),
        FetchError::Status(500),
        FetchError::TooLarge,
        FetchError::Interrupted,
    ] {
        replies.push((error.to_string(), Reply::Fail(error), error));
    }
    replies.push(("no answer".to_owned(), Reply::Hang, FetchError::Timeout));

    for (name, reply, error) in replies {
        let world = World::holding(&jwks(&[&FIRST])).await;
        world.provider.reply(JWKS_URL, reply);
        for at in [TTL, TTL + COOLDOWN, MAX_STALE - COOLDOWN] {
            let (verdict, trace) = world.trace(&token(&FIRST), NOW + at).await;
            assert_eq!((verdict, trace.fetch), (Ok(()), Some(Err(error))), "{name}, after {at} s");
        }
        let made_up = world.trace(&token_with_made_up_key_id("x"), NOW + MAX_STALE - 1).await;
        assert_eq!((made_up.0, made_up.1.fetch), (UNKNOWN_KEY, None), "{name}");
        assert_eq!(world.fetches(), 4, "{name}");
    }
}

#[tokio::test]
async fn an_expired_set_is_nobody_s_fault_but_the_provider_s() {
    let world = World::holding(&jwks(&[&FIRST])).await;
    let down = FetchError::Status(500);
    world.provider.reply(JWKS_URL, Reply::Fail(down));
    assert_eq!(world.verify(&token(&FIRST), NOW + MAX_STALE - 1).await, Ok(()));
    for at in [0, COOLDOWN - 2, COOLDOWN - 1, COOLDOWN] {
        let at = NOW + MAX_STALE + at;
        assert_eq!(world.verify(&token(&FIRST), at).await, unavailable(Some(down)), "a remembered token");
        let made_up = token_with_made_up_key_id("x");
        assert_eq!(world.verify(&made_up, at).await, unavailable(Some(down)), "a made-up key");
    }
    world.provider.publish(JWKS_URL, &jwks(&[&FIRST]));
    assert_eq!(world.verify(&token(&FIRST), NOW + MAX_STALE + 2 * COOLDOWN).await, Ok(()));
}

#[tokio::test]
async fn a_withdrawn_key_stops_working_after_the_next_refresh_for_remembered_tokens_too() {
    for (next_refresh, caused_by) in [(TTL, token(&FIRST)), (COOLDOWN, token_with_made_up_key_id("x"))] {
        let world = World::holding(&jwks(&[&FIRST, &SECOND])).await;
        world.provider.publish(JWKS_URL, &jwks(&[&SECOND]));
        let (verdict, trace) = world.trace(&token(&FIRST), NOW + next_refresh - 1).await;
        assert_eq!((verdict, trace.remembered), (Ok(()), true));
        assert_eq!(world.verify(&caused_by, NOW + next_refresh).await, UNKNOWN_KEY);
        assert_eq!(world.verify(&token(&FIRST), NOW + next_refresh).await, UNKNOWN_KEY);
        assert_eq!(world.verify(&token(&SECOND), NOW + next_refresh).await, Ok(()));
        assert_eq!(world.fetches(), 2);
    }
}

#[tokio::test]
async fn new_material_under_an_old_kid_verifies_and_the_old_material_no_longer_does() {
    let world = World::holding(&jwks(&[&FIRST])).await;
    world.provider.publish(JWKS_URL, &jwks(&[&FIRST_ANEW]));
    let bad_signature = Err(VerifyError::Token(TokenError::BadSignature));
    assert_eq!(world.verify(&token(&FIRST_ANEW), NOW).await, bad_signature);
    assert_eq!(world.verify(&token(&FIRST), NOW + TTL).await, bad_signature);
    assert_eq!(world.verify(&token(&FIRST_ANEW), NOW + TTL).await, Ok(()));
}

#[tokio::test]
async fn a_remembered_token_is_verified_anew_once_after_each_refresh() {
    let world = World::holding(&jwks(&[&FIRST])).await;
    for (at, remembered) in [(0, true), (TTL, false), (TTL, true), (2 * TTL, false), (2 * TTL, true)] {
        let (verdict, trace) = world.trace(&token(&FIRST), NOW + at).await;
        assert_eq!((verdict, trace.remembered), (Ok(()), remembered), "after {at} s");
    }
}

#[tokio::test]
async fn the_fetch_that_a_request_made_is_in_its_trace_and_in_no_other() {
    let world = World::publishing(&json!({ "keys": [FIRST.jwk(), SECOND.jwk(), { "kty": "oct" }] }));
    let report = Some(Ok(FetchReport { usable: 2, skipped: 1 }));
    for (at, fetch) in [(0, report), (0, None), (TTL, report), (TTL, None)] {
        assert_eq!(world.trace(&token(&FIRST), NOW + at).await.1.fetch, fetch, "after {at} s");
    }
}

#[tokio::test(start_paused = true)]
async fn keys_that_a_request_waited_for_are_not_from_memory_whichever_request_fetched_them() {
    let (world, token) = (World::publishing(&jwks(&[&FIRST])), token(&FIRST));
    let set = jwks(&[&FIRST]).to_string().into_bytes();
    world.provider.reply(JWKS_URL, Reply::After(Duration::from_millis(100), set));
    let (one, other) = tokio::join!(world.trace(&token, NOW), world.trace(&token, NOW));
    let later = world.trace(&token, NOW + 1).await;
    for ((verdict, trace), has_fetched, from_memory) in
        [(one, true, false), (other, false, false), (later, false, true)]
    {
        assert_eq!(verdict, Ok(()));
        assert_eq!((trace.fetch.is_some(), trace.key_from_memory), (has_fetched, from_memory));
    }
}

// Waiting

#[tokio::test(start_paused = true)]
async fn a_request_waits_for_a_provider_that_hangs_only_as_long_as_it_may() {
    const SECOND_OF_GRACE: Duration = Duration::from_secs(1);
    for (timeout, with_a_stale_key) in
        [(3_000, SECOND_OF_GRACE), (1_500, SECOND_OF_GRACE), (200, Duration::from_millis(200))]
    {
        let timeout = Duration::from_millis(timeout);
        let mut settings = verifier_settings();
        settings.fetch_timeout = timeout;
        let world = World::new(settings, Provider::with(JWKS_URL, &jwks(&[&FIRST])));

        world.provider.reply(JWKS_URL, Reply::Hang);
        let timed_out = unavailable(Some(FetchError::Timeout));
        assert_eq!(lasts(world.verify(&token(&FIRST), NOW)).await, (timed_out, timeout), "no key");
        world.provider.publish(JWKS_URL, &jwks(&[&FIRST]));
        assert_eq!(world.verify(&token(&FIRST), NOW + COOLDOWN).await, Ok(()));

        world.provider.reply(JWKS_URL, Reply::Hang);
        let stale = lasts(world.verify(&token(&FIRST), NOW + COOLDOWN + TTL)).await;
        assert_eq!(stale, (Ok(()), with_a_stale_key), "a stale key");
        let made_up = token_with_made_up_key_id("x");
        let unknown = lasts(world.verify(&made_up, NOW + 2 * COOLDOWN + TTL)).await;
        assert_eq!(unknown, (UNKNOWN_KEY, timeout), "no such key");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_key_is_at_hand_never_waits_behind_the_refresh_of_another() {
    for (at, busy) in [(COOLDOWN, token_with_made_up_key_id("x")), (TTL, token(&FIRST))] {
        let world = World::holding(&jwks(&[&FIRST])).await;
        world.provider.reply(JWKS_URL, Reply::Hang);
        let known = token(&FIRST);
        let (_, other) = tokio::join!(world.verify(&busy, NOW + at), lasts(world.verify(&known, NOW + at)));
        assert_eq!(other, (Ok(()), Duration::ZERO), "after {at} s");
        assert_eq!(world.fetches(), 2, "after {at} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_given_up_while_it_fetches_blocks_nobody() {
    let world = World::publishing(&jwks(&[&FIRST]));
    world.provider.reply(JWKS_URL, Reply::Hang);
    let given_up = tokio::time::timeout(Duration::from_millis(10), world.verify(&token(&FIRST), NOW)).await;
    assert!(given_up.is_err());
    world.provider.publish(JWKS_URL, &jwks(&[&FIRST]));
    assert_eq!(world.verify(&token(&FIRST), NOW + COOLDOWN - 1).await, unavailable(None));
    assert_eq!(world.verify(&token(&FIRST), NOW + COOLDOWN).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_thousand_requests_at_once_share_one_fetch() {
    let both = Reply::Body(jwks(&[&FIRST, &SECOND]).to_string().into());
    let timed_out = unavailable(Some(FetchError::Timeout));
    let (known, new) = (Some(&*FIRST), Some(&*SECOND));
    let made_up = None;
    // When they come (at 0 nothing was fetched before), the key that they name, the provider's answer, what
    // the one gets that fetched, what the others get, and for how many seconds they wait.
    for (at, key, reply, one, others, seconds) in [
        (0, known, &both, Ok(()), Ok(()), 0),
        (0, made_up, &both, UNKNOWN_KEY, UNKNOWN_KEY, 0),
        (0, known, &Reply::Hang, timed_out, timed_out, 3),
        (COOLDOWN, new, &both, Ok(()), Ok(()), 0),
        (COOLDOWN, made_up, &both, UNKNOWN_KEY, UNKNOWN_KEY, 0),
        (COOLDOWN, made_up, &Reply::Hang, UNKNOWN_KEY, UNKNOWN_KEY, 3),
        (TTL, known, &both, Ok(()), Ok(()), 0),
        (TTL, known, &Reply::Hang, Ok(()), Ok(()), 1),
        (MAX_STALE, known, &both, Ok(()), Ok(()), 0),
        (MAX_STALE, made_up, &both, UNKNOWN_KEY, UNKNOWN_KEY, 0),
        (MAX_STALE, known, &Reply::Hang, timed_out, timed_out, 3),
    ] {
        let set = jwks(&[&FIRST]);
        let world = Arc::new(if at == 0 { World::publishing(&set) } else { World::holding(&set).await });
        world.provider.reply(JWKS_URL, reply.clone());
        let fetches = world.fetches();
        let shared = key.map(token);
        let mut requests = JoinSet::new();
        for number in 0..1_000 {
            let token = shared.clone().unwrap_or_else(|| token_with_made_up_key_id(&number.to_string()));
            let world = Arc::clone(&world);
            requests.spawn(async move { world.verify(&token, NOW + at).await });
        }
        let (verdicts, waited) = lasts(requests.join_all()).await;
        let row = format!("{:?} after {at} s, {reply:?}", key.map(|key| &key.id));
        let count = |wanted| verdicts.iter().filter(|verdict| **verdict == wanted).count();
        assert_eq!(count(others), if one == others { 1_000 } else { 999 }, "{row}");
        assert!(count(one) >= 1, "{row}");
        assert_eq!(world.fetches() - fetches, 1, "{row}");
        assert_eq!(waited, Duration::from_secs(seconds), "{row}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_slow_but_well_is_heard_in_spite_of_the_short_limit_for_stale_sets() {
    let world = World::holding(&jwks(&[&FIRST])).await;
    let new = jwks(&[&SECOND]).to_string().into_bytes();
    world.provider.reply(JWKS_URL, Reply::After(Duration::from_millis(1_200), new));
    // Traffic with the old key is there all the time, and takes each attempt.
    for at in 0..2 * COOLDOWN {
        let _ = world.verify(&token(&FIRST), NOW + TTL + at).await;
    }
    assert_eq!(world.verify(&token(&SECOND), NOW + TTL + 2 * COOLDOWN).await, Ok(()));
    assert_eq!(world.verify(&token(&FIRST), NOW + TTL + 2 * COOLDOWN).await, UNKNOWN_KEY);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waited_for_a_fetch_makes_none_of_its_own() {
    let set = jwks(&[&FIRST]).to_string().into_bytes();
    let timed_out = unavailable(Some(FetchError::Timeout));
    for (reply, verdict, longest) in [
        (Reply::Hang, timed_out, Duration::from_secs(8)),
        (Reply::After(Duration::from_millis(2_500), set), Ok(()), Duration::from_millis(2_500)),
    ] {
        let mut settings = verifier_settings();
        settings.fetch_timeout = Duration::from_secs(8);
        settings.key_cache.cooldown = Duration::from_secs(1);
        let world = Arc::new(World::new(settings, Provider::default()));
        world.provider.reply(JWKS_URL, reply);
        let mut requests = JoinSet::new();
        for second in 0..3 {
            let world = Arc::clone(&world);
            requests.spawn(async move {
                tokio::time::sleep(Duration::from_secs(second)).await;
                lasts(world.verify(&token(&FIRST), NOW + second)).await
            });
        }
        for (found, time) in requests.join_all().await {
            assert_eq!(found, verdict);
            assert!(time <= longest, "{time:?}");
        }
        assert_eq!(world.fetches(), 1);
    }
}

/// A future's value, and the time that it took on the paused clock.
async fn lasts<T>(future: impl Future<Output = T>) -> (T, Duration) {
    let stopwatch = Stopwatch::start();
    let value = future.await;
    (value, stopwatch.elapsed())
}

// Several issuers

const OTHER_ISSUER: &str = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_ZyXwVu987";

fn usual_address(issuer: &str) -> String {
    format!("{issuer}/.well-known/jwks.json")
}

fn two_pools() -> VerifierSettings {
    let mut settings = verifier_settings();
    let rules = settings.issuers[0].rules.clone();
    let keys = key_source(&usual_address(OTHER_ISSUER), &[Algorithm::RS256]);
    settings.issuers.push(IssuerSettings { issuer: OTHER_ISSUER.to_owned(), keys, other_form: None, rules });
    settings
}

#[tokio::test]
async fn each_issuer_s_tokens_are_verified_by_its_own_keys_only() {
    // Both pools have a key named first; only one has a key named second.
    let provider = Provider::with(JWKS_URL, &jwks(&[&FIRST]));
    provider.publish(&usual_address(OTHER_ISSUER), &jwks(&[&FIRST_ANEW, &SECOND]));
    let world = World::new(two_pools(), provider);
    let bad_signature = Err(VerifyError::Token(TokenError::BadSignature));
    for (issuer, key, verdict) in [
        (ISSUER, &FIRST, Ok(())),
        (ISSUER, &FIRST_ANEW, bad_signature),
        (ISSUER, &SECOND, UNKNOWN_KEY),
        (OTHER_ISSUER, &FIRST, bad_signature),
        (OTHER_ISSUER, &FIRST_ANEW, Ok(())),
        (OTHER_ISSUER, &SECOND, Ok(())),
    ] {
        assert_eq!(world.verify(&token_of(issuer, key), NOW).await, verdict, "{} of {issuer}", key.id);
    }
}

#[tokio::test]
async fn one_issuer_s_failing_provider_is_no_concern_of_another_s() {
    let provider = Provider::with(JWKS_URL, &jwks(&[&FIRST]));
    let world = World::new(two_pools(), provider);
    let failure = Some(FetchError::Unreachable);
    assert_eq!(world.verify(&token_of(OTHER_ISSUER, &SECOND), NOW).await, unavailable(failure));
    assert_eq!(world.verify(&token(&FIRST), NOW).await, Ok(()));
    assert_eq!(world.verify(&token_of(OTHER_ISSUER, &SECOND), NOW).await, unavailable(failure));
    world.provider.publish(&usual_address(OTHER_ISSUER), &jwks(&[&SECOND]));
    assert_eq!(world.verify(&token_of(OTHER_ISSUER, &SECOND), NOW + COOLDOWN).await, Ok(()));
}

#[tokio::test]
async fn each_form_of_a_pool_s_issuer_has_its_keys_fetched_when_a_token_names_it_and_not_before() {
    let newer = newer_form();
    let newer_url = usual_address(&newer);
    let forbidden = FetchError::Status(403);
    let provider = Provider::with(JWKS_URL, &jwks(&[&FIRST]));
    provider.reply(&newer_url, Reply::Fail(forbidden));
    let world = World::new(one_pool(), provider);

    assert_eq!(world.verifier.warm_up(UnixTime::from_secs(NOW)).await, None);
    assert_eq!(world.provider.requests(), [""; 0]);
    assert_eq!(world.verify(&token(&FIRST), NOW).await, Ok(()));
    assert_eq!(world.provider.requests(), [JWKS_URL]);
    assert_eq!(world.verify(&token_of(&newer, &FIRST), NOW).await, UNKNOWN_ISSUER);
    assert_eq!(world.provider.requests(), [JWKS_URL, &newer_url]);
    assert_eq!(world.verify(&token(&FIRST), NOW + COOLDOWN).await, Ok(()));
    assert_eq!(world.provider.requests(), [JWKS_URL, &newer_url]);

    world.provider.publish(&newer_url, &jwks(&[&SECOND]));
    assert_eq!(world.verify(&token_of(&newer, &SECOND), NOW + COOLDOWN).await, Ok(()));
    assert_eq!(world.provider.requests(), [JWKS_URL, &newer_url, &newer_url]);
}

/// One pool with both of its issuer forms, as the configuration makes it.
fn one_pool() -> VerifierSettings {
    let variables = |name: &str| match name {
        "USER_POOL_ID" => Some(POOL_ID.into()),
        "CLIENT_ID" => Some(CLIENT_ID.into()),
        _ => None,
    };
    Config::read(&variables).unwrap().authorizer.verifier
}

fn newer_form() -> String {
    format!("https://issuer-cognito-idp.eu-west-1.amazonaws.com/{POOL_ID}")
}

#[tokio::test]
async fn an_issuer_form_that_its_pool_does_not_use_is_unknown_and_never_an_error() {
    let newer = newer_form();
    let named = token_of(&newer, &FIRST);
    let older = jwks(&[&FIRST]).to_string().into_bytes();
    // What the named form's address says, what the other's does, and the verdict on a token of the named form.
    for (this, other, verdict) in [
        (FetchError::Status(403), Reply::Body(older.clone()), UNKNOWN_ISSUER),
        (FetchError::Status(404), Reply::Body(older.clone()), UNKNOWN_ISSUER),
        (FetchError::Status(400), Reply::Body(older.clone()), unavailable(Some(FetchError::Status(400)))),
        (FetchError::Status(429), Reply::Body(older.clone()), unavailable(Some(FetchError::Status(429)))),
        (FetchError::Status(503), Reply::Body(older.clone()), unavailable(Some(FetchError::Status(503)))),
        (FetchError::Unreachable, Reply::Body(older), unavailable(Some(FetchError::Unreachable))),
        (
            FetchError::Status(403),
            Reply::Fail(FetchError::Status(403)),
            unavailable(Some(FetchError::Status(403))),
        ),
        (
            FetchError::Status(403),
            Reply::Fail(FetchError::Timeout),
            unavailable(Some(FetchError::Status(403))),
        ),
    ] {
        let provider = Provider::default();
        provider.reply(&usual_address(&newer), Reply::Fail(this));
        provider.reply(JWKS_URL, other.clone());
        let world = World::new(one_pool(), provider);
        for at in [0, 1, COOLDOWN, COOLDOWN + 1] {
            assert_eq!(world.verify(&named, NOW + at).await, verdict, "{this:?}, {other:?} after {at} s");
        }
    }
}

/// A caller names the form that the pool does not use, and the pool is slow: whoever names the other is served.
#[tokio::test(start_paused = true)]
async fn a_form_that_is_refused_slowly_costs_the_other_form_s_tokens_nothing() {
    let newer = newer_form();
    let (refused, keys) = (FetchError::Status(403), jwks(&[&FIRST]).to_string().into_bytes());
    let newer_url = usual_address(&newer);
    let ms = Duration::from_millis;
    for (limit, refused_after, verdict, fetched_for_it) in [
        // Within their own limits, and together beyond one.
        (ms(3_000), ms(2_950), UNKNOWN_ISSUER, &[newer_url.as_str(), JWKS_URL][..]),
        // There is just time for the other form's whole fetch, and then there is not: none is made.
        (ms(8_000), ms(0), UNKNOWN_ISSUER, &[newer_url.as_str(), JWKS_URL]),
        (ms(8_000), ms(100), unavailable(Some(refused)), &[newer_url.as_str()]),
    ] {
        let provider = Provider::default();
        provider.reply(&newer_url, Reply::FailAfter(refused_after, refused));
        provider.reply(JWKS_URL, Reply::After(ms(500), keys.clone()));
        let world = World::new(VerifierSettings { fetch_timeout: limit, ..one_pool() }, provider);
        let (found, trace) = world.trace(&token_of(&newer, &FIRST), NOW).await;
        assert_eq!((found, trace.fetch), (verdict, Some(Err(refused))), "{limit:?}");
        assert_eq!(world.provider.requests(), fetched_for_it, "{limit:?}");
        assert_eq!(trace.other_fetch.is_some(), fetched_for_it.len() == 2, "{limit:?}");
        assert_eq!(world.verify(&token(&FIRST), NOW).await, Ok(()), "{limit:?}");
    }
}

#[tokio::test]
async fn a_refresh_of_one_issuer_s_keys_leaves_another_s_as_they_are() {
    let other_url = usual_address(OTHER_ISSUER);
    let provider = Provider::with(JWKS_URL, &jwks(&[&FIRST]));
    provider.publish(&other_url, &jwks(&[&FIRST]));
    let world = World::new(two_pools(), provider);
    let other = token_of(OTHER_ISSUER, &FIRST);
    assert_eq!(world.verify(&token(&FIRST), NOW).await, Ok(()));
    assert_eq!(world.verify(&other, NOW).await, Ok(()));
    for url in [JWKS_URL, &other_url] {
        world.provider.publish(url, &jwks(&[&SECOND]));
    }
    assert_eq!(world.verify(&token(&SECOND), NOW + COOLDOWN).await, Ok(()));
    assert_eq!(world.verify(&token(&FIRST), NOW + COOLDOWN).await, UNKNOWN_KEY);
    let (verdict, trace) = world.trace(&other, NOW + COOLDOWN).await;
    assert_eq!((verdict, trace.remembered), (Ok(()), true));
    assert_eq!(world.provider.requests(), [JWKS_URL, &other_url, JWKS_URL]);
}

#[tokio::test]
async fn a_key_file_says_nothing_of_which_issuer_form_its_pool_uses() {
    let mut settings = one_pool();
    let algorithms = vec![Algorithm::RS256];
    for (issuer, url) in settings.issuers.iter_mut().zip([JWKS_URL, &usual_address(&newer_form())]) {
        let preloaded = key_file(&FIRST).preloaded.clone();
        let url = JwksUrl::parse(url).unwrap();
        issuer.keys = Arc::new(KeySourceSettings { url, algorithms: algorithms.clone(), preloaded });
    }
    let (older, newer) = (settings.issuers[0].keys.clone(), settings.issuers[1].keys.clone());
    settings.issuers[0].other_form = Some(newer);
    settings.issuers[1].other_form = Some(older);
    let provider = Provider::with(JWKS_URL, &jwks(&[&FIRST]));
    provider.reply(&usual_address(&newer_form()), Reply::Fail(FetchError::Status(403)));
    let world = World::new(settings, provider);
    let named = token_of(&newer_form(), &SECOND);
    assert_eq!(world.verify(&named, NOW).await, UNKNOWN_KEY);
    assert_eq!(world.verify(&named, NOW + MAX_STALE).await, UNKNOWN_ISSUER);
}

#[tokio::test]
async fn an_issuer_form_that_has_served_keys_is_never_taken_for_unknown() {
    let newer_url = usual_address(&newer_form());
    let provider = Provider::with(JWKS_URL, &jwks(&[&FIRST]));
    provider.publish(&newer_url, &jwks(&[&SECOND]));
    let world = World::new(one_pool(), provider);
    let named = token_of(&newer_form(), &SECOND);
    assert_eq!(world.verify(&named, NOW).await, Ok(()));
    let forbidden = FetchError::Status(403);
    world.provider.reply(&newer_url, Reply::Fail(forbidden));
    for at in [MAX_STALE, MAX_STALE + 1, MAX_STALE + COOLDOWN] {
        assert_eq!(world.verify(&token(&FIRST), NOW + at).await, Ok(()));
        assert_eq!(world.verify(&named, NOW + at).await, unavailable(Some(forbidden)), "after {at} s");
    }
}

#[tokio::test]
async fn issuers_that_share_an_address_share_its_fetches() {
    let mut settings = two_pools();
    settings.issuers[1].keys = Arc::clone(&settings.issuers[0].keys);
    let world = World::new(settings, Provider::with(JWKS_URL, &jwks(&[&FIRST])));
    assert_eq!(world.verify(&token_of(OTHER_ISSUER, &FIRST), NOW).await, Ok(()));
    assert_eq!(world.verify(&token(&FIRST), NOW).await, Ok(()));
    assert_eq!(world.provider.requests(), [JWKS_URL]);
}

#[tokio::test]
async fn only_configured_addresses_are_ever_asked() {
    const ELSEWHERE: &str = "https://attacker.example/keys";
    const ELSEWHERE_USUAL: &str = "https://attacker.example/keys/.well-known/jwks.json";
    let attacker = &*FIRST_ANEW;
    let plain = json!({ "alg": "RS256", "kid": "first" });
    let unknown = with(&plain, "kid", "other");
    let url = Value::from(ELSEWHERE);

    // The header, the issuer, the signer, and what becomes of it.
    let rows = [
        (plain.clone(), ISSUER, &*FIRST, None),
        (with(&plain, "jku", url.clone()), ISSUER, &FIRST, None),
        (with(&plain, "jku", url.clone()), ISSUER, attacker, Some(TokenError::BadSignature)),
        (with(&plain, "x5u", url.clone()), ISSUER, attacker, Some(TokenError::BadSignature)),
        (with(&plain, "jwk", attacker.jwk()), ISSUER, attacker, Some(TokenError::BadSignature)),
        (with(&plain, "x5c", json!(["MIIB"])), ISSUER, attacker, Some(TokenError::BadSignature)),
        (with(&unknown, "jku", url.clone()), ISSUER, attacker, Some(TokenError::UnknownKey)),
        (with(&unknown, "x5u", url.clone()), ISSUER, attacker, Some(TokenError::UnknownKey)),
        (with(&unknown, "jwk", attacker.jwk()), ISSUER, attacker, Some(TokenError::UnknownKey)),
        (with(&plain, "kid", url.clone()), ISSUER, attacker, Some(TokenError::UnknownKey)),
        (with(&plain, "kid", "../../keys"), ISSUER, attacker, Some(TokenError::UnknownKey)),
        (with(&plain, "jku", url), ELSEWHERE, attacker, Some(TokenError::UnknownIssuer)),
        (plain.clone(), ELSEWHERE, attacker, Some(TokenError::UnknownIssuer)),
        (plain.clone(), ELSEWHERE_USUAL, attacker, Some(TokenError::UnknownIssuer)),
        (plain.clone(), OTHER_ISSUER, attacker, Some(TokenError::UnknownIssuer)),
        (plain, "file:///etc/passwd", attacker, Some(TokenError::UnknownIssuer)),
    ];
    let world = World::publishing(&jwks(&[&FIRST]));
    for url in [ELSEWHERE, ELSEWHERE_USUAL] {
        world.provider.publish(url, &jwks(&[attacker]));
    }
    let mut at = NOW;
    for (header, issuer, signer, refusal) in rows {
        // Every one of them could cause a fetch, were there an address to ask.
        at += COOLDOWN;
        let token =
            compact(&header.to_string(), with(&access_claims(NOW), "iss", issuer).to_string(), signer);
        let expected = refusal.map_or(Ok(()), |refusal| Err(VerifyError::Token(refusal)));
        assert_eq!(world.verify(&token, at).await, expected, "{header} of {issuer}");
    }
    let requests = world.provider.requests();
    assert!(requests.len() > 1 && requests.iter().all(|url| url == JWKS_URL), "{requests:?}");
}

// Start-up

#[tokio::test]
async fn a_warm_up_of_the_one_provider_serves_the_first_request() {
    let world = World::publishing(&json!({ "keys": [FIRST.jwk(), { "kty": "oct" }] }));
    let report = world.verifier.warm_up(UnixTime::from_secs(NOW)).await;
    assert_eq!(report, Some(Ok(FetchReport { usable: 1, skipped: 1 })));
    assert_eq!(world.verify(&token(&FIRST), NOW).await, Ok(()));
    assert_eq!(world.verify(&token(&SECOND), NOW + COOLDOWN - 1).await, UNKNOWN_KEY);
    assert_eq!(world.fetches(), 1);
}

#[tokio::test]
async fn a_warm_up_is_made_once_and_only_where_the_first_token_is_certain_to_need_it() {
    let preloaded = |mut settings: VerifierSettings| {
        settings.issuers[0].keys = key_file(&FIRST);
        settings
    };
    for (settings, warm_ups, fetches) in [
        (verifier_settings(), 1, 1),
        (verifier_settings(), 3, 1),
        (preloaded(verifier_settings()), 1, 0),
        (two_pools(), 1, 0),
        (preloaded(two_pools()), 1, 0),
    ] {
        let world = World::new(settings, Provider::with(JWKS_URL, &jwks(&[&FIRST])));
        for _ in 0..warm_ups {
            world.verifier.warm_up(UnixTime::from_secs(NOW)).await;
        }
        assert_eq!(world.fetches(), fetches);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_warm_up_lets_the_first_request_try_again_at_once() {
    for (reply, error) in [
        (Reply::Fail(FetchError::Unreachable), FetchError::Unreachable),
        (Reply::Body(b"{}".to_vec()), FetchError::KeySet(KeySetError::NotKeySet)),
        (Reply::Hang, FetchError::Timeout),
    ] {
        let world = World::publishing(&jwks(&[&FIRST]));
        world.provider.reply(JWKS_URL, reply);
        assert_eq!(world.verifier.warm_up(UnixTime::from_secs(NOW)).await, Some(Err(error)));
        world.provider.publish(JWKS_URL, &jwks(&[&FIRST]));
        assert_eq!(world.verify(&token(&FIRST), NOW).await, Ok(()), "{error}");
    }
}

/// The usual address, and a key file.
fn key_file(key: &SigningKey) -> Arc<KeySourceSettings> {
    let algorithms = vec![Algorithm::RS256];
    let keys = KeySet::parse(jwks(&[key]).to_string().as_bytes(), &algorithms).unwrap();
    let url = JwksUrl::parse(JWKS_URL).unwrap();
    Arc::new(KeySourceSettings { url, algorithms, preloaded: Some(Arc::new(keys)) })
}

#[tokio::test]
async fn a_key_file_needs_no_provider_until_it_is_stale_and_is_then_refreshed_like_any_set() {
    let mut settings = verifier_settings();
    settings.issuers[0].keys = key_file(&FIRST);
    let world = World::new(settings, Provider::default());
    for (at, verdict, fetches) in [
        (0, Ok(()), 0),
        (TTL - 1, Ok(()), 0),
        (TTL, Ok(()), 1),
        (MAX_STALE - 1, Ok(()), 2),
        (MAX_STALE + COOLDOWN, unavailable(Some(FetchError::Unreachable)), 3),
    ] {
        assert_eq!(world.verify(&token(&FIRST), NOW + at).await, verdict, "after {at} s");
        assert_eq!(world.fetches(), fetches, "after {at} s");
    }
}

#[tokio::test]
async fn a_key_that_is_not_in_the_key_file_is_looked_for_at_its_provider() {
    let mut settings = verifier_settings();
    settings.issuers[0].keys = key_file(&FIRST);
    let world = World::new(settings, Provider::with(JWKS_URL, &jwks(&[&SECOND])));
    assert_eq!(world.verify(&token(&SECOND), NOW).await, Ok(()));
    assert_eq!(world.verify(&token(&FIRST), NOW).await, UNKNOWN_KEY);
}

/// A process that starts at `start` with a key file of [`FIRST`] alone.
fn process_with_key_file(provider: &Provider, start: u64) -> World {
    let mut settings = verifier_settings();
    settings.issuers[0].keys = key_file(&FIRST);
    let verifier = Verifier::new(settings, provider.clone(), UnixTime::from_secs(start));
    World { provider: provider.clone(), verifier }
}

/// Process starts, long after the key file was written.
const STARTS: [u64; 3] = [NOW, NOW + MAX_STALE + 1, NOW + 60 * MAX_STALE];

#[tokio::test]
async fn a_key_file_whose_keys_still_hold_is_fetched_anew_once_each_process_has_had_it_for_the_ttl() {
    for start in STARTS {
        let world = process_with_key_file(&Provider::with(JWKS_URL, &jwks(&[&FIRST])), start);
        for (at, fetches) in
            [(0, 0), (TTL - 1, 0), (TTL, 1), (2 * TTL - 1, 1), (2 * TTL, 2), (MAX_STALE + TTL, 3)]
        {
            assert_eq!(world.verify(&token(&FIRST), start + at).await, Ok(()), "{start}, after {at} s");
            assert_eq!(world.fetches(), fetches, "{start}, after {at} s");
        }
    }
}

#[tokio::test]
async fn with_no_network_a_key_file_serves_each_process_until_it_may_be_no_older_however_old_the_file_is() {
    for start in STARTS {
        let world = process_with_key_file(&Provider::default(), start);
        for at in [0, TTL, MAX_STALE - 1] {
            assert_eq!(world.verify(&token(&FIRST), start + at).await, Ok(()), "{start}, after {at} s");
        }
        let expired = world.verify(&token(&FIRST), start + MAX_STALE).await;
        assert_eq!(expired, unavailable(Some(FetchError::Unreachable)), "{start}");
    }
}

#[tokio::test]
async fn a_key_newer_than_the_key_file_is_fetched_once_or_refused_until_the_network_is_back() {
    let rotated = jwks(&[&FIRST, &SECOND]);
    let world = process_with_key_file(&Provider::with(JWKS_URL, &rotated), NOW);
    for key in [&SECOND, &FIRST, &SECOND] {
        assert_eq!((world.verify(&token(key), NOW).await, world.fetches()), (Ok(()), 1), "{}", key.id);
    }

    let world = process_with_key_file(&Provider::default(), NOW);
    let (verdict, trace) = world.trace(&token(&SECOND), NOW).await;
    assert_eq!((verdict, trace.fetch), (UNKNOWN_KEY, Some(Err(FetchError::Unreachable))));
    world.provider.publish(JWKS_URL, &rotated);
    for (at, verdict, fetches) in [(COOLDOWN - 1, UNKNOWN_KEY, 1), (COOLDOWN, Ok(()), 2)] {
        assert_eq!(world.verify(&token(&FIRST), NOW + at).await, Ok(()), "the old key, after {at} s");
        assert_eq!(world.verify(&token(&SECOND), NOW + at).await, verdict, "after {at} s");
        assert_eq!(world.fetches(), fetches, "after {at} s");
    }
}

#[tokio::test]
async fn a_withdrawn_key_is_taken_from_the_key_file_by_each_new_process_until_its_first_refresh() {
    let provider = Provider::with(JWKS_URL, &jwks(&[&SECOND]));
    for (process, start) in STARTS.into_iter().enumerate() {
        let world = process_with_key_file(&provider, start);
        for (at, verdict, fetches) in [(0, Ok(()), 0), (TTL - 1, Ok(()), 0), (TTL, UNKNOWN_KEY, 1)] {
            assert_eq!(world.verify(&token(&FIRST), start + at).await, verdict, "{start}, after {at} s");
            assert_eq!(world.fetches(), process + fetches, "{start}, after {at} s");
        }
    }
    // A token of another key brings the refresh before its time.
    let world = process_with_key_file(&provider, NOW);
    assert_eq!(world.verify(&token(&FIRST), NOW).await, Ok(()));
    assert_eq!(world.verify(&token(&SECOND), NOW + 1).await, Ok(()));
    assert_eq!(world.verify(&token(&FIRST), NOW + 1).await, UNKNOWN_KEY);
}

#[tokio::test(start_paused = true)]
async fn where_nothing_answers_requests_wait_only_for_a_stale_key_file_or_a_key_that_it_lacks() {
    const NONE: Duration = Duration::ZERO;
    const PATIENCE: Duration = Duration::from_secs(1);
    const TIMEOUT: Duration = Duration::from_secs(3);
    let provider = Provider::default();
    provider.reply(JWKS_URL, Reply::Hang);
    let known = process_with_key_file(&provider, NOW);
    for (at, wait) in [
        (0, NONE),
        (TTL - 1, NONE),
        (TTL, PATIENCE),
        (TTL + COOLDOWN - 1, NONE),
        (TTL + COOLDOWN, TIMEOUT),
        (TTL + 2 * COOLDOWN, TIMEOUT),
    ] {
        let verdict = lasts(known.verify(&token(&FIRST), NOW + at)).await;
        assert_eq!(verdict, (Ok(()), wait), "the file's key, after {at} s");
    }
    let new = process_with_key_file(&provider, NOW);
    for (at, wait) in [(0, TIMEOUT), (COOLDOWN - 1, NONE), (COOLDOWN, TIMEOUT)] {
        let verdict = lasts(new.verify(&token(&SECOND), NOW + at)).await;
        assert_eq!(verdict, (UNKNOWN_KEY, wait), "another key, after {at} s");
    }
}

#[tokio::test]
async fn a_key_file_asks_nobody_for_as_long_as_the_ttl_is_set() {
    const WEEK: u64 = 604_800;
    let mut settings = verifier_settings();
    settings.issuers[0].keys = key_file(&FIRST);
    (settings.key_cache.ttl, settings.key_cache.max_stale) =
        (Duration::from_secs(WEEK), Duration::from_secs(WEEK));
    let world = World::new(settings, Provider::default());
    for at in [0, TTL, MAX_STALE, WEEK - 1] {
        assert_eq!(world.verify(&token(&FIRST), NOW + at).await, Ok(()), "after {at} s");
    }
    assert_eq!(world.fetches(), 0);
}
