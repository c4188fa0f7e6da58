//! The issuer's keys: like a user pool, it signs id tokens with one and access tokens with another.

use cognito_authorizer::{
    testing::{SigningKey, jwks},
    token::{Algorithm, TokenUse},
};
use serde_json::{Value, json};

/// Every key that there was since the start.
#[derive(Debug)]
pub(crate) struct Keys {
    held: Vec<Held>,
    /// Never published.
    stranger: SigningKey,
}

#[derive(Debug)]
struct Held {
    key: SigningKey,
    is_published: bool,
    /// What it signs now.
    signs: Option<TokenUse>,
}

impl Keys {
    pub(crate) fn generate() -> Self {
        let stranger = SigningKey::generate("key-of-somebody-else", Algorithm::RS256);
        let mut keys = Self { held: Vec::new(), stranger };
        keys.add(TokenUse::Id);
        keys.add(TokenUse::Access);
        keys
    }

    /// A new key signs these tokens from now on.
    fn add(&mut self, token_use: TokenUse) {
        let signing = self.held.iter_mut().filter(|held| held.signs == Some(token_use));
        signing.for_each(|held| held.signs = None);
        let key = SigningKey::generate(&format!("key-{}", self.held.len() + 1), Algorithm::RS256);
        self.held.push(Held { key, is_published: true, signs: Some(token_use) });
    }

    /// A new key signs access tokens; the old one stays published.
    pub(crate) fn rotate(&mut self) {
        self.add(TokenUse::Access);
    }

    /// Stops publishing a key, or the one that signs access tokens; what it signed, a new one signs. Whether
    /// there is such a key.
    pub(crate) fn withdraw(&mut self, kid: Option<&str>) -> bool {
        let is_meant = |held: &&mut Held| match kid {
            Some(kid) => held.key.id == kid,
            None => held.signs == Some(TokenUse::Access),
        };
        let Some(held) = self.held.iter_mut().find(is_meant) else { return false };
        held.is_published = false;
        if let Some(token_use) = held.signs {
            self.add(token_use);
        }
        true
    }

    pub(crate) fn signing(&self, token_use: TokenUse) -> &SigningKey {
        &self.held.iter().find(|held| held.signs == Some(token_use)).unwrap().key
    }

    pub(crate) fn stranger(&self) -> &SigningKey {
        &self.stranger
    }

    /// The published set.
    pub(crate) fn set(&self) -> Value {
        let published = self.held.iter().filter(|held| held.is_published);
        jwks(&published.map(|held| &held.key).collect::<Vec<&SigningKey>>())
    }

    /// What there is to say of each.
    pub(crate) fn describe(&self) -> Value {
        let describe = |held: &Held| {
            let signs = held.signs.map(|token_use| if token_use == TokenUse::Id { "id" } else { "access" });
            json!({ "kid": held.key.id, "published": held.is_published, "signs": signs })
        };
        self.held.iter().map(describe).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(keys: &Keys) -> Vec<String> {
        let set = keys.set();
        set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn after_a_rotation_the_old_key_is_still_published() {
        let mut keys = Keys::generate();
        keys.rotate();
        assert_eq!(published(&keys), ["key-1", "key-2", "key-3"]);
        assert_eq!(keys.signing(TokenUse::Access).id, "key-3");
        assert_eq!(keys.signing(TokenUse::Id).id, "key-1");
    }

    #[test]
    fn a_withdrawn_key_is_published_no_more_and_another_signs_what_it_signed() {
        let mut keys = Keys::generate();
        assert!(keys.withdraw(None));
        assert_eq!(published(&keys), ["key-1", "key-3"]);
        assert_eq!(keys.signing(TokenUse::Access).id, "key-3");
        assert!(keys.withdraw(Some("key-1")));
        assert_eq!(published(&keys), ["key-3", "key-4"]);
        assert_eq!(keys.signing(TokenUse::Id).id, "key-4");
        assert!(!keys.withdraw(Some("key-9")));
    }
}
