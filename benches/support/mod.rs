//! What stages and growth are measured with: keys that need no fetch, and the limits that no verifier can beat.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use aws_lc_rs::{
    digest::{Digest, SHA256, digest},
    signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cognito_authorizer::{
    testing::{NOW, Provider, SigningKey},
    time::UnixTime,
    token::{Algorithm, JwksUrl, KeySet, KeySourceSettings, Trace, VerifiedToken, Verifier},
};
use criterion::Criterion;
use serde_json::Value;

pub(crate) const AT: UnixTime = UnixTime::from_secs(NOW);

/// A second and a half for each function: there are many, and most take microseconds.
pub(crate) fn short() -> Criterion {
    let criterion = Criterion::default().warm_up_time(Duration::from_millis(500));
    criterion.measurement_time(Duration::from_millis(1_500))
}

/// Polls once, without an executor: a future that has its keys waits for nothing.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("keys are held, and something is waited for"),
    }
}

pub(crate) fn verify(verifier: &Verifier<Provider>, token: &str) -> Arc<VerifiedToken> {
    ready(verifier.verify(token, AT, &mut Trace::default())).unwrap()
}

pub(crate) fn key_set(set: &Value) -> Arc<KeySet> {
    Arc::new(KeySet::parse(set.to_string().as_bytes(), &[Algorithm::RS256]).unwrap())
}

/// An address whose keys are held from the start.
pub(crate) fn holding(keys: &Arc<KeySet>, url: &str) -> Arc<KeySourceSettings> {
    let url = JwksUrl::parse(url).unwrap();
    Arc::new(KeySourceSettings { url, algorithms: vec![Algorithm::RS256], preloaded: Some(Arc::clone(keys)) })
}

pub(crate) fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// A public key as aws-lc-rs checks signatures with it.
pub(crate) fn public_key(jwk: &Value) -> ParsedPublicKey {
    let [n, e] = ["n", "e"].map(|part| decode(jwk[part].as_str().unwrap()));
    RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).unwrap()
}

/// A token's signature and all that one bare check of it takes.
pub(crate) struct Signed {
    key: ParsedPublicKey,
    message: String,
    signature: Vec<u8>,
}

impl Signed {
    pub(crate) fn new(key: &SigningKey, token: &str) -> Self {
        let (message, signature) = token.rsplit_once('.').unwrap();
        Self { key: public_key(&key.jwk()), message: message.to_owned(), signature: decode(signature) }
    }

    pub(crate) fn check(&self) {
        self.key.verify_sig(self.message.as_bytes(), &self.signature).unwrap();
    }
}

pub(crate) fn sha256(token: &str) -> Digest {
    digest(&SHA256, token.as_bytes())
}
