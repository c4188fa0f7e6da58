//! An issuer shaped like a Cognito user pool.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa,
    signature::{self as aws, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::token::Algorithm;

/// The pool that test tokens come from.
pub const POOL_ID: &str = "eu-west-1_AbCdEf123";
/// Its issuer, in the older of Cognito's two forms.
pub const ISSUER: &str = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123";
/// The app client that test tokens are for.
pub const CLIENT_ID: &str = "1h57kf5cpq17m0eml12EXAMPLE";

/// A private key with its `kid` and algorithm.
#[derive(Debug)]
pub struct SigningKey {
    /// The `kid`.
    pub id: String,
    /// The algorithm it signs with.
    pub algorithm: Algorithm,
    pair: Pair,
}

#[derive(Debug)]
enum Pair {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// A new key. RSA keys have 2048 bits.
    pub fn generate(id: &str, algorithm: Algorithm) -> Self {
        let pair = match algorithm {
            Algorithm::ES256 => ecdsa(&aws::ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::ES384 => ecdsa(&aws::ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::ES512 => ecdsa(&aws::ECDSA_P521_SHA512_FIXED_SIGNING),
            Algorithm::EdDSA => Pair::Ed25519(Ed25519KeyPair::generate().unwrap()),
            _ => Pair::Rsa(RsaKeyPair::generate(rsa::KeySize::Rsa2048).unwrap()),
        };
        Self { id: id.to_owned(), algorithm, pair }
    }

    /// The public key as its set publishes it.
    pub fn jwk(&self) -> Value {
        let mut jwk = match &self.pair {
            Pair::Rsa(pair) => {
                let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
                let (n, e) = (n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
                json!({ "kty": "RSA", "n": encode(n), "e": encode(e) })
            }
            Pair::Ecdsa(pair) => {
                let (x, y) = pair.public_key().as_ref().get(1..).unwrap().split_at(self.coordinate_width());
                json!({ "kty": "EC", "crv": self.curve(), "x": encode(x), "y": encode(y) })
            }
            Pair::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()) })
            }
        };
        let object = jwk.as_object_mut().unwrap();
        object.insert("kid".to_owned(), self.id.clone().into());
        object.insert("alg".to_owned(), self.algorithm.name().into());
        object.insert("use".to_owned(), "sig".into());
        jwk
    }

    /// The signature of `message`.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(self.rsa_encoding(), &random, message, &mut signature).unwrap();
                signature
            }
            Pair::Ecdsa(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// A token with these claims and the header that Cognito writes.
    pub fn token(&self, claims: &Value) -> String {
        let header = json!({ "kid": self.id, "alg": self.algorithm.name() });
        compact(&header.to_string(), claims.to_string(), self)
    }

    fn rsa_encoding(&self) -> &'static dyn aws::RsaEncoding {
        match self.algorithm {
            Algorithm::RS384 => &aws::RSA_PKCS1_SHA384,
            Algorithm::RS512 => &aws::RSA_PKCS1_SHA512,
            Algorithm::PS256 => &aws::RSA_PSS_SHA256,
            Algorithm::PS384 => &aws::RSA_PSS_SHA384,
            Algorithm::PS512 => &aws::RSA_PSS_SHA512,
            _ => &aws::RSA_PKCS1_SHA256,
        }
    }

    fn curve(&self) -> &'static str {
        match self.algorithm {
            Algorithm::ES384 => "P-384",
            Algorithm::ES512 => "P-521",
            _ => "P-256",
        }
    }

    fn coordinate_width(&self) -> usize {
        match self.algorithm {
            Algorithm::ES384 => 48,
            Algorithm::ES512 => 66,
            _ => 32,
        }
    }
}

/// A signed token of exactly these bytes, whatever they are.
pub fn compact(header: &str, payload: impl AsRef<[u8]>, key: &SigningKey) -> String {
    let signing_input = format!("{}.{}", encode(header), encode(payload));
    let signature = encode(key.sign(signing_input.as_bytes()));
    format!("{signing_input}.{signature}")
}

/// The key set of these keys.
pub fn jwks(keys: &[&SigningKey]) -> Value {
    json!({ "keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>() })
}

/// The claims of an access token as Cognito writes them, issued at `now` for an hour.
pub fn access_claims(now: u64) -> Value {
    json!({
        "sub": "5d3c2b1a-7c1e-4b0e-9d5e-2f6a1b7c8d9e",
        "cognito:groups": ["readers", "a,b"],
        "iss": ISSUER,
        "version": 2,
        "client_id": CLIENT_ID,
        "origin_jti": "a1b2c3d4-0000-4000-8000-000000000001",
        "event_id": "a1b2c3d4-0000-4000-8000-000000000002",
        "token_use": "access",
        "scope": "openid orders/read",
        "auth_time": now,
        "exp": now + 3600,
        "iat": now,
        "jti": "a1b2c3d4-0000-4000-8000-000000000003",
        "username": "jane",
    })
}

/// The claims of an id token as Cognito writes them, issued at `now` for an hour.
pub fn id_claims(now: u64) -> Value {
    json!({
        "sub": "5d3c2b1a-7c1e-4b0e-9d5e-2f6a1b7c8d9e",
        "email_verified": true,
        "iss": ISSUER,
        "cognito:username": "jane",
        "origin_jti": "a1b2c3d4-0000-4000-8000-000000000001",
        "aud": CLIENT_ID,
        "event_id": "a1b2c3d4-0000-4000-8000-000000000002",
        "token_use": "id",
        "auth_time": now,
        "exp": now + 3600,
        "iat": now,
        "jti": "a1b2c3d4-0000-4000-8000-000000000004",
        "email": "jane@example.com",
        "custom:tenant": "blue",
    })
}

fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm) -> Pair {
    Pair::Ecdsa(EcdsaKeyPair::generate(algorithm).unwrap())
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
