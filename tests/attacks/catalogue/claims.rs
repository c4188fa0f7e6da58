//! Who issued it, for whom, and what it claims.

use cognito_authorizer::{
    testing::{CLIENT_ID, ISSUER, JWKS_URL, NOW, compact, id_claims, key_source, settings},
    token::{Algorithm, AllowedClients, AllowedUse, IssuerSettings, TokenRules},
};
use serde_json::{Value, json};

use super::{Attack, Row, both, each, refused, row, scene};
use crate::{
    forgeries::{KEY, current_keys, header, with_claim, with_written_claim},
    scenes,
};

pub(super) fn issuers_and_audiences() -> Vec<Row> {
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

pub(super) fn claims() -> Vec<Row> {
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
