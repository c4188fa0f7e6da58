//! Where in a request the token stands, and taking out exactly one.

use std::{borrow::Cow, fmt};

use thiserror::Error;

use super::event::{Request, Shape};
use crate::token::TokenError;

/// A place to look for the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// A header, its name in lower case: `Bearer` and the token (RFC 6750 §2.1), or the token alone.
    Header(String),
    /// A query parameter.
    Query(String),
    /// A cookie.
    Cookie(String),
}

/// A source that cannot be meant.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("is not header:NAME, query:NAME or cookie:NAME")]
pub struct InvalidTokenSource;

impl TokenSource {
    /// Reads `header:NAME`, `query:NAME` or `cookie:NAME`.
    pub fn parse(text: &str) -> Result<Self, InvalidTokenSource> {
        let (kind, name) = text.split_once(':').ok_or(InvalidTokenSource)?;
        let name = name.to_owned();
        match kind {
            "header" if is_token(&name) => Ok(Self::Header(name.to_ascii_lowercase())),
            "query" if !name.is_empty() && name.trim() == name => Ok(Self::Query(name)),
            "cookie" if is_token(&name) => Ok(Self::Cookie(name)),
            _ => Err(InvalidTokenSource),
        }
    }
}

impl fmt::Display for TokenSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(out, "header:{name}"),
            Self::Query(name) => write!(out, "query:{name}"),
            Self::Cookie(name) => write!(out, "cookie:{name}"),
        }
    }
}

/// RFC 9110 §5.6.2: what a header's or a cookie's name is made of.
fn is_token(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(allowed)
}

impl Request<'_> {
    /// The token's text from the first of `sources` that has a value. A source with a value that is no single
    /// token is refused, not passed over. A `TOKEN` event has one place only, whatever `sources` say.
    pub fn credentials(&self, sources: &[TokenSource]) -> Result<String, TokenError> {
        if self.shape() == Shape::RestToken {
            let values = self.authorization_token().into_iter().collect();
            return strip_scheme(&single_value(values)?.ok_or(TokenError::Missing)?);
        }
        for source in sources {
            let found = match source {
                TokenSource::Header(name) => {
                    single_value(self.headers(name))?.map(|value| strip_scheme(&value))
                }
                TokenSource::Query(name) => single_value(self.query(name))?.map(|value| single_token(&value)),
                TokenSource::Cookie(name) => {
                    single_value(read_cookies(&self.cookies(), name))?.map(|value| single_token(&value))
                }
            };
            if let Some(token) = found {
                return token;
            }
        }
        Err(TokenError::Missing)
    }
}

/// The one value of a source, however often it stands there.
fn single_value(values: Vec<Cow<'_, str>>) -> Result<Option<Cow<'_, str>>, TokenError> {
    let mut values = values.into_iter().filter(|value| !value.trim_ascii().is_empty());
    let Some(first) = values.next() else { return Ok(None) };
    if values.any(|other| other != first) { Err(TokenError::Ambiguous) } else { Ok(Some(first)) }
}

/// API Gateway joins repeated headers and parameters with commas, and no token holds one.
fn single_token(token: &str) -> Result<String, TokenError> {
    if token.contains(',') { Err(TokenError::Ambiguous) } else { Ok(token.to_owned()) }
}

/// Takes `Bearer` off, in any case (RFC 9110 §11.1). A value of one word is a token.
fn strip_scheme(value: &str) -> Result<String, TokenError> {
    let value = value.trim_ascii();
    match value.split_once(' ') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => {
            single_token(rest.trim_ascii_start())
        }
        Some((scheme, _)) if !scheme.contains(',') => Err(TokenError::WrongScheme),
        None if value.eq_ignore_ascii_case("bearer") => Err(TokenError::Missing),
        _ => single_token(value),
    }
}

/// RFC 6265 §4.2.1: `name=value` pairs between semicolons, the value perhaps in quotes.
fn read_cookies(cookies: &[Cow<'_, str>], name: &str) -> Vec<Cow<'static, str>> {
    let pairs = cookies.iter().flat_map(|cookies| cookies.split(';'));
    pairs
        .filter_map(|pair| pair.trim_ascii().split_once('='))
        .filter(|(found, _)| *found == name)
        .map(|(_, value)| Cow::Owned(unquote(value).to_owned()))
        .collect()
}

fn unquote(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}
