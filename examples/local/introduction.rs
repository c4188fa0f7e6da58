//! What a user is told to begin with.

use axum::http::header::AUTHORIZATION;

use crate::{
    api::Family,
    control::{Local, PREFIX},
    exchange::Gateway,
    people::{MACHINE_ID, MACHINE_SECRET},
    routes::Route,
};

/// The addresses, and a command to begin with.
pub(crate) fn introduce(local: &Local, trusts_another_issuer: bool) -> String {
    let (gateway, issuer) = (&local.url, &local.pool.url);
    let page = if local.leads_to_page() { "/" } else { PREFIX };
    let about_issuer = if trusts_another_issuer {
        "your own: TOKEN below is a token of it".to_owned()
    } else {
        format!("{issuer}   machine: client id {MACHINE_ID}, secret {MACHINE_SECRET}")
    };
    let token = if trusts_another_issuer {
        "$TOKEN".to_owned()
    } else {
        format!("$(curl -s '{issuer}/token?user=reader')")
    };
    format!(
        "gateway   {gateway}   {}\npage      {gateway}{page}\nfunction  {}\nissuer    {about_issuer}\n\n  {}\n",
        local.api.title(),
        local.gateway.functions.binary().display(),
        first_command(local, &token).unwrap_or_else(|| NO_COMMAND.to_owned()),
    )
}

/// The first request that needs a token, which the reader of the example may make; nothing where the token belongs
/// elsewhere than in its usual header.
fn first_command(local: &Local, token: &str) -> Option<String> {
    let (api, gateway) = (local.api, &local.gateway);
    let is_in_header =
        gateway.authorizer(api).sources.iter().all(|source| source.is_given_by(&AUTHORIZATION))
            && !gateway.functions.variables(api.form()).contains_key("TOKEN_SOURCE");
    let header = is_in_header.then(|| format!("\"Authorization: Bearer {token}\""))?;
    if api.family() == Family::WebSocket {
        return Some(format!(
            "npx wscat --connect {}/ --header {header}",
            local.url.replacen("http", "ws", 1)
        ));
    }
    let (method, path) = protected_route(local, gateway)?.example();
    let method = if method == "HEAD" { "--head".to_owned() } else { format!("-X {method}") };
    Some(format!("curl {method} -H {header} {}{path}", local.url))
}

/// The first one that serves its own example: another, more specific one may.
fn protected_route<'g>(local: &Local, gateway: &'g Gateway) -> Option<&'g Route> {
    gateway.routes.routes().iter().find(|route| {
        let (method, path) = route.example();
        let serving = gateway.routes.find(local.api, &method, &path);
        !route.is_public && serving.is_some_and(|found| found.route == **route)
    })
}

const NO_COMMAND: &str = "no example here: send a token where your settings look for it";
