//! Every way a token is refused, in the order of the checks.

use thiserror::Error;

use super::fetch::FetchError;

/// Why a token was refused. One variant and one fixed [`code`](Self::code) per way to fail; none carries
/// text from the token.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TokenError {
    /// No configured source holds a token.
    #[error("no token in any configured source")]
    Missing,
    /// A source holds several values, or a comma-joined list: nobody can say which one the client meant.
    #[error("several tokens in one source")]
    Ambiguous,
    /// The `Authorization` header uses a scheme other than `Bearer` (RFC 6750 §2.1).
    #[error("the authorization scheme is not bearer")]
    WrongScheme,
    /// Longer than [`MAX_TOKEN_BYTES`](super::MAX_TOKEN_BYTES).
    #[error("longer than 10240 bytes")]
    TooLong,
    /// Not three parts between two dots (RFC 7515 §3.1).
    #[error("not three parts")]
    NotThreeParts,
    /// A part is not canonical base64url without padding (RFC 7515 §2).
    #[error("a part is not canonical base64url")]
    NotBase64Url,
    /// The header is not a JSON object.
    #[error("the header is not a json object")]
    HeaderNotObject,
    /// The header names a member twice (RFC 7515 §4).
    #[error("the header names a member twice")]
    HeaderDuplicateName,
    /// The header has no `alg`, or it is not a string (RFC 7515 §4.1.1).
    #[error("the header's alg is missing or not a string")]
    InvalidAlgorithm,
    /// The header has no `kid`, or it is not a non-empty string (RFC 7515 §4.1.4).
    #[error("the header's kid is missing or not a string")]
    InvalidKeyId,
    /// The header has `crit` (RFC 7515 §4.1.11) or `b64` (RFC 7797 §3): an extension we do not implement.
    #[error("the header asks for an extension that is not supported")]
    CriticalExtension,
    /// The payload is not a JSON object.
    #[error("the payload is not a json object")]
    PayloadNotObject,
    /// The payload's `iss` is missing, not a string, or there twice (RFC 7519 §4.1.1).
    #[error("iss is missing or not a string")]
    InvalidIssuer,
    /// `iss` is none of the configured issuers.
    #[error("the issuer is not configured")]
    UnknownIssuer,
    /// The issuer's key set has no usable key with this `kid`.
    #[error("the issuer has no such key")]
    UnknownKey,
    /// The header's `alg` is not the key's algorithm.
    #[error("alg is not the key's algorithm")]
    WrongAlgorithm,
    /// The signature does not verify.
    #[error("the signature does not verify")]
    BadSignature,
    /// The payload names a member twice, at any depth (RFC 7519 §4).
    #[error("the payload names a claim twice")]
    DuplicateClaim,
    /// A required claim is absent.
    #[error("{0} is missing")]
    ClaimMissing(ClaimName),
    /// A claim has the wrong JSON type, or a value outside its range.
    #[error("{0} has the wrong type, or is out of range")]
    ClaimIllTyped(ClaimName),
    /// `exp` is not after now (RFC 7519 §4.1.4).
    #[error("expired")]
    Expired,
    /// `nbf` is after now (RFC 7519 §4.1.5).
    #[error("not valid yet")]
    NotYetValid,
    /// `iat` is further ahead than clocks drift.
    #[error("issued in the future")]
    IssuedInFuture,
    /// `token_use` is not the one that is accepted, or the header's `typ` or `events` say that this is another kind of
    /// token (RFC 8725 §3.11, §3.12).
    #[error("the token's use is not accepted")]
    WrongTokenUse,
    /// `client_id` (access token) or `aud` (id token) is none of the accepted app clients.
    #[error("the app client is not accepted")]
    WrongClient,
    /// `aud` is none of the accepted audiences.
    #[error("the audience is not accepted")]
    WrongAudience,
}

impl TokenError {
    /// The fixed word for logs, metrics and `context.reason`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "token_missing",
            Self::Ambiguous => "token_ambiguous",
            Self::WrongScheme => "wrong_scheme",
            Self::TooLong => "token_too_long",
            Self::NotThreeParts => "not_three_parts",
            Self::NotBase64Url => "not_base64url",
            Self::HeaderNotObject => "header_not_object",
            Self::HeaderDuplicateName => "header_duplicate_name",
            Self::InvalidAlgorithm => "invalid_alg",
            Self::InvalidKeyId => "invalid_kid",
            Self::CriticalExtension => "critical_extension",
            Self::PayloadNotObject => "payload_not_object",
            Self::InvalidIssuer => "invalid_issuer",
            Self::UnknownIssuer => "unknown_issuer",
            Self::UnknownKey => "unknown_key",
            Self::WrongAlgorithm => "wrong_algorithm",
            Self::BadSignature => "bad_signature",
            Self::DuplicateClaim => "duplicate_claim",
            Self::ClaimMissing(_) => "claim_missing",
            Self::ClaimIllTyped(_) => "claim_ill_typed",
            Self::Expired => "token_expired",
            Self::NotYetValid => "token_not_yet_valid",
            Self::IssuedInFuture => "issued_in_future",
            Self::WrongTokenUse => "wrong_token_use",
            Self::WrongClient => "wrong_client",
            Self::WrongAudience => "wrong_audience",
        }
    }
}

/// The claims whose type is checked, by their registered names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimName(pub(super) &'static str);

impl std::fmt::Display for ClaimName {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.0)
    }
}

/// Why [`Verifier::verify`](super::Verifier::verify) gave no claims: the token's fault, or the provider's.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum VerifyError {
    /// The token is refused: a 401.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// No usable key set is held and none could be fetched: never the token's fault, a 500. Carries why the
    /// fetch of this invocation failed, if it made one.
    #[error("no usable keys for the issuer")]
    KeysUnavailable(Option<FetchError>),
}
