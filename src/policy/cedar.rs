//! Rules per route, in Cedar.
//!
//! Entities follow Amazon Verified Permissions' API Gateway quick start: action `NS::Action::"get /orders/{id}"`,
//! principal `NS::User::"{pool}|{sub}"` with parents `NS::UserGroup::"{pool}|{group}"`, resource
//! `NS::Application::"NS"`. Claims of an id token are the principal's attributes; those of an access token
//! stand in `context.token`.
//! <https://docs.aws.amazon.com/verifiedpermissions/latest/userguide/identity-sources_map-token-to-schema.html>

use std::collections::{HashMap, HashSet};

use cedar_policy::{
    AuthorizationError, Authorizer, Context, Decision as Verdict, Entities, Entity, EntityId, EntityTypeName,
    EntityUid, PolicySet, Request, RestrictedExpression, Schema, SchemaFragment, ValidationMode, Validator,
};
use serde_json::Value;
use thiserror::Error;

use super::{
    claim_type::{ClaimTypes, InvalidClaimType, member},
    route_table::{RouteTable, RouteTableError},
};
use crate::token::{Claims, TokenUse};

/// Policies that are valid for their schema, and the routes that its actions name.
#[derive(Debug)]
pub struct Policies {
    authorizer: Authorizer,
    set: PolicySet,
    routes: RouteTable,
    /// In the order of the routes.
    actions: Vec<Action>,
    resource: EntityUid,
    user: EntityTypeName,
    group: EntityTypeName,
    /// What the schema declares of an id token's claims.
    attributes: ClaimTypes,
}

#[derive(Debug)]
struct Action {
    uid: EntityUid,
    /// What the schema declares of an access token's claims.
    token: ClaimTypes,
}

/// One route, decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// Whether it is allowed: some policy permits, none forbids, and none failed to evaluate.
    pub is_allowed: bool,
    /// Ids of the policies that determined it.
    pub determined_by: Vec<String>,
    /// Ids of the policies that failed to evaluate. Cedar would skip them; here each denies its route.
    pub failed: Vec<String>,
}

/// Why policies cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PolicyError {
    /// The schema does not parse.
    #[error("the schema: {0}")]
    Schema(String),
    /// Not one namespace, or not the entity types of the quick start.
    #[error("the schema must have one namespace with the entity types User, UserGroup and Application")]
    Namespace,
    /// A declared claim has a type that no claim can have.
    #[error("the schema: {0}")]
    ClaimType(#[from] InvalidClaimType),
    /// The policies do not parse.
    #[error("the policies: {0}")]
    Policies(String),
    /// Policies that do not fit the schema.
    #[error("the policies do not fit the schema: {0}")]
    Invalid(String),
    /// A policy reads more of the context than `token`: the rest differs from request to request.
    #[error(
        "policy {0} reads more of the context than context.token: path and query parameters differ from \
         request to request while one answer is kept for all, so decide on the route and the claims alone"
    )]
    ReadsRequest(String),
    /// The schema's actions are no usable routes.
    #[error("the schema's actions: {0}")]
    Routes(#[from] RouteTableError),
}

impl Policies {
    /// Reads policies and their schema, both as Cedar's text, and validates them in strict mode.
    pub fn parse(schema: &str, policies: &str) -> Result<Self, PolicyError> {
        let schema_error = |error: &dyn ToString| PolicyError::Schema(error.to_string());
        let (fragment, _) =
            SchemaFragment::from_cedarschema_str(schema).map_err(|error| schema_error(&error))?;
        let declared = fragment.clone().to_json_value().map_err(|error| schema_error(&error))?;
        let schema = Schema::from_schema_fragments([fragment]).map_err(|error| schema_error(&error))?;
        let policies: PolicySet = policies
            .parse()
            .map_err(|error: cedar_policy::ParseErrors| PolicyError::Policies(error.to_string()))?;
        check_policies(&schema, &policies)?;
        Self::from_parts(&declared, policies)
    }

    fn from_parts(declared: &Value, policies: PolicySet) -> Result<Self, PolicyError> {
        let mut namespaces = declared.as_object().into_iter().flatten();
        let (Some((name, namespace)), None) = (namespaces.next(), namespaces.next()) else {
            return Err(PolicyError::Namespace);
        };
        let entity_type = |kind: &str| -> Result<EntityTypeName, PolicyError> {
            let known = member(namespace, "entityTypes").get(kind).ok_or(PolicyError::Namespace);
            known.and_then(|_| format!("{name}::{kind}").parse().map_err(|_| PolicyError::Namespace))
        };
        let (user, group, application) =
            (entity_type("User")?, entity_type("UserGroup")?, entity_type("Application")?);
        let common = &member(namespace, "commonTypes");
        let action_type: EntityTypeName =
            format!("{name}::Action").parse().map_err(|_| PolicyError::Namespace)?;
        let declared_actions: Vec<(&String, &Value)> =
            member(namespace, "actions").as_object().into_iter().flatten().collect();
        let routes = RouteTable::new(declared_actions.iter().map(|(action, _)| action.as_str()))?;
        let actions = declared_actions.iter().map(|(action, declared)| {
            let token =
                ClaimTypes::of_member(member(member(declared, "appliesTo"), "context"), "token", common)?;
            Ok(Action { uid: uid(&action_type, action), token })
        });
        Ok(Self {
            authorizer: Authorizer::new(),
            set: policies,
            routes,
            actions: actions.collect::<Result<_, InvalidClaimType>>()?,
            resource: uid(&application, name),
            attributes: ClaimTypes::of_record(
                member(member(member(namespace, "entityTypes"), "User"), "shape"),
                common,
            )?,
            user,
            group,
        })
    }

    /// The routes, in the order in which rulings on them are given.
    pub fn routes(&self) -> &RouteTable {
        &self.routes
    }

    /// Rules on every route at once; which one was asked for makes no difference.
    pub fn decide(&self, claims: &Claims) -> Vec<Ruling> {
        let principal = self.principal(claims);
        let entities = self.entities(&principal, claims);
        self.actions.iter().map(|action| self.rule(action, &principal, entities.as_ref(), claims)).collect()
    }

    /// What cannot be built cannot be decided, and is denied.
    fn rule(
        &self,
        action: &Action,
        principal: &EntityUid,
        entities: Option<&Entities>,
        claims: &Claims,
    ) -> Ruling {
        let request = context(action, claims).and_then(|context| {
            let (action, resource) = (action.uid.clone(), self.resource.clone());
            Request::new(principal.clone(), action, resource, context, None).ok()
        });
        let (Some(request), Some(entities)) = (request, entities) else { return Ruling::undecided() };
        let response = self.authorizer.is_authorized(&request, &self.set, entities);
        let failed: Vec<String> = response
            .diagnostics()
            .errors()
            .map(|AuthorizationError::PolicyEvaluationError(error)| error.policy_id().to_string())
            .collect();
        Ruling {
            is_allowed: response.decision() == Verdict::Allow && failed.is_empty(),
            determined_by: response.diagnostics().reason().map(ToString::to_string).collect(),
            failed,
        }
    }

    /// A user is `{pool}|{sub}`. A machine, whose token has no user name, is `{pool}|client|{client_id}`: a
    /// name that no user has, since a pool gives its users UUIDs.
    fn principal(&self, claims: &Claims) -> EntityUid {
        let pool = pool(claims);
        let is_machine = claims.token_use() == Some(TokenUse::Access) && claims.string("username").is_none();
        match claims.string("client_id").filter(|_| is_machine) {
            Some(client) => uid(&self.user, &format!("{pool}|client|{client}")),
            None => uid(&self.user, &format!("{pool}|{}", claims.subject())),
        }
    }

    fn entities(&self, principal: &EntityUid, claims: &Claims) -> Option<Entities> {
        let pool = pool(claims);
        let groups: HashSet<EntityUid> =
            claims.groups().map(|group| uid(&self.group, &format!("{pool}|{group}"))).collect();
        let attributes: HashMap<String, RestrictedExpression> = match claims.token_use() {
            Some(TokenUse::Access) => HashMap::new(),
            Some(TokenUse::Id) | None => self.attributes.select(claims).collect(),
        };
        let mut entities = vec![Entity::new(principal.clone(), attributes, groups.clone()).ok()?];
        for entity in groups.into_iter().chain([self.resource.clone()]) {
            entities.push(Entity::new_no_attrs(entity, HashSet::new()));
        }
        Entities::from_entities(entities, None).ok()
    }
}

impl Ruling {
    fn undecided() -> Self {
        Self { is_allowed: false, determined_by: Vec::new(), failed: Vec::new() }
    }
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

fn context(action: &Action, claims: &Claims) -> Option<Context> {
    if claims.token_use() != Some(TokenUse::Access) {
        return Some(Context::empty());
    }
    let token = RestrictedExpression::new_record(action.token.select(claims)).ok()?;
    Context::from_pairs([("token".to_owned(), token)]).ok()
}

fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

fn check_policies(schema: &Schema, policies: &PolicySet) -> Result<(), PolicyError> {
    if policies.templates().next().is_some() {
        return Err(PolicyError::Invalid("a template decides nothing: write it out as a policy".to_owned()));
    }
    let result = Validator::new(schema.clone()).validate(policies, ValidationMode::Strict);
    if !result.validation_passed() {
        let errors: Vec<String> = result.validation_errors().map(ToString::to_string).collect();
        return Err(PolicyError::Invalid(errors.join("; ")));
    }
    for policy in policies.policies() {
        let json = policy.to_json().map_err(|error| PolicyError::Policies(error.to_string()))?;
        if reads_request(&json) {
            return Err(PolicyError::ReadsRequest(policy.id().to_string()));
        }
    }
    Ok(())
}

/// Whether an expression uses the context for anything but its `token`. In Cedar's JSON form that is
/// `{"Var": "context"}` outside `{".": {"left": …, "attr": "token"}}` and the like.
/// <https://docs.cedarpolicy.com/policies/json-format.html>
fn reads_request(expression: &Value) -> bool {
    match expression {
        Value::Array(items) => items.iter().any(reads_request),
        Value::Object(members) => members.iter().any(|(name, value)| {
            let is_token = matches!(name.as_str(), "." | "has")
                && member(member(value, "left"), "Var") == "context"
                && member(value, "attr") == "token";
            (name == "Var" && value == "context") || (!is_token && reads_request(value))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
