//! Where keys are fetched from: a server on loopback, plain or with TLS and an authority of its own.

#![allow(dead_code, reason = "each of its users has one for some of the certificates")]

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
    let config = Arc::new(tls(certificate, authority));
    serve(document, move |stream| {
        StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream)
    })
}

/// Serves `document` for as long as the process lives, each connection wrapped; gives the port.
pub(crate) fn serve<S: Read + Write>(document: &str, wrap: impl Fn(TcpStream) -> S + Send + 'static) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{document}",
        document.len()
    );
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut stream = wrap(stream);
            let mut request = [0; 4096];
            // One read holds the whole of so short a request. A client that gives up is no concern here.
            let _ = stream.read(&mut request).and_then(|_| stream.write_all(answer.as_bytes()));
            let _ = stream.flush();
        }
    });
    port
}

fn tls(certificate: Certificate, authority: &Path) -> ServerConfig {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    fs::write(authority, params.self_signed(&authority_key).unwrap().pem()).unwrap();

    let host = if certificate == Certificate::WrongName { "keys.example.com" } else { "127.0.0.1" };
    let mut own = CertificateParams::new([host.to_owned()]).unwrap();
    if certificate == Certificate::Expired {
        own.not_before = date_time_ymd(2020, 1, 1);
        own.not_after = date_time_ymd(2021, 1, 1);
    }
    let key = KeyPair::generate().unwrap();
    let shown = match certificate {
        Certificate::SelfSigned => own.self_signed(&key),
        _ => own.signed_by(&key, &Issuer::new(params, authority_key)),
    };
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![shown.unwrap().der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap()
}
