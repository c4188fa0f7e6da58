//! Claims as Cedar values, by the types that the schema declares.
//!
//! A claim that is not declared, or is of another type, is left out, never coerced: policies see it as absent.

use std::collections::BTreeMap;

use cedar_policy::RestrictedExpression;
use serde_json::Value;
use thiserror::Error;

use cognito_authorizer_token::Claims;

/// The claims that a schema declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ClaimTypes(BTreeMap<String, ClaimType>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum ClaimType {
    String,
    Long,
    Boolean,
    Set(Box<ClaimType>),
    Record(ClaimTypes),
}

/// A declared claim whose type no claim can have. A policy that asks for it would always see it absent.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0} must be a String, Long or Bool, or a Set or record of these")]
pub struct InvalidClaimType(pub(super) String);

impl ClaimTypes {
    /// Reads a record type in Cedar's JSON form; absent, it declares nothing.
    pub(super) fn of_record(declared: &Value, common: &Value) -> Result<Self, InvalidClaimType> {
        let attributes = member(resolve(declared, common), "attributes").as_object().into_iter().flatten();
        let types = attributes.map(|(name, declared)| {
            let claim_type =
                ClaimType::read(declared, common).ok_or_else(|| InvalidClaimType(name.clone()))?;
            Ok((name.clone(), claim_type))
        });
        types.collect::<Result<_, _>>().map(Self)
    }

    /// Reads the record type of one member of a record type.
    pub(super) fn of_member(declared: &Value, name: &str, common: &Value) -> Result<Self, InvalidClaimType> {
        Self::of_record(member(member(resolve(declared, common), "attributes"), name), common)
    }

    /// The claims that are declared, and of their declared type.
    pub(super) fn select(&self, claims: &Claims) -> impl Iterator<Item = (String, RestrictedExpression)> {
        claims.iter().filter_map(|(name, value)| {
            let claim_type = self.0.get(name)?;
            let converted = match (name, claim_type) {
                ("scope", ClaimType::Set(element)) if matches!(**element, ClaimType::String) => {
                    strings(claims.scopes())
                }
                _ => claim_type.convert(value)?,
            };
            Some((name.to_owned(), converted))
        })
    }
}

impl ClaimType {
    fn read(declared: &Value, common: &Value) -> Option<Self> {
        let declared = resolve(declared, common);
        Some(match type_name(declared)? {
            "String" => Self::String,
            "Long" => Self::Long,
            "Boolean" | "Bool" => Self::Boolean,
            "Set" => Self::Set(Box::new(Self::read(member(declared, "element"), common)?)),
            "Record" => Self::Record(ClaimTypes::of_record(declared, common).ok()?),
            _ => return None,
        })
    }

    fn convert(&self, value: &Value) -> Option<RestrictedExpression> {
        match (self, value) {
            (Self::String, Value::String(text)) => Some(RestrictedExpression::new_string(text.clone())),
            (Self::Long, Value::Number(number)) => number.as_i64().map(RestrictedExpression::new_long),
            (Self::Boolean, Value::Bool(truth)) => Some(RestrictedExpression::new_bool(*truth)),
            (Self::Set(element), Value::Array(items)) => {
                let items: Option<Vec<_>> = items.iter().map(|item| element.convert(item)).collect();
                items.map(RestrictedExpression::new_set)
            }
            (Self::Record(types), Value::Object(members)) => {
                let members = members
                    .iter()
                    .filter_map(|(name, value)| Some((name.clone(), types.0.get(name)?.convert(value)?)));
                RestrictedExpression::new_record(members).ok()
            }
            _ => None,
        }
    }
}

fn strings<'s>(items: impl Iterator<Item = &'s str>) -> RestrictedExpression {
    RestrictedExpression::new_set(items.map(|item| RestrictedExpression::new_string(item.to_owned())))
}

/// The type that a name of a common type stands for; a type that is none, itself. Cedar refuses cycles.
fn resolve<'t>(declared: &'t Value, common: &'t Value) -> &'t Value {
    match type_name(declared).and_then(|name| common.get(name)) {
        Some(named) => resolve(named, common),
        None => declared,
    }
}

/// A member of an object; `null` where there is none.
pub(super) fn member<'v>(value: &'v Value, name: &str) -> &'v Value {
    value.get(name).unwrap_or(&Value::Null)
}

/// A type's name in Cedar's JSON form, which has names of types under `name` where it cannot tell their kind.
/// <https://docs.cedarpolicy.com/schema/json-schema.html>
fn type_name(declared: &Value) -> Option<&str> {
    let name = match member(declared, "type").as_str()? {
        "EntityOrCommon" | "CommonType" => member(declared, "name").as_str()?,
        name => name,
    };
    Some(name.trim_start_matches("__cedar::"))
}
