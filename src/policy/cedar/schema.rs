//! The schema: the API's routes, the entity types of the quick start, and what claims are declared.

use std::collections::HashSet;

use cedar_policy::{Entities, EntityId, EntityTypeName, EntityUid, Schema, SchemaFragment};
use miette::Diagnostic;
use serde_json::Value;

use super::{
    claim_type::{ClaimTypes, member},
    principal::Principals,
    problem::{PolicyError, PolicyProblem, Source},
};
use crate::policy::route_table::{RouteTable, RouteTableError};

/// A schema, read.
pub(super) struct Declarations {
    /// For the validator.
    pub(super) schema: Schema,
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

/// A schema's one namespace, in Cedar's JSON form.
struct Namespace<'v> {
    name: &'v str,
    members: &'v Value,
}

impl Declarations {
    /// Reads Cedar's text, or its JSON form as Verified Permissions exports it.
    pub(super) fn read(source: Source<'_>) -> Result<Self, PolicyProblem> {
        let (schema, declared) = parse(source)?;
        let namespace =
            Namespace::of(&declared).ok_or_else(|| source.problem(None, PolicyError::Namespace))?;
        let names = namespace.actions().map(|(name, _)| name.as_str());
        let routes = RouteTable::new(names).map_err(|error| routes_problem(source, error))?;
        let [user, group, application] = ["User", "UserGroup", "Application"].map(|kind| {
            namespace.entity_type(kind).ok_or_else(|| source.problem(None, PolicyError::Namespace))
        });
        let (user, group, application) = (user?, group?, application?);
        let hierarchy = schema
            .action_entities()
            .map_err(|error| source.problem(None, PolicyError::Schema(error.to_string())))?;
        let actions = namespace.actions().map(|(name, declared)| {
            let error = |error| source.problem_with(name, error);
            let action = namespace.read_action(name, declared, &hierarchy).map_err(error)?;
            if is_for(&schema, &action.uid, &user, &application) {
                Ok(action)
            } else {
                Err(error(PolicyError::AppliesTo(name.clone())))
            }
        });
        let actions: Vec<Action> = actions.collect::<Result<_, _>>()?;
        // Few schemas have groups of actions: the others pay nothing for them.
        let has_groups = actions.iter().any(|action| !action.groups.is_empty());
        let hierarchy = if has_groups { hierarchy } else { Entities::empty() };
        let shape = member(member(member(namespace.members, "entityTypes"), "User"), "shape");
        let attributes = ClaimTypes::of_record(shape, namespace.common_types())
            .map_err(|error| source.problem(None, error.into()))?;
        let resource = uid(&application, namespace.name);
        let principals = Principals { user, group, attributes };
        Ok(Self { schema, routes, actions, hierarchy, principals, resource })
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

    fn read_action(&self, name: &str, declared: &Value, hierarchy: &Entities) -> Result<Action, PolicyError> {
        let action_type = format!("{}::Action", self.name).parse().map_err(|_| PolicyError::Namespace)?;
        let uid = uid(&action_type, name);
        let context = member(member(declared, "appliesTo"), "context");
        let token = ClaimTypes::of_member(context, "token", self.common_types())?;
        let groups = hierarchy.ancestors(&uid).into_iter().flatten().cloned().collect();
        Ok(Action { uid, groups, token })
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

fn is_for(schema: &Schema, action: &EntityUid, user: &EntityTypeName, application: &EntityTypeName) -> bool {
    let mut principals = schema.principals_for_action(action).into_iter().flatten();
    let mut resources = schema.resources_for_action(action).into_iter().flatten();
    principals.any(|kind| kind == user) && resources.any(|kind| kind == application)
}

fn routes_problem(source: Source<'_>, error: RouteTableError) -> PolicyProblem {
    let name = match &error {
        RouteTableError::Invalid { name, .. } | RouteTableError::Same(_, name) => name.clone(),
        RouteTableError::Inexpressible { denied, .. } => denied.clone(),
        RouteTableError::TooComplex => return source.problem(None, error.into()),
    };
    source.problem_with(&name, error.into())
}

pub(super) fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}
