//! What a token of an issuer must say beyond its signature and its times.

use serde_json::{Map, Value};

use super::{
    claims::required_string,
    error::{ClaimName, TokenError},
};

/// The rules of one issuer.
#[derive(Clone, Debug)]
pub enum TokenRules {
    /// A Cognito user pool.
    /// <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html>
    UserPool {
        /// App clients: `client_id` of an access token, `aud` of an id token.
        clients: AllowedClients,
        /// Which kinds of token are accepted.
        token_use: AllowedUse,
        /// Audiences of resource-bound access tokens, checked besides `client_id`; empty for none.
        audiences: Vec<String>,
    },
    /// Any other OpenID Connect provider.
    OpenIdConnect {
        /// `aud` must hold one of these.
        audiences: Vec<String>,
    },
}

/// The app clients of a pool that are accepted.
#[derive(Clone, Debug)]
pub enum AllowedClients {
    /// Any client of the pool.
    Any,
    /// These.
    Listed(Vec<String>),
}

/// The kinds of Cognito token that are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowedUse {
    /// One kind.
    Only(TokenUse),
    /// Access and id tokens.
    Any,
}

/// Cognito's `token_use`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenUse {
    /// An access token: names its app client in `client_id`.
    Access,
    /// An id token: names its app client in `aud`.
    Id,
}

impl TokenUse {
    /// The claim's value.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Id => "id",
        }
    }
}

impl TokenRules {
    pub(super) fn check(&self, claims: &Map<String, Value>) -> Result<Option<TokenUse>, TokenError> {
        match self {
            // A security event, a logout token among them, is for the same audience (RFC 8417 §2.2).
            Self::OpenIdConnect { .. } if claims.get("events").is_some_and(Value::is_object) => {
                Err(TokenError::WrongTokenUse)
            }
            Self::OpenIdConnect { audiences } => {
                check_audience(claims, |aud| contains(audiences, aud), TokenError::WrongAudience)?;
                Ok(None)
            }
            Self::UserPool { clients, token_use, audiences } => {
                let found = token_use.check(claims)?;
                match found {
                    TokenUse::Id => {
                        check_audience(claims, |aud| clients.accepts(aud), TokenError::WrongClient)?;
                    }
                    TokenUse::Access if !clients.accepts(required_string(claims, "client_id")?) => {
                        return Err(TokenError::WrongClient);
                    }
                    TokenUse::Access if !audiences.is_empty() => {
                        check_audience(claims, |aud| contains(audiences, aud), TokenError::WrongAudience)?;
                    }
                    TokenUse::Access => {}
                }
                Ok(Some(found))
            }
        }
    }
}

impl AllowedUse {
    fn check(self, claims: &Map<String, Value>) -> Result<TokenUse, TokenError> {
        let found = match required_string(claims, "token_use")? {
            "access" => TokenUse::Access,
            "id" => TokenUse::Id,
            _ => return Err(TokenError::WrongTokenUse),
        };
        if self == Self::Any || self == Self::Only(found) {
            Ok(found)
        } else {
            Err(TokenError::WrongTokenUse)
        }
    }
}

impl AllowedClients {
    fn accepts(&self, client: &str) -> bool {
        match self {
            Self::Any => !client.is_empty(),
            Self::Listed(listed) => contains(listed, client),
        }
    }
}

/// RFC 7519 §4.1.3: a string or a list of strings, of which one must be accepted.
fn check_audience(
    claims: &Map<String, Value>,
    accepts: impl Fn(&str) -> bool,
    error: TokenError,
) -> Result<(), TokenError> {
    let found = match claims.get("aud") {
        None => return Err(TokenError::ClaimMissing(ClaimName("aud"))),
        Some(Value::String(audience)) => accepts(audience),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).any(accepts),
        Some(_) => false,
    };
    if found { Ok(()) } else { Err(error) }
}

/// Byte by byte: no case folding, no normalising.
fn contains(list: &[String], item: &str) -> bool {
    list.iter().any(|listed| listed == item)
}
