//! Who signed, and by which key.

use cognito_authorizer::{
    authorizer::AuthorizerSettings,
    testing::{JWKS_URL, NOW, SigningKey, access_claims, key_source, settings},
    token::Algorithm,
};
use serde_json::{Value, json};

use super::{Attack, Row, both, each, refused, refused_with_key, row, scene};
use crate::{
    forgeries::{
        ATTACKER, KEY, encode, forged, good_parts, header, jwk_with, keys_with, signed_with,
        signed_with_the_public_key, under_a_known_kid, with_header, with_hmac, with_payload,
    },
    scenes,
};

pub(super) fn signatures() -> Vec<Row> {
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

pub(super) fn keys() -> Vec<Row> {
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

pub(super) fn key_ids_and_addresses() -> Vec<Row> {
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
