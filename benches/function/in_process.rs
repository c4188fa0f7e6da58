//! One token in process, beside one bare check of its signature.

use std::{hint::black_box, time::Duration};

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cognito_authorizer::{
    testing::{JWKS_URL, Provider, SigningKey, jwks, verifier_settings},
    time::{Stopwatch, UnixTime},
    token::{Trace, Verifier},
};

use crate::{
    events::tokens,
    measure::{median, middle},
};

/// The median of one bare check, and what a fresh and a remembered token cost beside it.
pub(crate) struct InProcess {
    pub(crate) check: Duration,
    pub(crate) fresh: f64,
    pub(crate) remembered: f64,
}

pub(crate) fn measure(key: &SigningKey, rounds: usize) -> InProcess {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let now = UnixTime::now();
    let verifier: Verifier<_> =
        Verifier::new(verifier_settings(), Provider::with(JWKS_URL, &jwks(&[key])), now);
    let verify = |token: &str| {
        runtime.block_on(verifier.verify(black_box(token), now, &mut Trace::default())).unwrap();
    };
    let public = public_key(key);
    let tokens = tokens(key, 0..(rounds + 1) * BATCH);
    verify(&tokens[0]);
    let rounds: Vec<[Duration; 3]> = tokens
        .chunks(BATCH)
        .map(|batch| {
            let split: Vec<_> = batch.iter().map(|token| signed(token)).collect();
            let bare = time(&split, |(message, signature)| {
                public.verify_sig(black_box(message.as_bytes()), signature).unwrap();
            });
            let fresh = time(batch, |token| verify(token));
            [bare, fresh, time(batch, |token| verify(token))]
        })
        .skip(1)
        .collect();
    let ratio =
        |part: usize| middle(rounds.iter().map(|round| round[part].as_secs_f64() / round[0].as_secs_f64()));
    InProcess { check: median(rounds.iter().map(|round| round[0])), fresh: ratio(1), remembered: ratio(2) }
}

fn time<T>(batch: &[T], mut work: impl FnMut(&T)) -> Duration {
    median(batch.iter().map(|one| {
        let started = Stopwatch::start();
        work(one);
        started.elapsed()
    }))
}

fn signed(token: &str) -> (&str, Vec<u8>) {
    let (message, signature) = token.rsplit_once('.').unwrap();
    (message, URL_SAFE_NO_PAD.decode(signature).unwrap())
}

fn public_key(key: &SigningKey) -> ParsedPublicKey {
    let jwk = key.jwk();
    let [n, e] = ["n", "e"].map(|part| URL_SAFE_NO_PAD.decode(jwk[part].as_str().unwrap()).unwrap());
    RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).unwrap()
}

/// Fewer tokens than are remembered.
const BATCH: usize = 100;
