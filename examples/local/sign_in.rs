//! The sign-in: a good token for somebody, or one that is wrong in some way.

use cognito_authorizer::{
    testing::{SigningKey, compact, merged},
    time::UnixTime,
    token::TokenUse,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{keys::Keys, people::Name};

/// What somebody asks for at the sign-in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    user: Name,
    #[serde(default, rename = "use")]
    token_use: Use,
    #[serde(default)]
    flaw: Option<Flaw>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Use {
    #[default]
    Access,
    Id,
}

/// What can be wrong with a token.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Flaw {
    Expired,
    Tampered,
    Forged,
    UnknownKey,
    OtherClient,
    NotYetValid,
}

impl SignIn {
    /// Signs a token, unless there is none of that kind.
    pub(crate) fn token(&self, keys: &Keys, now: UnixTime) -> Result<String, &'static str> {
        let now = now.as_secs();
        let (claims, key) = match (self.token_use, self.user) {
            (Use::Id, Name::Machine) => return Err("a machine has no id token: leave `use` out"),
            (Use::Id, user) => (user.id_claims(now), keys.signing(TokenUse::Id)),
            (Use::Access, user) => (user.access_claims(now), keys.signing(TokenUse::Access)),
        };
        Ok(self.flaw.map_or_else(|| key.token(&claims), |flaw| flaw.token(keys, key, claims.clone(), now)))
    }
}

impl Flaw {
    /// A token that `key` would have signed with these claims, but for one thing.
    fn token(self, keys: &Keys, key: &SigningKey, claims: Value, now: u64) -> String {
        match self {
            Self::Expired => key.token(&merged(claims, &times(now - 7_200, now - 3_600))),
            Self::NotYetValid => key.token(&merged(claims, &json!({ "nbf": now + 3_600 }))),
            Self::OtherClient => key.token(&merged(claims.clone(), &other_client(&claims))),
            Self::UnknownKey => keys.stranger().token(&claims),
            Self::Forged => {
                let header = json!({ "kid": key.id, "alg": key.algorithm.name() });
                compact(&header.to_string(), claims.to_string(), keys.stranger())
            }
            Self::Tampered => {
                let signed = key.token(&claims);
                // Other groups than anybody has.
                let changed = key.token(&merged(claims, &json!({ "cognito:groups": ["admins", "owners"] })));
                let (_, signature) = signed.rsplit_once('.').unwrap();
                let (content, _) = changed.rsplit_once('.').unwrap();
                format!("{content}.{signature}")
            }
        }
    }
}

fn times(issued: u64, expires: u64) -> Value {
    json!({ "iat": issued, "auth_time": issued, "exp": expires })
}

fn other_client(claims: &Value) -> Value {
    let name = if claims["token_use"] == "id" { "aud" } else { "client_id" };
    json!({ name: "another-client" })
}

#[cfg(test)]
mod tests {
    use cognito_authorizer::{
        testing::{JWKS_URL, NOW, Provider, verifier_settings},
        token::{AllowedClients, AllowedUse, TokenRules, Trace, Verifier, VerifyError},
    };

    use super::*;
    use crate::people::client_ids;

    fn token(keys: &Keys, sign_in: Value) -> Result<String, &'static str> {
        let sign_in: SignIn = serde_json::from_value(sign_in).unwrap();
        sign_in.token(keys, UnixTime::from_secs(NOW))
    }

    /// Why a token is refused by whoever trusts the published keys, and nothing for a good one.
    async fn refusal(keys: &Keys, token: &str) -> Option<&'static str> {
        let mut settings = verifier_settings();
        settings.issuers[0].rules = TokenRules::UserPool {
            clients: AllowedClients::Listed(client_ids().split(',').map(str::to_owned).collect()),
            token_use: AllowedUse::Any,
            audiences: Vec::new(),
        };
        let now = UnixTime::from_secs(NOW);
        let verifier: Verifier<_> = Verifier::new(settings, Provider::with(JWKS_URL, &keys.set()), now);
        match verifier.verify(token, now, &mut Trace::default()).await {
            Ok(_) => None,
            Err(VerifyError::Token(error)) => Some(error.code()),
            Err(error) => panic!("{error}"),
        }
    }

    #[tokio::test]
    async fn everybody_gets_good_tokens_and_ones_that_are_wrong_in_the_one_way() {
        let keys = Keys::generate();
        for (flaw, expected) in [
            (None, None),
            (Some("expired"), Some("token_expired")),
            (Some("not-yet-valid"), Some("token_not_yet_valid")),
            (Some("other-client"), Some("wrong_client")),
            (Some("tampered"), Some("bad_signature")),
            (Some("forged"), Some("bad_signature")),
            (Some("unknown-key"), Some("unknown_key")),
        ] {
            for name in Name::ALL {
                for token_use in ["access", "id"] {
                    let sign_in = json!({ "user": name.word(), "use": token_use, "flaw": flaw });
                    match token(&keys, sign_in) {
                        Ok(token) => {
                            assert_eq!(refusal(&keys, &token).await, expected, "{name:?} {token_use}")
                        }
                        Err(_) => assert_eq!((name, token_use), (Name::Machine, "id")),
                    }
                }
            }
        }
    }

    #[test]
    fn a_sign_in_with_a_word_that_is_not_known_is_refused() {
        for sign_in in [
            json!({}),
            json!({ "user": "nobody" }),
            json!({ "user": "reader", "use": "refresh" }),
            json!({ "user": "reader", "flaw": "typo" }),
            json!({ "user": "reader", "expired": true }),
        ] {
            assert!(serde_json::from_value::<SignIn>(sign_in.clone()).is_err(), "{sign_in}");
        }
    }
}
