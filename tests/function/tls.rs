//! Whose certificates are trusted when keys are fetched.

use std::path::Path;

use cognito_authorizer::testing::jwks;

use super::{
    provider::{Certificate, serve_tls},
    *,
};

#[tokio::test]
async fn keys_come_over_tls_from_a_host_that_a_trusted_authority_certifies_and_from_no_other() {
    for (certificate, names_authority, expected) in [
        (Certificate::Good, true, (200, Value::Null)),
        (Certificate::Good, false, (500, json!("unreachable"))),
        (Certificate::WrongName, true, (500, json!("unreachable"))),
        (Certificate::Expired, true, (500, json!("unreachable"))),
        (Certificate::SelfSigned, true, (500, json!("unreachable"))),
    ] {
        let name = format!("authority-{certificate:?}-{names_authority}.pem");
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let port = serve_tls(&jwks(&[&KEY]).to_string(), certificate, &file);
        let url = format!("https://127.0.0.1:{port}/jwks.json");
        let mut settings = vec![("USER_POOL_ID", POOL_ID), ("CLIENT_ID", CLIENT_ID), ("JWKS_URI", &url)];
        if names_authority {
            settings.push(("JWKS_CA_FILE", file.to_str().unwrap()));
        }
        let function = start_with(&settings).await.unwrap();
        let (status, line) = ask(&function, &KEY).await;
        let found = (status, line["key_fetch"]["outcome"].clone());
        assert_eq!(found, expected, "{certificate:?}, authority named: {names_authority}");
    }
}
