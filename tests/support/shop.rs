//! A made-up API: its schema, its policies and the claims of its callers in the variety that matters, and what Cedar
//! itself says about them.

use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request};
use cognito_authorizer::testing::{CLIENT_ID, POOL_ID};
use serde_json::{Value, json};

/// Every other route declares one claim less.
pub(super) fn schema(routes: &[&str]) -> String {
    let action = |(position, route): (usize, &&str)| {
        let flag = if declares_flag(position) { "flag?: Bool, " } else { "" };
        format!(
            "action {route:?} appliesTo {{ principal: [User], resource: [Application],
               context: {{ token: {{ {flag}number: Long }} }} }};"
        )
    };
    format!(
        "namespace Shop {{
           entity User in [UserGroup] = {{ level?: Long }};
           entity UserGroup;
           entity Application;
           {}
         }}",
        routes.iter().enumerate().map(action).collect::<String>()
    )
}

fn declares_flag(position: usize) -> bool {
    position.is_multiple_of(2)
}

/// Whom a policy is about.
pub(super) fn principals() -> Vec<String> {
    vec![
        "principal".to_owned(),
        format!("principal in Shop::UserGroup::\"{POOL_ID}|a\""),
        format!("principal in Shop::UserGroup::\"{POOL_ID}|b\""),
        format!("principal == Shop::User::\"{POOL_ID}|someone\""),
        format!("principal == Shop::User::\"{POOL_ID}|client|{CLIENT_ID}\""),
        "principal is Shop::User".to_owned(),
    ]
}

/// What a policy is about: some routes, one of them, or all.
pub(super) fn action_scope(kind: usize, some: &[&str]) -> String {
    let uid = |route: &&str| format!("Shop::Action::{route:?}");
    match (kind, some) {
        (0 | 1, some) => format!("action in [{}]", some.iter().map(uid).collect::<Vec<_>>().join(", ")),
        (2, [one, ..]) => format!("action == {}", uid(one)),
        _ => "action".to_owned(),
    }
}

/// When a policy applies, with one of the routes named.
pub(super) fn conditions(route: &str) -> Vec<String> {
    let uid = format!("Shop::Action::{route:?}");
    vec![
        String::new(),
        "when { context.token has flag && context.token.flag }".to_owned(),
        "unless { context.token has flag && context.token.flag }".to_owned(),
        "when { principal has level && principal.level > 3 }".to_owned(),
        // Fails where the number is absent, or large.
        "when { context.token.number + 9223372036854775800 > 0 }".to_owned(),
        // Alone, the first half would make a policy that never applies, which is refused.
        format!("when {{ action == {uid} || principal has level }}"),
        format!("unless {{ action == {uid} && principal has level }}"),
    ]
}

/// What Cedar says about each route, asked one by one with everything that was written, and built from the
/// claims here. An error must deny.
pub(super) fn oracle(routes: &[&str], policies: &str, is_access: bool, members: &Value) -> Vec<bool> {
    let set: PolicySet = policies.parse().unwrap();
    let bearer = match (&members["username"], members["sub"].as_str().unwrap()) {
        (Value::Null, _) if is_access => format!("client|{CLIENT_ID}"),
        (_, subject) => subject.to_owned(),
    };
    let uid = json!({ "type": "Shop::User", "id": format!("{POOL_ID}|{bearer}") });
    let parent = |group: &Value| json!({ "type": "Shop::UserGroup", "id": format!("{POOL_ID}|{}", group.as_str().unwrap()) });
    let parents: Vec<Value> = members["cognito:groups"].as_array().unwrap().iter().map(parent).collect();
    let keep = |name: &str, is_typed: fn(&Value) -> bool| {
        Some((name.to_owned(), members[name].clone())).filter(|(_, value)| is_typed(value))
    };
    let attributes: Value = keep("level", Value::is_i64).filter(|_| !is_access).into_iter().collect();
    let context = |position: usize| {
        let flag = keep("flag", Value::is_boolean).filter(|_| declares_flag(position));
        let token: Value = flag.into_iter().chain(keep("number", Value::is_i64)).collect();
        if is_access { json!({ "token": token }) } else { json!({}) }
    };
    let entities = json!([{ "uid": uid, "attrs": attributes, "parents": parents }]);
    let entities = Entities::from_json_value(entities, None).unwrap();
    let principal = EntityUid::from_json(uid).unwrap();
    let resource: EntityUid = "Shop::Application::\"Shop\"".parse().unwrap();
    let ask = |(position, route): (usize, &&str)| {
        let action: EntityUid = format!("Shop::Action::{route:?}").parse().unwrap();
        let context = Context::from_json_value(context(position), None).unwrap();
        let request = Request::new(principal.clone(), action, resource.clone(), context, None).unwrap();
        let response = Authorizer::new().is_authorized(&request, &set, &entities);
        response.decision() == Decision::Allow && response.diagnostics().errors().next().is_none()
    };
    routes.iter().enumerate().map(ask).collect()
}
