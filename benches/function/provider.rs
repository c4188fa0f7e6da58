//! Where keys are fetched from: a server on loopback, plain or with TLS and an authority of its own.

#![allow(dead_code, reason = "each of its users has one for some of it")]

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    sync::Arc,
    thread,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{ServerConfig, ServerConnection, StreamOwned, crypto::aws_lc_rs, pki_types::PrivateKeyDer};

/// What a server shows of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Certificate {
    /// One for its address, from the authority.
    Good,
    /// One for another host.
    WrongName,
    /// One that was good until long ago.
    Expired,
    /// One that it signed itself.
    SelfSigned,
}

/// Serves `document` over TLS; writes the authority's certificate to `authority`.
pub(crate) fn serve_tls(document: &str, certificate: Certificate, authority: &Path) -> u16 {
    let config = Authority::create(authority).server(certificate);
    serve(document, move |stream| {
        StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream)
    })
}

/// Serves `document` for as long as the process lives, each connection wrapped; gives the port.
pub(crate) fn serve<S: Read + Write>(document: &str, wrap: impl Fn(TcpStream) -> S + Send + 'static) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let response = publishing(document);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            answer(&mut wrap(stream), &response);
        }
    });
    port
}

/// The response that publishes a document.
pub(crate) fn publishing(document: &str) -> String {
    let length = document.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{document}"
    )
}

/// Reads a request and answers it. Whether the whole answer could be written: a client that gives up is no concern
/// here.
pub(crate) fn answer(stream: &mut (impl Read + Write), response: &str) -> bool {
    let mut request = [0; 4096];
    // One read holds the whole of so short a request.
    let answered = stream.read(&mut request).and_then(|_| stream.write_all(response.as_bytes()));
    answered.and_then(|()| stream.flush()).is_ok()
}

/// An authority, and what it certifies.
pub(crate) struct Authority(Issuer<'static, KeyPair>);

impl Authority {
    /// Makes one, and writes its own certificate to `file`.
    pub(crate) fn create(file: &Path) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        fs::write(file, params.self_signed(&key).unwrap().pem()).unwrap();
        Self(Issuer::new(params, key))
    }

    /// A server on 127.0.0.1 that shows such a certificate.
    pub(crate) fn server(&self, certificate: Certificate) -> Arc<ServerConfig> {
        let host = if certificate == Certificate::WrongName { "keys.example.com" } else { "127.0.0.1" };
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        if certificate == Certificate::Expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        let shown = match certificate {
            Certificate::SelfSigned => params.self_signed(&key),
            _ => params.signed_by(&key, &self.0),
        };
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![shown.unwrap().der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            );
        Arc::new(config.unwrap())
    }
}
