//! The schema: the API's routes, the entity types of the quick start, and what claims are declared.

use std::collections::{BTreeMap, HashSet};

use cedar_policy::{
    ActionConstraint, Entities, Entity, EntityId, EntityTypeName, EntityUid, Schema, SchemaFragment,
};
use miette::Diagnostic;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    claim_type::{ClaimTypes, InvalidClaimType, member},
    principal::Principals,
    problem::{PolicyError, PolicyProblem, Source},
};
use crate::route_table::{RouteTable, RouteTableError};

/// What a schema declares, as data.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Schematic {
    /// Its one namespace, in Cedar's JSON form.
    namespaces: Value,
    /// For an action that is in others: which, directly or not.
    groups: BTreeMap<String, Vec<String>>,
}

/// What a schema declares, ready for use.
pub(super) struct Declarations {
    pub(super) routes: RouteTable,
    /// In the order of the routes.
    pub(super) actions: Vec<Action>,
    /// Actions that are in others, with what they are in.
    pub(super) hierarchy: Entities,
    pub(super) principals: Principals,
    pub(super) resource: EntityUid,
}

/// A route, as policies name it.
pub(super) struct Action {
    pub(super) uid: EntityUid,
    /// The actions that it is in.
    pub(super) groups: HashSet<EntityUid>,
    /// The claims of an access token that are declared.
    pub(super) token: ClaimTypes,
}

impl Action {
    /// Whether a policy's scope takes it in.
    pub(super) fn is_in(&self, scope: &ActionConstraint) -> bool {
        match scope {
            ActionConstraint::Any => true,
            ActionConstraint::Eq(uid) => *uid == self.uid,
            ActionConstraint::In(uids) => {
                uids.iter().any(|uid| *uid == self.uid || self.groups.contains(uid))
            }
        }
    }
}

impl Declarations {
    /// Whether no token's bearer and no request's resource is this entity. A `forbid` on a group whose pool was
    /// forgotten would forbid nothing.
    pub(super) fn is_nobody(&self, entity: &EntityUid) -> bool {
        let is_without_pool = !entity.id().unescaped().contains('|');
        (self.principals.has(entity) && is_without_pool)
            || (entity.type_name() == self.resource.type_name() && *entity != self.resource)
    }
}

struct Namespace<'v> {
    name: &'v str,
    members: &'v Value,
}

/// Reads and checks Cedar's text, or its JSON form as Verified Permissions exports it. Gives the schema for the
/// validator as well.
pub(super) fn check(source: Source<'_>) -> Result<(Schema, Schematic, Declarations), PolicyProblem> {
    let (schema, namespaces) = parse(source)?;
    let hierarchy = schema
        .action_entities()
        .map_err(|error| source.problem(None, PolicyError::Schema(error.to_string())))?;
    let id = |uid: &EntityUid| uid.id().unescaped().to_owned();
    let groups = hierarchy.iter().filter_map(|action| {
        let groups: Vec<String> = hierarchy.ancestors(&action.uid())?.map(id).collect();
        (!groups.is_empty()).then(|| (id(&action.uid()), groups))
    });
    let schematic = Schematic { groups: groups.collect(), namespaces };
    let declarations = schematic.declare().map_err(|error| place(source, error))?;
    for action in &declarations.actions {
        if !is_for(&schema, &action.uid, &declarations) {
            return Err(place(source, PolicyError::AppliesTo(id(&action.uid))));
        }
    }
    if declarations.actions.is_empty() {
        return Err(source.problem(None, PolicyError::NoRoutes));
    }
    Ok((schema, schematic, declarations))
}

impl Schematic {
    /// Makes it ready for use.
    pub(super) fn declare(&self) -> Result<Declarations, PolicyError> {
        let namespace = Namespace::of(&self.namespaces).ok_or(PolicyError::Namespace)?;
        let routes = RouteTable::new(namespace.actions().map(|(name, _)| name.as_str()))?;
        let [user, group, application] = ["User", "UserGroup", "Application"]
            .map(|kind| namespace.entity_type(kind).ok_or(PolicyError::Namespace));
        let action_type =
            format!("{}::Action", namespace.name).parse().map_err(|_| PolicyError::Namespace)?;
        let actions = namespace.actions().map(|(name, declared)| {
            let context = member(member(declared, "appliesTo"), "context");
            let groups = self.groups.get(name).into_iter().flatten();
            Ok(Action {
                uid: uid(&action_type, name),
                groups: groups.map(|group| uid(&action_type, group)).collect(),
                token: ClaimTypes::of_member(context, "token", namespace.common_types())?,
            })
        });
        let actions: Vec<Action> = actions.collect::<Result<_, PolicyError>>()?;
        let grouped = actions.iter().filter(|action| !action.groups.is_empty());
        let entities = grouped.map(|action| Entity::new_no_attrs(action.uid.clone(), action.groups.clone()));
        let hierarchy = Entities::from_entities(entities, None)
            .map_err(|error| PolicyError::Schema(error.to_string()))?;
        let shape = member(member(member(namespace.members, "entityTypes"), "User"), "shape");
        let attributes = ClaimTypes::of_record(shape, namespace.common_types())?;
        let resource = uid(&application?, namespace.name);
        let principals = Principals { user: user?, group: group?, attributes };
        Ok(Declarations { routes, actions, hierarchy, principals, resource })
    }
}

impl<'v> Namespace<'v> {
    fn of(schema: &'v Value) -> Option<Self> {
        let mut namespaces = schema.as_object()?.iter();
        match (namespaces.next(), namespaces.next()) {
            (Some((name, members)), None) => Some(Self { name, members }),
            _ => None,
        }
    }

    fn entity_type(&self, kind: &str) -> Option<EntityTypeName> {
        member(self.members, "entityTypes").get(kind)?;
        format!("{}::{kind}", self.name).parse().ok()
    }

    fn common_types(&self) -> &'v Value {
        member(self.members, "commonTypes")
    }

    fn actions(&self) -> impl Iterator<Item = (&'v String, &'v Value)> {
        member(self.members, "actions").as_object().into_iter().flatten()
    }
}

fn parse(source: Source<'_>) -> Result<(Schema, Value), PolicyProblem> {
    fn problem(source: Source<'_>, error: &impl Diagnostic) -> PolicyProblem {
        source.problem_at(error, PolicyError::Schema(describe(error)))
    }
    let fragment = if source.text.trim_start().starts_with('{') {
        SchemaFragment::from_json_str(source.text).map_err(|error| problem(source, &error))?
    } else {
        let parsed = SchemaFragment::from_cedarschema_str(source.text);
        parsed.map(|(fragment, _)| fragment).map_err(|error| problem(source, &error))?
    };
    let declared = fragment.clone().to_json_value().map_err(|error| problem(source, &error))?;
    let schema = Schema::from_schema_fragments([fragment]).map_err(|error| problem(source, &error))?;
    Ok((schema, declared))
}

/// What Cedar says, with its advice.
pub(super) fn describe(error: &impl Diagnostic) -> String {
    match error.help() {
        Some(help) => format!("{error} ({help})"),
        None => error.to_string(),
    }
}

fn is_for(schema: &Schema, action: &EntityUid, declarations: &Declarations) -> bool {
    let Declarations { principals, resource, .. } = declarations;
    let mut users = schema.principals_for_action(action).into_iter().flatten();
    let mut resources = schema.resources_for_action(action).into_iter().flatten();
    users.any(|kind| *kind == principals.user) && resources.any(|kind| kind == resource.type_name())
}

/// The problem at the place of the action or claim that it names.
fn place(source: Source<'_>, error: PolicyError) -> PolicyProblem {
    let spellings = match &error {
        PolicyError::Routes(
            RouteTableError::Invalid { name, .. }
            | RouteTableError::Same(_, name)
            | RouteTableError::Inexpressible { denied: name, .. },
        )
        | PolicyError::AppliesTo(name) => vec![format!("\"{name}\"")],
        PolicyError::ClaimType(InvalidClaimType(name)) => {
            vec![format!("\"{name}\""), format!("{name}?:"), format!("{name}:")]
        }
        _ => Vec::new(),
    };
    let offset = spellings.iter().find_map(|spelling| source.text.find(spelling));
    source.problem(offset, error)
}

pub(super) fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}
