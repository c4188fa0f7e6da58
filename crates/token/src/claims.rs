//! Verified claims: strict, read-only, and impossible to make without a verified signature.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    error::{ClaimName, TokenError},
    json::{JsonError, parse_object},
    jws::VerifiedPayload,
    rules::{TokenRules, TokenUse},
};
use crate::time::UnixTime;

/// The claims of a token that passed every check. Nothing but
/// [`Verifier::verify`](super::Verifier::verify) makes one.
///
/// ```compile_fail,E0423
/// let forged = cognito_authorizer_token::Claims(serde_json::Map::new());
/// ```
#[derive(Debug)]
pub struct Claims {
    all: Map<String, Value>,
    subject: String,
    token_use: Option<TokenUse>,
    lifetime: Lifetime,
}

/// `exp`, `nbf` and `iat`, in seconds.
#[derive(Clone, Copy, Debug)]
struct Lifetime {
    expires_at: u64,
    not_before: u64,
    issued_at: u64,
}

impl Claims {
    /// Reads and checks a payload whose signature is verified, in the order of [`TokenError`].
    pub(super) fn check(
        payload: &VerifiedPayload<'_>,
        issuer: &str,
        rules: &TokenRules,
        now: UnixTime,
        skew_seconds: u64,
    ) -> Result<Self, TokenError> {
        let all = parse_object(payload.as_bytes()).map_err(|error| match error {
            JsonError::NotObject => TokenError::PayloadNotObject,
            JsonError::DuplicateName => TokenError::DuplicateClaim,
        })?;
        // The issuer was read once before the signature, leniently: both readings must agree.
        if required_string(&all, "iss")? != issuer {
            return Err(TokenError::UnknownIssuer);
        }
        let subject = required_string(&all, "sub")?.to_owned();
        let lifetime = Lifetime::read(&all)?;
        check_types(&all)?;
        lifetime.check(now, skew_seconds)?;
        if payload.is_of_another_kind() {
            return Err(TokenError::WrongTokenUse);
        }
        let token_use = rules.check(&all)?;
        Ok(Self { all, subject, token_use, lifetime })
    }

    /// Holds the token's times against now: anew each time a remembered token comes back.
    pub(super) fn check_times(&self, now: UnixTime, skew_seconds: u64) -> Result<(), TokenError> {
        self.lifetime.check(now, skew_seconds)
    }

    /// `sub`, never empty.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// `token_use`, for Cognito's tokens.
    pub fn token_use(&self) -> Option<TokenUse> {
        self.token_use
    }

    /// `scope`, taken apart at its spaces (RFC 8693 §4.2).
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.string("scope").unwrap_or_default().split(' ').filter(|scope| !scope.is_empty())
    }

    /// `cognito:groups`, whole strings: a group's name may hold commas.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.all.get(GROUPS).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// A claim that is a non-empty string, or a number as it is written.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        match self.all.get(name)? {
            Value::String(value) if !value.is_empty() => Some(Cow::Borrowed(value)),
            Value::Number(value) => Some(Cow::Owned(value.to_string())),
            _ => None,
        }
    }

    /// A claim that is a non-empty string.
    pub fn string(&self, name: &str) -> Option<&str> {
        self.all.get(name).and_then(Value::as_str).filter(|value| !value.is_empty())
    }

    /// All claims, by name, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.all.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl Lifetime {
    fn read(claims: &Map<String, Value>) -> Result<Self, TokenError> {
        let expires_at = time(claims, "exp")?.ok_or(TokenError::ClaimMissing(ClaimName("exp")))?;
        let (not_before, issued_at) = (time(claims, "nbf")?.unwrap_or(0), time(claims, "iat")?.unwrap_or(0));
        Ok(Self { expires_at, not_before, issued_at })
    }

    fn check(self, now: UnixTime, skew_seconds: u64) -> Result<(), TokenError> {
        let now = now.as_secs();
        if self.expires_at.saturating_add(skew_seconds) <= now {
            return Err(TokenError::Expired);
        }
        if self.not_before > now.saturating_add(skew_seconds) {
            return Err(TokenError::NotYetValid);
        }
        if self.issued_at > now.saturating_add(MAX_CLOCK_DRIFT_SECONDS) {
            return Err(TokenError::IssuedInFuture);
        }
        Ok(())
    }
}

pub(super) fn required_string<'c>(
    claims: &'c Map<String, Value>,
    name: &'static str,
) -> Result<&'c str, TokenError> {
    match claims.get(name) {
        None => Err(TokenError::ClaimMissing(ClaimName(name))),
        Some(Value::String(value)) if !value.is_empty() => Ok(value),
        Some(_) => Err(TokenError::ClaimIllTyped(ClaimName(name))),
    }
}

fn time(claims: &Map<String, Value>, name: &'static str) -> Result<Option<u64>, TokenError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    seconds(value).map(Some).ok_or(TokenError::ClaimIllTyped(ClaimName(name)))
}

/// A `NumericDate` up to the year 9999, whole: RFC 7519 §2 allows fractions, which no provider sends.
fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().filter(|seconds| *seconds <= UnixTime::LATEST.as_secs())
}

/// Claims that may be absent must have their type if present. Each is looked at once: looking up names costs more.
fn check_types(claims: &Map<String, Value>) -> Result<(), TokenError> {
    let is_strings = |value: &Value| value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
    for (name, value) in claims {
        let (name, fits) = match name.as_str() {
            "aud" => ("aud", value.is_string() || is_strings(value)),
            "auth_time" => ("auth_time", seconds(value).is_some()),
            GROUPS => (GROUPS, is_strings(value)),
            name => match STRING_CLAIMS.iter().find(|claim| **claim == name) {
                Some(claim) => (*claim, value.is_string()),
                None => continue,
            },
        };
        if !fits {
            return Err(TokenError::ClaimIllTyped(ClaimName(name)));
        }
    }
    Ok(())
}

/// How far `iat` may lie ahead: clocks of providers and of Lambda drift, by seconds.
const MAX_CLOCK_DRIFT_SECONDS: u64 = 60;

const GROUPS: &str = "cognito:groups";

/// RFC 7519 §4.1.7, RFC 8693 §4.2 and §4.3, and Cognito's own.
const STRING_CLAIMS: [&str; 6] = ["jti", "scope", "client_id", "token_use", "username", "cognito:username"];
