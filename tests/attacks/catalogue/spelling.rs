//! How it is written.

use cognito_authorizer::testing::{NOW, access_claims};
use serde_json::json;

use super::{Row, both, each, refused, row};
use crate::forgeries::{good_parts, header, with_claim, with_header, with_payload};

pub(super) fn spelling() -> Vec<Row> {
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

/// 256 bytes leave four bits of the last character unused; here one of them is set.
fn with_loose_bits(signature: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (stem, last) = signature.split_at(signature.len() - 1);
    let next = ALPHABET.chars().nth(ALPHABET.find(last).unwrap() + 1).unwrap();
    format!("{stem}{next}")
}
