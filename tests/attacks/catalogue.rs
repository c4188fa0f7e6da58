//! The classes of attack that RFC 8725 names and that verifiers have fallen to, each with tokens that try it.
#![allow(clippy::too_many_lines, reason = "tables")]

use std::pin::Pin;

use cognito_authorizer::{
    authorizer::AuthorizerSettings,
    testing::{
        CLIENT_ID, ISSUER, JWKS_URL, NOW, SigningKey, access_claims, compact, id_claims, key_source, settings,
    },
    token::{Algorithm, AllowedClients, AllowedUse, IssuerSettings, TokenRules},
};
use serde_json::{Value, json};

use crate::{
    forgeries::{
        ATTACKER, KEY, current_keys, encode, forged, good_parts, header, jwk_with, keys_with, of_a_stranger,
        signed_with, signed_with_the_public_key, under_a_known_kid, with_claim, with_header, with_hmac,
        with_payload, with_written_claim,
    },
    scenes,
};

/// One class of attack.
pub(crate) struct Row {
    pub(crate) class: &'static str,
    /// Where it is described, or who fell to it.
    pub(crate) source: &'static str,
    pub(crate) defence: &'static str,
    pub(crate) attack: Attack,
}

/// Tokens, each with the code of the reason for which it must be refused.
type Tokens = Vec<(&'static str, String)>;

/// How it is tried.
pub(crate) enum Attack {
    /// On the usual settings.
    Tokens(Tokens),
    /// On other settings, or where other keys are published beside the pool's.
    Under(Box<AuthorizerSettings>, Value, Tokens),
    /// In more than one step, with assertions of its own.
    Scene(Pin<Box<dyn Future<Output = ()>>>),
}

pub(crate) fn rows() -> Vec<Row> {
    let parts =
        [signatures(), keys(), key_ids_and_addresses(), issuers_and_audiences(), claims(), spelling()];
    parts.into_iter().flatten().chain(caches_and_answers()).collect()
}

fn row(class: &'static str, source: &'static str, defence: &'static str, attack: Attack) -> Row {
    Row { class, source, defence, attack }
}

fn refused(reason: &'static str, tokens: impl IntoIterator<Item = String>) -> Attack {
    Attack::Tokens(each(reason, tokens))
}

fn refused_with_key(odd: Value, reason: &'static str, tokens: impl IntoIterator<Item = String>) -> Attack {
    Attack::Under(Box::new(settings()), keys_with(odd), each(reason, tokens))
}

fn each(reason: &'static str, tokens: impl IntoIterator<Item = String>) -> Tokens {
    tokens.into_iter().map(|token| (reason, token)).collect()
}

fn both(one: Tokens, other: Tokens) -> Attack {
    Attack::Tokens([one, other].concat())
}

fn scene(scene: impl Future<Output = ()> + 'static) -> Attack {
    Attack::Scene(Box::pin(scene))
}

fn signatures() -> Vec<Row> {
    let algorithms = |names: &[&str]| -> Vec<String> {
        names.iter().map(|name| forged(&[("alg", json!(name))])).collect()
    };
    let unsigned = |alg: &str| signed_with(&header(&[("alg", json!(alg))]), |_| Vec::new());
    let [good_header, payload, _] = good_parts();
    vec![
        row(
            "`alg` that says none, in any spelling",
            "RFC 8725 §2.1, §3.2; CVE-2015-9235, CVE-2022-23540",
            "`alg` is only compared with the key's algorithm",
            refused(
                "wrong_algorithm",
                ["none", "None", "NONE", "nOnE", "none "]
                    .map(unsigned)
                    .into_iter()
                    .chain(algorithms(&["none"])),
            ),
        ),
        row(
            "no signature at all",
            "RFC 8725 §3.3",
            "a signature is verified before a claim is read",
            both(
                each("bad_signature", [format!("{good_header}.{payload}.")]),
                each("not_three_parts", [format!("{good_header}.{payload}")]),
            ),
        ),
        row(
            "a public key as the secret of an HMAC",
            "RFC 8725 §2.1; CVE-2022-23541, CVE-2023-48223, CVE-2026-34950",
            "there is no symmetric algorithm",
            refused(
                "wrong_algorithm",
                ["HS256", " HS256", "hs256", "HS512"].into_iter().flat_map(signed_with_the_public_key),
            ),
        ),
        row(
            "`alg` taken from the token where the key has none",
            "RFC 8725 §3.1; CVE-2026-22817, CVE-2026-22818, CVE-2021-46743",
            "a key without `alg` gets the first configured algorithm that fits",
            Attack::Under(
                Box::new(settings()),
                json!({ "keys": [jwk_with(KEY.jwk(), &[("alg", Value::Null)])] }),
                each(
                    "wrong_algorithm",
                    algorithms(&["RS384", "PS256", "ES256", "rs256"])
                        .into_iter()
                        .chain(signed_with_the_public_key("HS256")),
                ),
            ),
        ),
        row(
            "a signature by another key under a known `kid`",
            "RFC 8725 §3.3",
            "the key's own bytes verify",
            refused("bad_signature", [under_a_known_kid()]),
        ),
        row(
            "an empty or zero ECDSA signature",
            "CVE-2022-21449",
            "AWS-LC refuses r and s of zero; Wycheproof's vectors are run",
            zero_ecdsa(),
        ),
        row(
            "a token in a token, under encryption or compressed",
            "RFC 8725 §2.3, §2.4, §3.3, §3.6; GHSA-cjwg-qfpm-7377, CVE-2026-29000",
            "three parts exactly, one algorithm per key; nothing is decrypted, inflated or read twice",
            nested(),
        ),
    ]
}

fn zero_ecdsa() -> Attack {
    let key = SigningKey::generate("curve", Algorithm::ES256);
    let mut settings = settings();
    settings.verifier.issuers[0].keys = key_source(JWKS_URL, &[Algorithm::RS256, Algorithm::ES256]);
    let header = header(&[("alg", json!("ES256")), ("kid", json!("curve"))]);
    let signatures = [vec![0; 64], vec![0; 72], Vec::new(), vec![0xff; 64], vec![0x30, 6, 2, 1, 0, 2, 1, 0]];
    let tokens = signatures.map(|signature| signed_with(&header, |_| signature));
    Attack::Under(Box::new(settings), keys_with(key.jwk()), each("bad_signature", tokens))
}

fn nested() -> Attack {
    let good = KEY.token(&access_claims(NOW));
    let [header_part, payload, signature] = good_parts();
    let encrypted = header(&[("alg", json!("RSA-OAEP")), ("enc", json!("A128GCM")), ("zip", json!("DEF"))]);
    let five = format!("{header_part}.{payload}.{payload}.{payload}.{signature}");
    let mut tokens = each("not_three_parts", [five, format!("{}.AA.AA.AA.AA", encode(&encrypted))]);
    tokens.extend(each("wrong_algorithm", [with_header(&encrypted)]));
    tokens.extend(each("payload_not_object", [with_payload(&good), with_payload(format!("\"{good}\""))]));
    Attack::Tokens(tokens)
}

fn keys() -> Vec<Row> {
    let odd =
        |members: &[(&str, Value)]| jwk_with(ATTACKER.jwk(), &[&[("kid", json!("odd"))], members].concat());
    let of_odd = || [forged(&[("kid", json!("odd"))])];
    let weak = odd(&[("n", json!(encode([0xc5; 128])))]);
    let oct = json!({ "kty": "oct", "kid": "odd", "alg": "HS256", "use": "sig", "k": encode("secret") });
    let curve = SigningKey::generate("odd", Algorithm::ES256);
    let off_curve = jwk_with(curve.jwk(), &[("y", json!(encode([7; 32])))]);
    let private = odd(&[("d", json!("AQAB"))]);
    let with_curve = |settings: &mut AuthorizerSettings| {
        settings.verifier.issuers[0].keys = key_source(JWKS_URL, &[Algorithm::RS256, Algorithm::ES256]);
    };
    let mut curves = settings();
    with_curve(&mut curves);
    vec![
        row(
            "keys that are too small",
            "RFC 8725 §3.5; CVE-2022-23539, CVE-2025-45767",
            "RSA from 2048 bits; a smaller key is skipped when its set is read",
            refused_with_key(weak, "unknown_key", of_odd()),
        ),
        row(
            "a symmetric key in a key set, or a secret that is easy to guess",
            "RFC 8725 §2.2, §3.5",
            "`oct` keys are skipped",
            refused_with_key(
                oct,
                "unknown_key",
                [with_hmac(&header(&[("alg", json!("HS256")), ("kid", json!("odd"))]), b"secret")],
            ),
        ),
        row(
            "a point that is not on its curve",
            "RFC 8725 §2.5, §3.4",
            "keys are checked when their set is read",
            Attack::Under(
                Box::new(curves),
                keys_with(off_curve),
                each("unknown_key", [curve.token(&access_claims(NOW))]),
            ),
        ),
        row(
            "a key that is published for encryption",
            "jsonwebtoken",
            "`use` must be `sig`",
            refused_with_key(odd(&[("use", json!("enc"))]), "unknown_key", of_odd()),
        ),
        row(
            "a key that is published for other operations",
            "RFC 7517 §4.3",
            "`key_ops` must hold `verify`",
            refused_with_key(odd(&[("key_ops", json!(["encrypt", "wrapKey"]))]), "unknown_key", of_odd()),
        ),
        row(
            "a private key that was published",
            "RFC 7517 §9.2",
            "a key with private members is skipped: anyone can sign with it",
            refused_with_key(private, "unknown_key", of_odd()),
        ),
        row(
            "two keys under one `kid`",
            "aws-jwt-verify takes the first, the JVM's java-jwt the last",
            "neither serves",
            Attack::Under(
                Box::new(settings()),
                json!({ "keys": [KEY.jwk(), odd(&[]), jwk_with(KEY.jwk(), &[("kid", json!("odd"))])] }),
                each("unknown_key", of_odd()),
            ),
        ),
    ]
}

fn key_ids_and_addresses() -> Vec<Row> {
    let own = jwk_with(ATTACKER.jwk(), &[("kid", json!("current"))]);
    let long = "k".repeat(5_000);
    let kids = [
        "../../../../dev/null",
        "/proc/sys/kernel/randomize_va_space",
        "x' UNION SELECT 'secret",
        "https://evil.example.com/jwks.json",
        "current\n{\"level\":\"INFO\"}",
        "current\0",
        "Current",
        "cur\u{440}ent",
        &long,
    ];
    vec![
        row(
            "a key, or its address, inside the token",
            "RFC 8725 §2.9, §3.10; CVE-2018-0114, CVE-2026-27962",
            "`jwk`, `jku`, `x5u` and `x5c` are never read",
            refused(
                "bad_signature",
                [
                    forged(&[("jwk", own)]),
                    forged(&[("jku", json!("https://evil.example.com/jwks.json"))]),
                    forged(&[("x5u", json!("https://evil.example.com/chain.pem"))]),
                    forged(&[("x5c", json!(["MIIB"]))]),
                ],
            ),
        ),
        row(
            "a `kid` made to be a path, a query, an address or a line of a log",
            "RFC 8725 §2.9, §3.10",
            "`kid` is a key of a map and nothing else",
            refused("unknown_key", kids.map(|kid| forged(&[("kid", json!(kid))]))),
        ),
        row(
            "a `kid` that stands for no key",
            "GHSA-gmvf-9v4p-v8jc",
            "what is missing is an error and never a default",
            both(
                each(
                    "invalid_kid",
                    [Value::Null, json!(""), json!(0), json!(["current"]), json!({})]
                        .map(|kid| forged(&[("kid", kid)])),
                ),
                each(
                    "unknown_key",
                    ["undefined", "null", "__proto__", "constructor", "default"]
                        .map(|kid| forged(&[("kid", json!(kid))])),
                ),
            ),
        ),
        row(
            "one provider's key taken for another's with the same `kid`",
            "RFC 8725 §3.8; CVE-2025-59936",
            "keys belong to their configured address; nothing of a token is part of its name",
            scene(scenes::two_issuers_with_one_kid()),
        ),
        row(
            "a flood of made-up `kid`s",
            "spring-security-oauth#1793, libjwt#313",
            "one fetch per cooldown, and nothing kept per `kid`",
            scene(scenes::a_flood_of_key_ids()),
        ),
        row(
            "a flood of made-up issuers",
            "aws-jwt-verify's generic verifier",
            "state exists for configured issuers alone",
            scene(scenes::a_flood_of_issuers()),
        ),
    ]
}

fn issuers_and_audiences() -> Vec<Row> {
    let issuers = |values: &[Value]| values.iter().map(|iss| with_claim("iss", iss)).collect::<Vec<_>>();
    let texts = |values: &[&str]| issuers(&values.iter().map(|text| json!(text)).collect::<Vec<_>>());
    let pool = ISSUER.rsplit('/').next().unwrap();
    vec![
        row(
            "an issuer whose address the verifier is to ask",
            "RFC 8725 §2.9; nodedb#61, langfuse#13507",
            "issuers are a closed list, and so are addresses; there is no discovery, and redirects are not followed",
            refused(
                "unknown_issuer",
                texts(&[
                    "http://169.254.169.254/latest/meta-data",
                    "http://127.0.0.1:9001/2018-06-01/runtime",
                    "file:///var/task",
                    "https://evil.example.com",
                    &format!("https://cognito-idp.eu-west-1.amazonaws.com@evil.example.com/{pool}"),
                ]),
            ),
        ),
        row(
            "no issuer, where there is one provider",
            "RFC 8725 §3.8; nodedb#61",
            "`iss` is always compared",
            both(
                each("invalid_issuer", issuers(&[Value::Null])),
                each(
                    "unknown_issuer",
                    texts(&["", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other0000"]),
                ),
            ),
        ),
        row(
            "a wrong issuer taken for no token",
            "Envoy #15194, Istio's bulletin 2021-001",
            "there is no mode in which a token may be missing",
            both(
                each("unknown_issuer", texts(&["https://evil.example.com"])),
                each("token_missing", [String::new()]),
            ),
        ),
        row(
            "a part of an issuer's name, or one that looks like it",
            "pyjwt#1020",
            "compared whole, byte by byte",
            refused(
                "unknown_issuer",
                texts(&[
                    ISSUER.strip_suffix('3').unwrap(),
                    &format!("{ISSUER}/"),
                    &format!("{ISSUER}X"),
                    &format!(" {ISSUER}"),
                    &ISSUER.to_uppercase(),
                    &ISSUER.replace("https", "http"),
                    pool,
                ]),
            ),
        ),
        row(
            "a list of issuers",
            "fast-jwt#552, jsonwebtoken",
            "`iss` is a string",
            refused(
                "invalid_issuer",
                issuers(&[
                    json!([ISSUER]),
                    json!([ISSUER, "https://evil.example.com"]),
                    json!({ ISSUER: 1 }),
                    json!(1),
                ]),
            ),
        ),
        row(
            "a token for somebody else",
            "RFC 8725 §2.7, §3.9",
            "`client_id` is always compared",
            refused(
                "wrong_client",
                ["another", " ", &CLIENT_ID.to_lowercase(), "*"]
                    .map(|id| with_claim("client_id", &json!(id))),
            ),
        ),
        row(
            "an audience that is missing, a list, or of another type",
            "RFC 8725 §3.9; CVE-2020-26160, CVE-2025-62610, python-jose#407, jsonwebtoken#493",
            "`aud` or `client_id` is required, and every member is a string",
            audiences(),
        ),
        row(
            "an id token for an access token, and other kinds for either",
            "RFC 8725 §2.8, §3.11, §3.12; CVE-2019-19723",
            "`token_use` is required and compared",
            both(
                each(
                    "wrong_token_use",
                    [KEY.token(&id_claims(NOW))].into_iter().chain(
                        ["refresh", "Access", " access"]
                            .map(|token_use| with_claim("token_use", &json!(token_use))),
                    ),
                ),
                each("claim_missing", [with_claim("token_use", &Value::Null)]),
            ),
        ),
        row(
            "a logout token or a security event for an access token",
            "RFC 8725 §2.8, §3.11, §3.12; RFC 8417 §4.6, §4.7",
            "`typ`, where it is there, says JWT or access token; of another provider's tokens none has `events`",
            security_events(),
        ),
    ]
}

fn security_events() -> Attack {
    let provider = "https://login.example.com";
    let mut settings = settings();
    settings.verifier.issuers.push(IssuerSettings {
        issuer: provider.to_owned(),
        keys: key_source(JWKS_URL, &[Algorithm::RS256]),
        other_form: None,
        rules: TokenRules::OpenIdConnect { audiences: vec!["api".to_owned()] },
    });
    let claims = json!({ "iss": provider, "sub": "u", "exp": NOW + 60, "aud": "api" });
    let mut logout = claims.clone();
    logout["events"] = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    let kinds = ["logout+jwt", "application/secevent+jwt"].map(|typ| header(&[("typ", json!(typ))]));
    let said = kinds.map(|header| compact(&header, claims.to_string(), &KEY));
    let tokens = each("wrong_token_use", said.into_iter().chain([KEY.token(&logout)]));
    Attack::Under(Box::new(settings), current_keys(), tokens)
}

fn audiences() -> Attack {
    let mut any_use = settings();
    any_use.verifier.issuers[0].rules = TokenRules::UserPool {
        clients: AllowedClients::Listed(vec![CLIENT_ID.to_owned()]),
        token_use: AllowedUse::Any,
        audiences: Vec::new(),
    };
    let id_with = |aud: Value| {
        let mut claims = id_claims(NOW);
        claims["aud"] = aud;
        KEY.token(&claims)
    };
    let mut without = id_claims(NOW);
    without.as_object_mut().unwrap().remove("aud");
    let mut tokens = each("claim_missing", [KEY.token(&without), with_claim("client_id", &Value::Null)]);
    tokens
        .extend(each("wrong_client", [id_with(json!([])), id_with(json!(["another"])), id_with(json!(""))]));
    let ill_typed =
        [json!(1), json!([CLIENT_ID, 5]), json!({ CLIENT_ID: true }), json!([[CLIENT_ID]]), Value::Null];
    tokens.extend(each("claim_ill_typed", ill_typed.map(id_with)));
    tokens.extend(each("claim_ill_typed", [with_claim("client_id", &json!([CLIENT_ID]))]));
    Attack::Under(Box::new(any_use), current_keys(), tokens)
}

fn claims() -> Vec<Row> {
    let ill_typed = |name, texts: &[&str]| {
        let tokens = texts.iter().map(|text| with_written_claim(name, text));
        each("claim_ill_typed", tokens)
    };
    let minutes = |minutes: u64| json!(NOW + 60 * minutes);
    vec![
        row(
            "a claim of another type, taken for none",
            "CVE-2026-25537",
            "a wrong type is a refusal",
            Attack::Tokens(
                [
                    ill_typed("nbf", &["\"0\"", "null", "[]", "true"]),
                    ill_typed("iat", &["\"0\"", "null", "{}"]),
                    ill_typed("scope", &["[\"orders/write\"]", "null", "1"]),
                    ill_typed("token_use", &["[\"access\"]", "null"]),
                    ill_typed("cognito:groups", &["\"admins\"", "{}", "[1]", "null"]),
                ]
                .concat(),
            ),
        ),
        row(
            "`exp` as text, fraction, negative, huge or not there",
            "pyjwt#1171, libjwt#283, python-jose#420, superset#41394",
            "whole seconds before the year 10000, required",
            both(
                ill_typed(
                    "exp",
                    &[
                        "\"1900000000\"",
                        "1900000000.5",
                        "-1",
                        "null",
                        "1e308",
                        "18446744073709551616",
                        "253402300800",
                        "[1900000000]",
                    ],
                ),
                each("claim_missing", [with_claim("exp", &Value::Null)]),
            ),
        ),
        row(
            "a token that is over, not yet valid or from the future",
            "RFC 7519 §4.1.4, §4.1.5, §4.1.6",
            "times are compared to the second on every use",
            Attack::Tokens(vec![
                ("token_expired", with_claim("exp", &json!(NOW))),
                ("token_expired", with_claim("exp", &json!(1))),
                ("token_not_yet_valid", with_claim("nbf", &json!(NOW + 1))),
                ("issued_in_future", with_claim("iat", &minutes(2))),
            ]),
        ),
        row(
            "a clock at its ends",
            "jsonwebtoken",
            "times are added and subtracted without overflow; the skew is at most 300 s",
            scene(scenes::the_clock_at_its_ends()),
        ),
        row(
            "no subject, or an empty or ill-typed one",
            "RFC 8725 §3.8",
            "`sub` is required, and a string",
            both(
                each("claim_missing", [with_claim("sub", &Value::Null)]),
                ill_typed("sub", &["1", "[\"x\"]", "null", "{}"]),
            ),
        ),
        row(
            "a group that looks like another, or a list of groups in one",
            "RFC 8725 §3.10",
            "groups are whole strings, compared byte by byte",
            scene(scenes::look_alike_groups()),
        ),
        row(
            "a claim made to keep a pattern busy",
            "GHSA-cjw9-ghj4-fwxf",
            "no claim is matched by a pattern",
            scene(scenes::a_claim_for_patterns()),
        ),
    ]
}

fn spelling() -> Vec<Row> {
    let [head, payload, signature] = good_parts();
    let good_claims = access_claims(NOW).to_string();
    let members = good_claims.strip_prefix('{').unwrap();
    let doubled = |member: &str| with_payload(format!("{{{member},{members}"));
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    let utf16: Vec<u8> = good_claims.encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        row(
            "an extension that must be understood",
            "RFC 7515 §4.1.11; CVE-2025-59420, CVE-2026-32597, GHSA-hm7r-c7qw-ghp6",
            "any `crit` is refused",
            refused(
                "critical_extension",
                [json!(["exp"]), json!([]), json!(["x"]), json!("b64"), json!({})]
                    .map(|crit| with_header(&header(&[("crit", crit)]))),
            ),
        ),
        row(
            "a payload that is to be read unencoded",
            "RFC 7797; node-jsonwebtoken#1041",
            "`b64` is refused",
            refused(
                "critical_extension",
                [
                    with_header(&header(&[("b64", json!(false)), ("crit", json!(["b64"]))])),
                    with_header(&header(&[("b64", json!(false))])),
                    with_header(&header(&[("b64", json!(true))])),
                ],
            ),
        ),
        row(
            "a name that stands twice",
            "RFC 8725 §2.6",
            "refused at every depth, in header and payload",
            both(
                each(
                    "header_duplicate_name",
                    [
                        with_header(r#"{"alg":"none","alg":"RS256","kid":"current"}"#),
                        with_header(r#"{"kid":"x","alg":"RS256","kid":"current"}"#),
                        with_header(r#"{"alg":"RS256","kid":"current","x":{"y":1,"y":2}}"#),
                    ],
                ),
                each("duplicate_claim", [doubled("\"sub\":\"admin\""), doubled("\"x\":[{\"y\":1,\"y\":2}]")]),
            ),
        ),
        row(
            "a name that stands twice, once escaped",
            "RFC 8725 §2.6",
            "names are compared once they are decoded",
            both(
                each(
                    "header_duplicate_name",
                    [with_header(r#"{"alg":"RS256","\u0061lg":"none","kid":"current"}"#)],
                ),
                each("duplicate_claim", [doubled(r#""s\u0075b":"admin""#)]),
            ),
        ),
        row(
            "other encodings of text: UTF-16, a byte order mark, broken UTF-8",
            "RFC 8725 §2.6, §3.7; fast-jwt, jose",
            "UTF-8 without a mark, and nothing is repaired",
            both(
                each("header_not_object", [with_header(&format!("\u{feff}{}", header(&[])))]),
                each(
                    "payload_not_object",
                    [
                        with_payload(format!("\u{feff}{good_claims}")),
                        with_payload(utf16),
                        with_payload([b"{\"x\":\"\xff\",", members.as_bytes()].concat()),
                        with_payload(format!(r#"{{"x":"\ud800",{members}"#)),
                    ],
                ),
            ),
        ),
        row(
            "other spellings of base64: padding, white space, the other alphabet, loose bits",
            "GHSA-hxm8-2xgr-2p9m, tink-java#82, json-jwt#129",
            "canonical base64url alone",
            refused(
                "not_base64url",
                [
                    format!("{head}=.{payload}.{signature}"),
                    format!("{head}.{payload}.{signature}=="),
                    format!("{head}.{payload}\n.{signature}"),
                    format!("{head}.{payload}.+/{signature}"),
                    format!("{head}.{payload}.{}", with_loose_bits(&signature)),
                ],
            ),
        ),
        row(
            "very many dots",
            "CVE-2025-30204, CVE-2025-27144",
            "the length first; then two dots are looked for, and no more",
            both(
                each("token_too_long", [".".repeat(100_000)]),
                each("not_three_parts", [".".repeat(10_240)]),
            ),
        ),
        row(
            "a token or a part that is too long",
            "CVE-2025-61920",
            "10,240 bytes for all of it",
            refused(
                "token_too_long",
                [
                    with_header(&header(&[("x", json!("x".repeat(10_240)))])),
                    with_claim("x", &json!("x".repeat(10_240))),
                    format!("{head}.{payload}.{}", signature.repeat(40)),
                ],
            ),
        ),
        row(
            "JSON that is nested deep",
            "serde_json's own limit",
            "recursion is bounded",
            both(
                each(
                    "header_not_object",
                    [with_header(&format!(r#"{{"x":{},"alg":"RS256","kid":"current"}}"#, deep(2_000)))],
                ),
                each("payload_not_object", [with_payload(format!(r#"{{"x":{},{members}"#, deep(2_000)))]),
            ),
        ),
    ]
}

fn caches_and_answers() -> Vec<Row> {
    vec![
        row(
            "an error that ends the process, or is taken for the caller's fault",
            "CVE-2025-64527, CVE-2024-45809",
            "a provider's failure is a 500 for those who need its keys, and the next event is served",
            scene(scenes::a_provider_that_fails()),
        ),
        row(
            "a good key set replaced by a bad answer",
            "aws-jwt-verify, jose, val#590",
            "a set is replaced only by one that holds a usable key",
            scene(scenes::a_bad_refresh()),
        ),
        row(
            "something else riding on a token that is remembered",
            "CVE-2021-32701, GHSA-rp9m-7r4c-75qg, lua-resty-openidc#399",
            "remembered by SHA-256 of the whole token; times and keys are checked and rules applied on every use",
            scene(scenes::a_ride_on_a_remembered_token()),
        ),
        row(
            "a caller's text in the resource of an answer",
            "FOQUS#934, chalice#1775, CVE-2026-33186",
            "resources are printed from the ARN's own parts and the configured routes",
            scene(scenes::text_in_the_path()),
        ),
        row(
            "several tokens in one request",
            "RFC 6750 §2",
            "refused, unless they are the same",
            scene(scenes::several_tokens()),
        ),
        row(
            "a secret that comes back in an error",
            "auth0's sample, aws-jwt-verify's sample",
            "errors hold codes; what is printed is tested with marked values",
            scene(scenes::what_errors_say()),
        ),
        row(
            "learning which key ids exist",
            "RFC 8725 §2.9",
            "a refusal is one word, whatever the reason, unless `REFUSAL=deny` asks for the reason",
            Attack::Tokens(vec![("unknown_key", of_a_stranger()), ("bad_signature", under_a_known_kid())]),
        ),
    ]
}

/// 256 bytes leave four bits of the last character unused; here one of them is set.
fn with_loose_bits(signature: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (stem, last) = signature.split_at(signature.len() - 1);
    let next = ALPHABET.chars().nth(ALPHABET.find(last).unwrap() + 1).unwrap();
    format!("{stem}{next}")
}
