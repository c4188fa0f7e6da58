//! A good token, changed in every small way that tools for attackers know. The pool's own key signs none.

use serde_json::{Value, json};

use crate::forgeries::{ATTACKER, KEY, encode, good_parts, signed_with, with_hmac};
use cognito_authorizer::testing::{NOW, access_claims, compact};

/// What was changed, and the token.
type Variation = (String, String);

pub(crate) fn all() -> impl Iterator<Item = Variation> {
    signatures().chain(headers()).chain(payloads())
}

/// Every bit flipped, every length cut, and what is no signature at all.
fn signatures() -> impl Iterator<Item = Variation> {
    let [header, payload, _] = good_parts();
    let signing_input = format!("{header}.{payload}");
    let bytes = KEY.sign(signing_input.as_bytes());
    let flipped = (0..bytes.len() * 8).map({
        let bytes = bytes.clone();
        move |bit| {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            (format!("bit {bit} of the signature flipped"), flipped)
        }
    });
    let cut = (0..bytes.len()).map({
        let bytes = bytes.clone();
        move |length| (format!("{length} bytes of the signature"), bytes[..length].to_vec())
    });
    let others = [
        ("zeros", vec![0; bytes.len()]),
        ("ones", vec![0xff; bytes.len()]),
        ("a zero in front", [&[0], &bytes[..]].concat()),
        ("a zero behind", [&bytes[..], &[0]].concat()),
        ("the signature twice", [&bytes[..], &bytes[..]].concat()),
        ("the signature backwards", bytes.iter().rev().copied().collect()),
        ("the signed text", signing_input.clone().into_bytes()),
    ];
    let others = others.map(|(name, bytes)| (name.to_owned(), bytes));
    flipped.chain(cut).chain(others).map(move |(name, signature)| {
        let token = format!("{signing_input}.{}", encode(signature));
        (name, token)
    })
}

/// Every member of a header taken away, added and given every type, and every algorithm's name; each with every
/// signature that an attacker can make.
fn headers() -> impl Iterator<Item = Variation> {
    let of_members = MEMBERS.iter().flat_map(|name| {
        let values = odd_values().into_iter().chain(tempting_values(name));
        values.map(|value| header_with(name, value)).chain([header_without(name)])
    });
    let of_algorithms = ALGORITHMS.iter().flat_map(|alg| {
        let spellings = [
            (*alg).to_owned(),
            alg.to_lowercase(),
            alg.to_uppercase(),
            format!(" {alg}"),
            format!("{alg}\0"),
        ];
        spellings.map(|alg| header_with("alg", json!(alg)))
    });
    // What is left of these is the good header, or one that a pool could sign.
    of_members.chain(of_algorithms).flat_map(|header| {
        attackers_signatures(&header).map(move |(signature, token)| (format!("{header} {signature}"), token))
    })
}

/// Every claim taken away and given every type and other values, under the signature of the good payload and
/// under the attacker's.
fn payloads() -> impl Iterator<Item = Variation> {
    let claims = access_claims(NOW);
    let names: Vec<_> = claims.as_object().unwrap().keys().cloned().chain(["admin".to_owned()]).collect();
    let changed = names.into_iter().flat_map(move |name| {
        let mut without = claims.clone();
        without.as_object_mut().unwrap().remove(&name);
        let claims = claims.clone();
        let values = odd_values().into_iter().chain([json!(NOW + 7_200), json!("administrators")]);
        let with = values.map(move |value| {
            let mut claims = claims.clone();
            claims[&name] = value;
            claims
        });
        with.chain([without]).collect::<Vec<_>>()
    });
    let [header, good, signature] = good_parts();
    changed.flat_map(move |claims| {
        let payload = claims.to_string();
        let of_the_good = (encode(&payload) != good)
            .then(|| (format!("{claims}"), format!("{header}.{}.{signature}", encode(&payload))));
        let of_the_attacker =
            (format!("{claims} by the attacker"), compact(&header_text(), &payload, &ATTACKER));
        of_the_good.into_iter().chain([of_the_attacker])
    })
}

/// The signatures that can be made without the pool's key.
fn attackers_signatures(header: &str) -> impl Iterator<Item = Variation> + use<> {
    let [good_header, payload, signature] = good_parts();
    let public = KEY.jwk().to_string();
    let of_the_good = (encode(header) != good_header).then(|| {
        ("under the good signature".to_owned(), format!("{}.{payload}.{signature}", encode(header)))
    });
    let made = [
        ("without a signature", signed_with(header, |_| Vec::new())),
        ("signed by the attacker", compact(header, access_claims(NOW).to_string(), &ATTACKER)),
        ("with an hmac of the public key", with_hmac(header, public.as_bytes())),
        ("with an hmac of nothing", with_hmac(header, b"")),
    ];
    of_the_good.into_iter().chain(made.map(|(name, token)| (name.to_owned(), token)))
}

fn header_text() -> String {
    json!({ "kid": "current", "alg": "RS256" }).to_string()
}

fn header_with(name: &str, value: Value) -> String {
    let mut header: Value = serde_json::from_str(&header_text()).unwrap();
    header[name] = value;
    header.to_string()
}

fn header_without(name: &str) -> String {
    let mut header: Value = serde_json::from_str(&header_text()).unwrap();
    header.as_object_mut().unwrap().remove(name);
    header.to_string()
}

/// One of each type, and what is next to it.
fn odd_values() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(""),
        json!("\u{0}"),
        json!([]),
        json!([""]),
        json!(["RS256"]),
        json!({}),
        json!({ "kty": "oct", "k": "" }),
    ]
}

/// Values that send careless verifiers elsewhere.
fn tempting_values(name: &str) -> Vec<Value> {
    match name {
        "jwk" => vec![ATTACKER.jwk(), json!({ "kty": "oct", "k": encode("secret") })],
        "jku" | "x5u" | "url" => {
            ["https://evil.example.com/jwks.json", "http://169.254.169.254/", "file:///dev/null"]
                .map(Value::from)
                .to_vec()
        }
        "kid" => ["../../../../dev/null", "' OR '1'='1", "current ", "Current", "__proto__", "$(id)", "0"]
            .map(Value::from)
            .to_vec(),
        "crit" => vec![json!(["exp"]), json!(["b64"]), json!(["alg"])],
        "typ" | "cty" => ["JWT", "jwt", "at+jwt", "JWE", "application/json"].map(Value::from).to_vec(),
        "zip" => vec![json!("DEF")],
        "enc" => vec![json!("A128GCM")],
        _ => Vec::new(),
    }
}

/// The header parameters of the IANA registry "JSON Web Signature and Encryption Header Parameters"
/// (RFC 7515, 7516, 7518, 7797, 8225, 8555, 9321), and claims that RFC 7519 section 5.3 lets stand there.
const MEMBERS: [&str; 33] = [
    "alg",
    "jku",
    "jwk",
    "kid",
    "x5u",
    "x5c",
    "x5t",
    "x5t#S256",
    "typ",
    "cty",
    "crit",
    "enc",
    "zip",
    "epk",
    "apu",
    "apv",
    "iv",
    "tag",
    "p2s",
    "p2c",
    "b64",
    "url",
    "nonce",
    "svt",
    "ppt",
    "iss",
    "sub",
    "aud",
    "exp",
    "client_id",
    "token_use",
    "trust_chain",
    "iheSSId",
];

/// The names of the IANA registry "JSON Web Signature and Encryption Algorithms" (RFC 7518, 8037, 8812, 9864),
/// but for the one that the key has.
const ALGORITHMS: [&str; 52] = [
    "none",
    "HS256",
    "HS384",
    "HS512",
    "RS384",
    "RS512",
    "ES256",
    "ES384",
    "ES512",
    "PS256",
    "PS384",
    "PS512",
    "EdDSA",
    "Ed25519",
    "Ed448",
    "ES256K",
    "RS1",
    "RSA1_5",
    "RSA-OAEP",
    "RSA-OAEP-256",
    "RSA-OAEP-384",
    "RSA-OAEP-512",
    "A128KW",
    "A192KW",
    "A256KW",
    "dir",
    "ECDH-ES",
    "ECDH-ES+A128KW",
    "ECDH-ES+A192KW",
    "ECDH-ES+A256KW",
    "A128GCMKW",
    "A192GCMKW",
    "A256GCMKW",
    "PBES2-HS256+A128KW",
    "PBES2-HS384+A192KW",
    "PBES2-HS512+A256KW",
    "A128CBC-HS256",
    "A192CBC-HS384",
    "A256CBC-HS512",
    "A128GCM",
    "A192GCM",
    "A256GCM",
    "A128CBC",
    "A192CBC",
    "A256CBC",
    "A128CTR",
    "A192CTR",
    "A256CTR",
    "HS1",
    "ML-DSA-44",
    "ML-DSA-65",
    "ML-DSA-87",
];
