//! Who asks: the bearer of a token, as a Cedar entity.

use std::collections::{HashMap, HashSet};

use cedar_policy::{Context, Entity, EntityTypeName, EntityUid, RestrictedExpression};

use super::{claim_type::ClaimTypes, schema::uid};
use cognito_authorizer_token::{Claims, TokenUse};

/// What the schema says about principals.
#[derive(Debug)]
pub(super) struct Principals {
    pub(super) user: EntityTypeName,
    pub(super) group: EntityTypeName,
    /// The claims of an id token that are declared.
    pub(super) attributes: ClaimTypes,
}

impl Principals {
    /// The bearer, with its groups as parents and an id token's claims as attributes. Nothing is looked up of
    /// a group but its name, so it needs no entity of its own.
    pub(super) fn entity(&self, claims: &Claims) -> Option<Entity> {
        let pool = pool(claims);
        let groups: HashSet<EntityUid> =
            claims.groups().map(|group| uid(&self.group, &format!("{pool}|{group}"))).collect();
        let attributes: HashMap<String, RestrictedExpression> = match claims.token_use() {
            Some(TokenUse::Access) => HashMap::new(),
            Some(TokenUse::Id) | None => self.attributes.select(claims).collect(),
        };
        Entity::new(self.uid(claims), attributes, groups).ok()
    }

    /// Whether an entity is a user or a group.
    pub(super) fn has(&self, entity: &EntityUid) -> bool {
        *entity.type_name() == self.user || *entity.type_name() == self.group
    }

    /// A user is `{pool}|{sub}`. A machine, whose token has no user name, is `{pool}|client|{client_id}`: a
    /// name that no user has, since a pool gives its users UUIDs.
    pub(super) fn uid(&self, claims: &Claims) -> EntityUid {
        let pool = pool(claims);
        let is_machine = claims.token_use() == Some(TokenUse::Access) && claims.string("username").is_none();
        match claims.string("client_id").filter(|_| is_machine) {
            Some(client) => uid(&self.user, &format!("{pool}|client|{client}")),
            None => uid(&self.user, &format!("{pool}|{}", claims.subject())),
        }
    }
}

/// The context of every request with a token: an access token's claims, of which `types` are declared.
pub(super) fn context(types: &ClaimTypes, claims: &Claims) -> Option<Context> {
    if claims.token_use() != Some(TokenUse::Access) {
        return Some(Context::empty());
    }
    let token = RestrictedExpression::new_record(types.select(claims)).ok()?;
    Context::from_pairs([("token".to_owned(), token)]).ok()
}

/// Whose users and groups these are. Pool ids are unique in AWS, and have no `|` and no `/`; another provider
/// is named by its whole issuer.
fn pool(claims: &Claims) -> &str {
    let issuer = claims.string("iss").unwrap_or_default();
    match claims.token_use() {
        Some(_) => issuer.rsplit('/').next().unwrap_or_default(),
        None => issuer,
    }
}
