//! Fetching a JWK Set document: the one seam for I/O, and its implementation over HTTPS.
//!
//! Only addresses from the configuration are asked. Redirects are not followed, since they would hand the
//! choice of host to whoever answers; the body is bounded; the deadline around it all is the caller's.

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::{StatusCode, Url, redirect::Policy};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use thiserror::Error;

use super::jwk::KeySetError;

/// The longest body that is read. API Gateway's own JWT authorizers stop at the same size.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>
pub const MAX_JWKS_BYTES: usize = 150_000;

/// Fetches the document at a configured address.
pub trait FetchJwks: Send + Sync {
    /// The body of a 200 answer, at most [`MAX_JWKS_BYTES`] long. The caller bounds the time and may drop the
    /// future at any point.
    fn fetch(&self, url: &JwksUrl) -> impl Future<Output = Result<Vec<u8>, FetchError>> + Send;
}

/// Why an attempt to fetch brought no key set. Each has a fixed [`code`](Self::code).
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FetchError {
    /// No answer within `JWKS_TIMEOUT_MS`.
    #[error("no complete answer in time")]
    Timeout,
    /// No connection: name not found, refused, or TLS not trusted.
    #[error("no connection")]
    Unreachable,
    /// An answer other than 200; redirects are among them.
    #[error("answered with status {0}")]
    Status(u16),
    /// A body longer than [`MAX_JWKS_BYTES`].
    #[error("a body over {MAX_JWKS_BYTES} bytes")]
    TooLarge,
    /// The connection broke within the body.
    #[error("the connection broke within the body")]
    Interrupted,
    /// A document without usable keys.
    #[error("the document cannot be used: {0}")]
    KeySet(#[from] KeySetError),
}

impl FetchError {
    /// The fixed word for logs and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Status(_) => "status",
            Self::TooLarge => "too_large",
            Self::Interrupted => "interrupted",
            Self::KeySet(KeySetError::NotKeySet) => "not_key_set",
            Self::KeySet(KeySetError::NoUsableKey) => "no_usable_key",
        }
    }
}

impl FetchError {
    /// Whether the provider itself said that there is no such key set: Cognito says 403. Any other failure may
    /// pass.
    pub const fn is_definite(self) -> bool {
        matches!(self, Self::Status(403 | 404))
    }
}

/// Where a key set is: `https`, or `http` on a loopback address for local work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwksUrl(Url);

/// Why an address is not a [`JwksUrl`].
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("is not an https url without user and fragment (http is allowed on a loopback address)")]
pub struct InvalidJwksUrl;

impl JwksUrl {
    /// Reads an absolute address.
    pub fn parse(text: &str) -> Result<Self, InvalidJwksUrl> {
        let url = Url::parse(text).map_err(|_| InvalidJwksUrl)?;
        let secure = match url.scheme() {
            "https" => url.has_host(),
            "http" => is_loopback(&url),
            _ => false,
        };
        let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        if secure && plain { Ok(Self(url)) } else { Err(InvalidJwksUrl) }
    }

    /// The address as it will be asked.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Certificate authorities that are trusted besides Mozilla's, which are compiled in: a company's own, say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorities(Vec<CertificateDer<'static>>);

/// Why a file is none of authorities.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("holds no pem certificates of authorities, or one that cannot be used")]
pub struct InvalidAuthorities;

impl Authorities {
    /// Reads PEM text (RFC 7468) with at least one certificate, all of which must be usable.
    pub fn parse(pem: &[u8]) -> Result<Self, InvalidAuthorities> {
        let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
        let certificates = certificates.map_err(|_| InvalidAuthorities)?;
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots.add(certificate.clone()).map_err(|_| InvalidAuthorities)?;
        }
        if certificates.is_empty() { Err(InvalidAuthorities) } else { Ok(Self(certificates)) }
    }

    /// Them and Mozilla's.
    fn roots(&self) -> Result<RootCertStore, rustls::Error> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        self.0.iter().try_for_each(|certificate| roots.add(certificate.clone()))?;
        Ok(roots)
    }
}

/// [`FetchJwks`] over reqwest. The client is built on the first fetch, so that a function with its keys in a
/// file never pays for one.
#[derive(Debug, Default)]
pub struct HttpsFetch {
    authorities: Authorities,
    client: OnceLock<Option<reqwest::Client>>,
}

impl HttpsFetch {
    /// Trusts `authorities` besides Mozilla's; the default trusts Mozilla's alone.
    pub fn trusting(authorities: Authorities) -> Self {
        Self { authorities, client: OnceLock::new() }
    }

    /// The client, if TLS could be set up.
    pub fn client(&self) -> Option<&reqwest::Client> {
        self.client.get_or_init(|| build_client(&self.authorities).ok()).as_ref()
    }
}

impl FetchJwks for HttpsFetch {
    async fn fetch(&self, url: &JwksUrl) -> Result<Vec<u8>, FetchError> {
        let client = self.client().ok_or(FetchError::Unreachable)?;
        let mut answer = client.get(url.0.clone()).send().await.map_err(|_| FetchError::Unreachable)?;
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status(answer.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|_| FetchError::Interrupted)? {
            if body.len() + chunk.len() > MAX_JWKS_BYTES {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

fn build_client(authorities: &Authorities) -> Result<reqwest::Client, Box<dyn std::error::Error>> {
    let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(authorities.roots()?)
        .with_no_client_auth();
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("cognito-authorizer/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .no_proxy()
        // Fetches are an hour apart and Lambda freezes the process in between: a kept connection would be
        // dead by the next one.
        .pool_max_idle_per_host(0)
        .pool_idle_timeout(Duration::ZERO)
        .build()?;
    Ok(client)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_anywhere_and_http_on_loopback_are_addresses_of_keys() {
        for text in [
            "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC/.well-known/jwks.json",
            "https://login.example.com:8443/keys?tenant=a",
            "http://127.0.0.1:9000/jwks.json",
            "http://127.9.9.9/jwks.json",
            "http://[::1]:9000/jwks.json",
            "http://localhost:9229/pool/.well-known/jwks.json",
        ] {
            assert!(JwksUrl::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn anything_else_is_not() {
        for text in [
            "",
            "jwks.json",
            "//example.com/keys",
            "ftp://example.com/keys",
            "file:///etc/passwd",
            "http://example.com/keys",
            "http://10.0.0.1/keys",
            "http://169.254.169.254/latest/meta-data",
            "http://127.0.0.1.example.com/keys",
            "http://localhost.example.com/keys",
            "https://user@example.com/keys",
            "https://user:secret@example.com/keys",
            "https://example.com/keys#fragment",
        ] {
            assert_eq!(JwksUrl::parse(text), Err(InvalidJwksUrl), "{text}");
        }
    }
}
