//! The compact form of a JWS (RFC 7515 §3.1): size, parts, strict header.
//!
//! Everything here is a caller's text. What comes out is named *unverified* until a key has verified it;
//! [`VerifiedPayload`] is the proof that one has.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    error::TokenError,
    json::{JsonError, parse_object},
};

/// The longest token that is looked at. API Gateway passes at most 10,240 bytes of headers.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>
pub const MAX_TOKEN_BYTES: usize = 10_240;

/// A token whose shape is sound and of which nothing else is known.
#[derive(Debug)]
pub struct UnverifiedToken<'t> {
    signing_input: &'t str,
    signature: Vec<u8>,
    payload: Vec<u8>,
    header: Header,
    issuer: String,
}

/// What is looked at of a header. URLs and keys in it (`jku`, `x5u`, `jwk`, `x5c`) never are.
#[derive(Debug)]
struct Header {
    algorithm: String,
    key_id: String,
    is_of_another_kind: bool,
}

impl<'t> UnverifiedToken<'t> {
    /// Refuses a token longer than [`MAX_TOKEN_BYTES`]: before any work is spent on it.
    pub fn check_length(text: &str) -> Result<(), TokenError> {
        if text.len() > MAX_TOKEN_BYTES { Err(TokenError::TooLong) } else { Ok(()) }
    }

    /// Takes the compact form apart: length, three parts, base64url, header, and the payload's `iss`.
    pub fn parse(text: &'t str) -> Result<Self, TokenError> {
        Self::check_length(text)?;
        let (signing_input, signature) = text.rsplit_once('.').ok_or(TokenError::NotThreeParts)?;
        let (header, payload) = signing_input.split_once('.').ok_or(TokenError::NotThreeParts)?;
        if payload.contains('.') {
            return Err(TokenError::NotThreeParts);
        }
        let header = decode(header)?;
        let payload = decode(payload)?;
        let signature = decode(signature)?;
        let header = read_header(&header)?;
        let issuer = peek_issuer(&payload)?;
        Ok(Self { signing_input, signature, payload, header, issuer })
    }

    /// What the signature is computed over (RFC 7515 §5.2).
    pub fn signing_input(&self) -> &'t str {
        self.signing_input
    }

    /// The signature's bytes.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The header's `alg`: only ever compared with a key's algorithm.
    pub fn algorithm(&self) -> &str {
        &self.header.algorithm
    }

    /// The header's `kid`: only ever looked up in a key set.
    pub fn key_id(&self) -> &str {
        &self.header.key_id
    }

    /// The payload's `iss`: only ever compared with configured issuers.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }
}

/// A payload whose signature has been verified, and its header with it. Only [`VerifyingKey::verify`](super::VerifyingKey::verify)
/// makes one.
#[derive(Debug)]
pub struct VerifiedPayload<'t>(&'t UnverifiedToken<'t>);

impl<'t> VerifiedPayload<'t> {
    /// To be called once a key has verified `token`'s signature, and only then.
    pub(super) fn assert_verified(token: &'t UnverifiedToken<'_>) -> Self {
        Self(token)
    }

    pub(super) fn as_bytes(&self) -> &'t [u8] {
        &self.0.payload
    }

    /// Whether the header's `typ` says that this is neither an access token nor just a JWT.
    pub(super) fn is_of_another_kind(&self) -> bool {
        self.0.header.is_of_another_kind
    }
}

/// Base64url without padding, and canonical: the unused bits of the last character are zero.
fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::NotBase64Url)
}

fn read_header(header: &[u8]) -> Result<Header, TokenError> {
    let mut header = parse_object(header).map_err(|error| match error {
        JsonError::NotObject => TokenError::HeaderNotObject,
        JsonError::DuplicateName => TokenError::HeaderDuplicateName,
    })?;
    let algorithm = take_string(&mut header, "alg").ok_or(TokenError::InvalidAlgorithm)?;
    let key_id = take_string(&mut header, "kid").ok_or(TokenError::InvalidKeyId)?;
    // RFC 7515 §4.1.11: a reader that does not implement a critical extension must refuse. RFC 7797 §6 makes
    // `b64` critical; a token that forgets to say so is refused all the same, since it has two readings.
    if header.contains_key("crit") || header.contains_key("b64") {
        return Err(TokenError::CriticalExtension);
    }
    let is_of_another_kind = header.get("typ").is_some_and(|kind| !is_accepted_kind(kind));
    Ok(Header { algorithm, key_id, is_of_another_kind })
}

/// RFC 7519 §5.1 and RFC 9068 §2.1, in any case and with or without `application/` (RFC 7515 §4.1.9). A logout token or a
/// security event says something else, so that it is not taken for an access token (RFC 8725 §3.11).
fn is_accepted_kind(kind: &Value) -> bool {
    let accepted = ["JWT", "application/jwt", "at+jwt", "application/at+jwt"];
    kind.as_str().is_some_and(|kind| accepted.iter().any(|it| it.eq_ignore_ascii_case(kind)))
}

fn take_string(object: &mut Map<String, Value>, name: &str) -> Option<String> {
    match object.remove(name) {
        Some(Value::String(value)) if !value.is_empty() => Some(value),
        _ => None,
    }
}

/// The one claim that is read before the signature, since it says whose keys to use. It decides nothing
/// else, and the claims are read anew, strictly, once the signature is verified.
fn peek_issuer(payload: &[u8]) -> Result<String, TokenError> {
    #[derive(Deserialize)]
    struct Peek<'p> {
        #[serde(borrow)]
        iss: Option<Cow<'p, str>>,
    }
    // serde would also read this struct from a list.
    if payload.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(TokenError::PayloadNotObject);
    }
    match serde_json::from_slice::<Peek<'_>>(payload) {
        Ok(Peek { iss: Some(issuer) }) => Ok(issuer.into_owned()),
        Ok(Peek { iss: None }) => Err(TokenError::InvalidIssuer),
        Err(error) if error.is_data() => Err(TokenError::InvalidIssuer),
        Err(_) => Err(TokenError::PayloadNotObject),
    }
}
