//! Tokens, and what is true of each.

use std::{collections::VecDeque, thread};

use cognito_authorizer::{
    testing::{ISSUER, POOL_ID, SigningKey, access_claims, compact, id_claims},
    time::UnixTime,
    token::Algorithm,
};
use rand::{RngExt, rngs::SmallRng};
use serde_json::{Value, json};

/// A header's value that carries a token, or something in its place.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) header: String,
    pub(crate) truth: Truth,
}

/// What is known of a token by those who made it.
#[derive(Clone, Debug)]
pub(crate) enum Truth {
    /// Signed by this key of the pool, and nothing is wrong with it but, perhaps, the time.
    Genuine { key_id: String, issued: u64, expires: u64 },
    /// Good for nothing, whatever keys are held.
    Worthless,
}

/// Who signs: the pool, and somebody who would like to.
pub(crate) struct Mint {
    pub(crate) keys: Vec<SigningKey>,
    /// Tokens of each of the keys, an hour good.
    genuine: Vec<Vec<Token>>,
    /// Has a key of its own under the name of the pool's first one.
    pub(crate) impostor: SigningKey,
    /// Signs in a fraction of the time, where the signature is wrong anyhow.
    scribbler: SigningKey,
}

impl Mint {
    /// A pool with so many keys, and so many tokens of each.
    pub(crate) fn open(keys: usize, tokens: usize) -> Self {
        let keys: Vec<SigningKey> = (0..keys)
            .map(|number| SigningKey::generate(&format!("key-{number}"), Algorithm::RS256))
            .collect();
        let now = UnixTime::now().as_secs();
        let genuine = thread::scope(|scope| {
            let sign = |key| move || (0..tokens).map(|number| sign(key, number, now, now + HOUR)).collect();
            let signing: Vec<_> = keys.iter().map(|key| scope.spawn(sign(key))).collect();
            signing.into_iter().map(|signed| signed.join().unwrap()).collect()
        });
        let impostor = SigningKey::generate(&keys[0].id, Algorithm::RS256);
        Self { keys, genuine, impostor, scribbler: SigningKey::generate("scribbler", Algorithm::EdDSA) }
    }

    /// All genuine tokens of this key that there are.
    pub(crate) fn all_genuine(&self, key: usize) -> &[Token] {
        &self.genuine[key]
    }

    /// A genuine token of this key: half of the time one of a few that come again and again.
    pub(crate) fn genuine(&self, key: usize, random: &mut SmallRng) -> &Token {
        let tokens = &self.genuine[key];
        let among = if random.random() { FAMILIAR.min(tokens.len()) } else { tokens.len() };
        &tokens[random.random_range(..among)]
    }

    /// A new genuine token.
    pub(crate) fn sign(&self, key: usize, number: usize, issued: u64, expires: u64) -> Token {
        sign(&self.keys[key], number, issued, expires)
    }

    /// A worthless token that no other number gives, made beside a genuine one. One in ten is signed by the pool.
    pub(crate) fn worthless(&self, number: usize, now: UnixTime, random: &mut SmallRng) -> Token {
        let key = random.random_range(..self.keys.len());
        let forgery = Forgery { mint: self, key: &self.keys[key], number, now: now.as_secs() };
        let genuine = self.genuine(key, random).header.trim_start_matches("Bearer ");
        let header = if random.random_ratio(1, 10) {
            format!("Bearer {}", forgery.signed_by_the_pool(random.random_range(..SIGNED_KINDS)))
        } else {
            forgery.scribbled(random.random_range(..SCRIBBLED_KINDS), genuine)
        };
        Token { header, truth: Truth::Worthless }
    }
}

fn sign(key: &SigningKey, number: usize, issued: u64, expires: u64) -> Token {
    let mut claims = access_claims(issued);
    claims["exp"] = json!(expires);
    claims["jti"] = json!(format!("genuine-{number}"));
    let header = format!("Bearer {}", key.token(&claims));
    Token { header, truth: Truth::Genuine { key_id: key.id.clone(), issued, expires } }
}

/// Tokens that end within seconds, and are asked with before and after.
#[derive(Default)]
pub(crate) struct Brief(VecDeque<Token>);

impl Brief {
    /// Signs some more, numbered from `number`.
    pub(crate) fn sign(&mut self, mint: &Mint, key: usize, number: usize) {
        let now = UnixTime::now().as_secs();
        for life in 1..=AT_ONCE {
            let number = number + usize::try_from(life).unwrap();
            self.0.push_front(mint.sign(key, number, now, now + life % 5 + 1));
        }
        self.0.truncate(KEPT);
    }

    pub(crate) fn any(&self, random: &mut SmallRng) -> &Token {
        &self.0[random.random_range(..self.0.len())]
    }
}

struct Forgery<'m> {
    mint: &'m Mint,
    key: &'m SigningKey,
    number: usize,
    now: u64,
}

impl Forgery<'_> {
    fn claims(&self) -> Value {
        let mut claims = access_claims(self.now);
        claims["jti"] = json!(format!("forged-{}", self.number));
        claims
    }

    /// A token that is not signed by the pool, or none at all.
    fn scribbled(&self, kind: usize, genuine: &str) -> String {
        let (head, signature) = genuine.rsplit_once('.').unwrap();
        let (number, key_id) = (self.number, self.key.id.as_str());
        let named = |id: &str, algorithm: &str| json!({ "kid": id, "alg": algorithm });
        let scribble = |header: &Value, claims: &Value| {
            let token = compact(&header.to_string(), claims.to_string(), &self.mint.scribbler);
            format!("Bearer {token}")
        };
        let published = named(key_id, "RS256");
        match kind {
            // Most of them ask for a key that nobody has: that is what could cost fetches.
            0..8 => scribble(&named(&format!("made-up-{number}"), "RS256"), &self.claims()),
            8 => scribble(&published, &self.claims()),
            9 => scribble(&named(key_id, "HS256"), &self.claims()),
            10 => {
                let unsigned = scribble(&named(key_id, "none"), &self.claims());
                format!("{}.", unsigned.rsplit_once('.').unwrap().0)
            }
            // Another payload under a genuine signature.
            11 => {
                let other = scribble(&published, &self.claims());
                format!("{}.{signature}", other.rsplit_once('.').unwrap().0)
            }
            12 => {
                let mut claims = self.claims();
                claims["iss"] = json!(ISSUER.replace(POOL_ID, "eu-west-1_Another12"));
                scribble(&published, &claims)
            }
            // A key of their own, in the token or at an address.
            13 => {
                let mut header = named(key_id, "EdDSA");
                header["jwk"] = self.mint.scribbler.jwk();
                header["jku"] = json!("https://127.0.0.1:1/jwks.json");
                scribble(&header, &self.claims())
            }
            14 => format!("Bearer {head}.{}{number}", signature.split_at(signature.len() / 2).0),
            15 => format!("Bearer {genuine}.{number}"),
            16 => format!("Bearer {genuine}={number}"),
            17 => format!("Bearer {genuine}, Bearer made-up-{number}"),
            18 => format!("Basic made-up-{number}"),
            19 => format!("Bearer {number}{}", "x".repeat(11_000)),
            20 => format!("Bearer {head}.{number}"),
            _ => format!("Bearer {}", " ".repeat(number % 7)),
        }
    }

    /// A token with the pool's own signature that must be refused all the same; and one that somebody else signed
    /// just as well.
    fn signed_by_the_pool(&self, kind: usize) -> String {
        let mut claims = self.claims();
        let now = self.now;
        match kind {
            0 => claims["exp"] = json!(now - 1 - to_u64(self.number) % HOUR),
            1 => claims["exp"] = json!((now + HOUR).to_string()),
            2 => claims["exp"] = Value::Null,
            3 => claims["nbf"] = json!(now + HOUR),
            4 => claims["iat"] = json!(now + HOUR),
            5 => claims["client_id"] = json!(format!("another{}", self.number)),
            6 => claims["token_use"] = json!("refresh"),
            7 => claims["sub"] = json!(self.number),
            8 => {
                claims = id_claims(now);
                claims["jti"] = json!(format!("forged-{}", self.number));
            }
            9 => {
                let twice = claims.to_string().replacen('{', "{\"sub\":\"somebody\",", 1);
                return compact(&json!({ "kid": self.key.id, "alg": "RS256" }).to_string(), twice, self.key);
            }
            10 => {
                let header = json!({ "kid": self.key.id, "alg": "RS256", "crit": ["exp"] });
                return compact(&header.to_string(), claims.to_string(), self.key);
            }
            _ => return self.mint.impostor.token(&claims),
        }
        self.key.token(&claims)
    }
}

fn to_u64(number: usize) -> u64 {
    number.try_into().unwrap()
}

const SCRIBBLED_KINDS: usize = 22;
const SIGNED_KINDS: usize = 12;

/// Cognito's own default for an access token.
const HOUR: u64 = 3_600;

/// Tokens that come often: fewer than the function remembers.
const FAMILIAR: usize = 100;

const AT_ONCE: u64 = 20;

/// Those that were signed last, fewer than the function remembers.
const KEPT: usize = 100;
