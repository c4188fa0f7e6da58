//! Tokens that nobody should have issued, and key sets that should not serve them.

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use cognito_authorizer::{
    testing::{NOW, SigningKey, access_claims, compact, jwks},
    token::Algorithm,
};
use serde_json::{Value, json};

/// The pool's key.
pub(crate) static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate("current", Algorithm::RS256));

/// An attacker's own key, under the pool's `kid`.
pub(crate) static ATTACKER: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate("current", Algorithm::RS256));

/// What the pool publishes.
pub(crate) fn current_keys() -> Value {
    jwks(&[&KEY])
}

/// The pool's key set with one key more.
pub(crate) fn keys_with(odd: Value) -> Value {
    let mut keys = current_keys();
    keys["keys"].as_array_mut().unwrap().push(odd);
    keys
}

/// A key of a key set, with members replaced; `null` takes one away.
pub(crate) fn jwk_with(mut jwk: Value, members: &[(&str, Value)]) -> Value {
    set(&mut jwk, members);
    jwk
}

/// A token of the pool's own key with another claim; `null` takes it away.
pub(crate) fn with_claim(name: &str, value: &Value) -> String {
    let mut claims = access_claims(NOW);
    set(&mut claims, &[(name, value.clone())]);
    KEY.token(&claims)
}

/// A token of the pool's own key with a claim's value written as this text.
pub(crate) fn with_written_claim(name: &str, text: &str) -> String {
    let mut claims = access_claims(NOW);
    claims[name] = json!("PLACE");
    with_payload(claims.to_string().replace("\"PLACE\"", text))
}

/// A token of the pool's own key with this payload, whatever it is.
pub(crate) fn with_payload(payload: impl AsRef<[u8]>) -> String {
    compact(&header(&[]), payload, &KEY)
}

/// A token of the pool's own key with this header, whatever it is.
pub(crate) fn with_header(header: &str) -> String {
    compact(header, access_claims(NOW).to_string(), &KEY)
}

/// A token that the attacker's key has signed, with these members in its header.
pub(crate) fn forged(members: &[(&str, Value)]) -> String {
    compact(&header(members), access_claims(NOW).to_string(), &ATTACKER)
}

/// The header that Cognito writes, with members replaced; `null` takes one away.
pub(crate) fn header(members: &[(&str, Value)]) -> String {
    let mut header = json!({ "kid": "current", "alg": "RS256" });
    set(&mut header, members);
    header.to_string()
}

/// A token of a key that the pool does not have.
pub(crate) fn of_a_stranger() -> String {
    forged(&[("kid", json!("stranger"))])
}

/// A token of the attacker's key, which says to be of the pool's.
pub(crate) fn under_a_known_kid() -> String {
    forged(&[])
}

/// A token with this header and signature, or none.
pub(crate) fn signed_with(header: &str, signature: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let signing_input = format!("{}.{}", encode(header), encode(access_claims(NOW).to_string()));
    format!("{signing_input}.{}", encode(signature(signing_input.as_bytes())))
}

/// Tokens signed with what anyone can read of the pool's key as the secret of an HMAC.
pub(crate) fn signed_with_the_public_key(alg: &str) -> Vec<String> {
    let jwk = KEY.jwk();
    let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
    let base64 = STANDARD.encode(&modulus);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n");
    let secrets = [modulus, jwk["n"].as_str().unwrap().into(), jwk.to_string().into(), pem.clone().into(), {
        format!(" {pem}").into()
    }];
    secrets.iter().map(|secret| with_hmac(&header(&[("alg", json!(alg))]), secret)).collect()
}

pub(crate) fn with_hmac(header: &str, secret: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    signed_with(header, |message| hmac::sign(&key, message).as_ref().to_vec())
}

/// The parts of a good token.
pub(crate) fn good_parts() -> [String; 3] {
    let token = KEY.token(&access_claims(NOW));
    token.split('.').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap()
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn set(object: &mut Value, members: &[(&str, Value)]) {
    let object = object.as_object_mut().unwrap();
    for (name, value) in members {
        if value.is_null() {
            object.remove(*name);
        } else {
            object.insert((*name).to_owned(), value.clone());
        }
    }
}
