//! A JWK Set (RFC 7517) read into keys that verify. Each key's algorithm is fixed here, never by a token.
//!
//! A key that cannot be used is skipped and the rest serve: one post-quantum or ill-typed entry must not take
//! the set down. No symmetric key is ever read.

use std::{collections::HashMap, sync::Arc};

use aws_lc_rs::signature::{
    self as aws, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
    VerificationAlgorithm,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};
use thiserror::Error;

use super::{
    algorithm::Algorithm,
    error::TokenError,
    json::parse_object,
    jws::{UnverifiedToken, VerifiedPayload},
};

/// A public key and the one algorithm it verifies.
#[derive(Debug)]
pub struct VerifyingKey {
    id: Arc<str>,
    algorithm: Algorithm,
    material: Material,
}

#[derive(Debug)]
enum Material {
    /// RSA, for which jsonwebtoken would build the key anew for each token: an eighth of a check. And ES512, which
    /// it lacks.
    Parsed(ParsedPublicKey),
    /// What jsonwebtoken verifies.
    Jsonwebtoken(jsonwebtoken::Algorithm, DecodingKey),
}

impl VerifyingKey {
    /// The `kid` under which the set holds it.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// The algorithm it verifies.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Checks that the token names this key's algorithm and that its signature is right.
    pub fn verify<'t>(&self, token: &'t UnverifiedToken<'_>) -> Result<VerifiedPayload<'t>, TokenError> {
        if token.algorithm() != self.algorithm.name() {
            return Err(TokenError::WrongAlgorithm);
        }
        if !self.verify_signature(token.signing_input().as_bytes(), token.signature()) {
            return Err(TokenError::BadSignature);
        }
        Ok(VerifiedPayload::assert_verified(token))
    }

    /// Whether `signature` is this key's signature of `message`.
    pub fn verify_signature(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Parsed(key) => key.verify_sig(message, signature).is_ok(),
            Material::Jsonwebtoken(algorithm, key) => {
                let signature = URL_SAFE_NO_PAD.encode(signature);
                jsonwebtoken::crypto::verify(&signature, message, key, *algorithm).unwrap_or(false)
            }
        }
    }
}

/// Why a document replaces no key set.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum KeySetError {
    /// Not a JSON object with a list `keys` (RFC 7517 §5).
    #[error("not a json object with a list named keys")]
    NotKeySet,
    /// No key in it can be used.
    #[error("no key in it can be used")]
    NoUsableKey,
}

/// The usable keys of one document, by `kid`. Never empty.
#[derive(Debug)]
pub struct KeySet {
    keys: HashMap<Arc<str>, Arc<VerifyingKey>>,
    skipped: usize,
}

impl KeySet {
    /// Reads a JWK Set, keeping the keys that `algorithms` allow.
    ///
    /// A key without `alg` is fixed to the first of `algorithms` that fits its type. A `kid` that two
    /// usable keys share is ambiguous, so neither is used.
    pub fn parse(document: &[u8], algorithms: &[Algorithm]) -> Result<Self, KeySetError> {
        let entries = parse_entries(document)?;
        let mut by_id: HashMap<Arc<str>, Vec<VerifyingKey>> = HashMap::new();
        for key in entries.iter().filter_map(|entry| parse_key(entry.get(), algorithms)) {
            by_id.entry(Arc::clone(&key.id)).or_default().push(key);
        }
        let keys: HashMap<_, _> = by_id
            .into_iter()
            .filter_map(|(id, keys)| {
                let [key]: [VerifyingKey; 1] = keys.try_into().ok()?;
                Some((id, Arc::new(key)))
            })
            .collect();
        if keys.is_empty() {
            return Err(KeySetError::NoUsableKey);
        }
        Ok(Self { skipped: entries.len() - keys.len(), keys })
    }

    /// The key with this `kid`.
    pub fn key(&self, id: &str) -> Option<&Arc<VerifyingKey>> {
        self.keys.get(id)
    }

    /// The keys that can be used, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &VerifyingKey> {
        self.keys.values().map(Arc::as_ref)
    }

    /// How many keys can be used; at least one.
    #[expect(clippy::len_without_is_empty, reason = "a key set is never empty")]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// How many keys of the document were skipped.
    pub fn skipped(&self) -> usize {
        self.skipped
    }
}

/// The entries of `keys`, each still raw, so that an odd one spoils nothing but itself.
fn parse_entries(document: &[u8]) -> Result<Vec<&RawValue>, KeySetError> {
    #[derive(Deserialize)]
    struct Document<'d> {
        #[serde(borrow)]
        keys: Vec<&'d RawValue>,
    }
    // serde_json does not look for invalid UTF-8 in members that it skips.
    let document = std::str::from_utf8(document).map_err(|_| KeySetError::NotKeySet)?;
    // serde would also read the struct from a list.
    if !document.trim_ascii_start().starts_with('{') {
        return Err(KeySetError::NotKeySet);
    }
    let document: Document<'_> = serde_json::from_str(document).map_err(|_| KeySetError::NotKeySet)?;
    Ok(document.keys)
}

/// A usable key, or `None` for one to skip.
fn parse_key(entry: &str, allowed: &[Algorithm]) -> Option<VerifyingKey> {
    let jwk = parse_object(entry.as_bytes()).ok()?;
    let id: Arc<str> = string(&jwk, "kid").filter(|id| !id.is_empty())?.into();
    if !is_for_verifying(&jwk) || PRIVATE_MEMBERS.iter().any(|name| jwk.contains_key(*name)) {
        return None;
    }
    let fitting = match (string(&jwk, "kty")?, jwk.get("crv").and_then(Value::as_str)) {
        ("RSA", _) => &Algorithm::RSA[..],
        ("EC", Some("P-256")) => &[Algorithm::ES256],
        ("EC", Some("P-384")) => &[Algorithm::ES384],
        ("EC", Some("P-521")) => &[Algorithm::ES512],
        ("OKP", Some("Ed25519")) => &[Algorithm::EdDSA],
        _ => return None,
    };
    let mut usable = allowed.iter().copied().filter(|algorithm| fitting.contains(algorithm));
    let algorithm = match jwk.get("alg") {
        None => usable.next()?,
        Some(Value::String(name)) => usable.find(|algorithm| algorithm.name() == name)?,
        Some(_) => return None,
    };
    Some(VerifyingKey { id, algorithm, material: parse_material(&jwk, algorithm)? })
}

/// RFC 7517 §4.2 and §4.3: `use` and `key_ops`, where present, must be for signatures to verify.
fn is_for_verifying(jwk: &Map<String, Value>) -> bool {
    let use_fits = jwk.get("use").is_none_or(|usage| usage == "sig");
    let operations_fit = jwk.get("key_ops").is_none_or(|operations| match operations {
        Value::Array(operations) => {
            operations.iter().all(Value::is_string)
                && operations.iter().any(|operation| operation == "verify")
        }
        _ => false,
    });
    use_fits && operations_fit
}

fn parse_material(jwk: &Map<String, Value>, algorithm: Algorithm) -> Option<Material> {
    use jsonwebtoken::Algorithm as Jwt;
    match algorithm {
        Algorithm::RS256 => parse_rsa(jwk, &aws::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => parse_rsa(jwk, &aws::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => parse_rsa(jwk, &aws::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => parse_rsa(jwk, &aws::RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => parse_rsa(jwk, &aws::RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => parse_rsa(jwk, &aws::RSA_PSS_2048_8192_SHA512),
        Algorithm::ES256 => {
            let point = parse_point(jwk, 32, &aws::ECDSA_P256_SHA256_FIXED)?;
            Some(Material::Jsonwebtoken(Jwt::ES256, DecodingKey::from_ec_der(&point)))
        }
        Algorithm::ES384 => {
            let point = parse_point(jwk, 48, &aws::ECDSA_P384_SHA384_FIXED)?;
            Some(Material::Jsonwebtoken(Jwt::ES384, DecodingKey::from_ec_der(&point)))
        }
        Algorithm::ES512 => {
            let point = parse_point(jwk, 66, &aws::ECDSA_P521_SHA512_FIXED)?;
            ParsedPublicKey::new(&aws::ECDSA_P521_SHA512_FIXED, point).ok().map(Material::Parsed)
        }
        Algorithm::EdDSA => {
            let x = bytes(jwk, "x")?;
            ParsedPublicKey::new(&aws::ED25519, &x).ok()?;
            Some(Material::Jsonwebtoken(Jwt::EdDSA, DecodingKey::from_ed_der(&x)))
        }
    }
}

/// RFC 7518 §6.3.1, with RFC 7518 §3.3's least size. Leading zero octets, which the RFC forbids and some
/// providers send, are taken off.
fn parse_rsa(jwk: &Map<String, Value>, algorithm: &'static RsaParameters) -> Option<Material> {
    let (modulus, exponent) = (bytes(jwk, "n")?, bytes(jwk, "e")?);
    let (n, e) = (strip_zeros(&modulus), strip_zeros(&exponent));
    let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
    let bits = n.len() * 8 - usize::try_from(n.first()?.leading_zeros()).ok()?;
    if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) || !is_odd(n) || !is_odd(e) || e == [1] {
        return None;
    }
    RsaPublicKeyComponents { n, e }.to_parsed_public_key(algorithm).ok().map(Material::Parsed)
}

/// RFC 7518 §6.2.1: both coordinates at full width, as an uncompressed point that is on the curve.
fn parse_point(
    jwk: &Map<String, Value>,
    width: usize,
    algorithm: &'static dyn VerificationAlgorithm,
) -> Option<Vec<u8>> {
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    if x.len() != width || y.len() != width {
        return None;
    }
    let point = [&[4][..], &x, &y].concat();
    UnparsedPublicKey::new(algorithm, &point).parse().ok()?;
    Some(point)
}

fn string<'j>(jwk: &'j Map<String, Value>, name: &str) -> Option<&'j str> {
    jwk.get(name).and_then(Value::as_str)
}

fn bytes(jwk: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(string(jwk, name)?).ok()
}

fn strip_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// Members of private and symmetric keys (RFC 7518 §6.2.2, §6.3.2, §6.4.1). A key that was published with
/// them is no longer anybody's secret.
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// RFC 7518 §3.3: "A key of size 2048 bits or larger MUST be used".
const MIN_RSA_BITS: usize = 2048;

/// AWS-LC verifies up to this size; larger ones make each check dear.
const MAX_RSA_BITS: usize = 8192;
