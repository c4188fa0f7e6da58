//! Who can sign in, and what their tokens say.

#![allow(dead_code, reason = "each of its users has one for some of it")]

use clap::ValueEnum;
use cognito_authorizer::testing::{CLIENT_ID, access_claims, id_claims, merged};
use serde::Deserialize;
use serde_json::{Value, json};

/// The people of the example policies, and a machine.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Name {
    Administrator,
    Reader,
    Stranger,
    Machine,
}

impl Name {
    pub(crate) const ALL: [Self; 4] = [Self::Administrator, Self::Reader, Self::Stranger, Self::Machine];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Reader => "reader",
            Self::Stranger => "stranger",
            Self::Machine => "machine",
        }
    }

    pub(crate) const fn about(self) -> &'static str {
        match self {
            Self::Administrator => "is in the group admins",
            Self::Reader => "is in the group readers",
            Self::Stranger => "is signed in, and in no group",
            Self::Machine => "is a service, with scopes of its own and no user behind it",
        }
    }

    /// What the pool knows of them: the claims that examples/explain asks about.
    pub(crate) fn profile(self) -> Value {
        let text = match self {
            Self::Administrator => include_str!("../explain/administrator.json"),
            Self::Reader => include_str!("../explain/reader.json"),
            Self::Stranger => include_str!("../explain/stranger.json"),
            Self::Machine => return json!({ "scope": MACHINE_SCOPES.join(" ") }),
        };
        serde_json::from_str(text).unwrap()
    }

    /// The claims of an access token issued at `now`.
    pub(crate) fn access_claims(self, now: u64) -> Value {
        let absent = json!({ "cognito:groups": null });
        match self {
            Self::Machine => machine_claims(&MACHINE_SCOPES.join(" "), now),
            _ => merged(access_claims(now), &merged_over(absent, self.profile())),
        }
    }

    /// The claims of an id token issued at `now`.
    pub(crate) fn id_claims(self, now: u64) -> Value {
        let mut profile = self.profile();
        let known = profile.as_object_mut().unwrap();
        known.remove("scope");
        if let Some(username) = known.remove("username") {
            known.insert("email".to_owned(), format!("{}@example.com", username.as_str().unwrap()).into());
            known.insert("cognito:username".to_owned(), username);
        }
        merged(id_claims(now), &merged_over(json!({ "custom:tenant": null }), profile))
    }
}

/// An access token as the client credentials grant gives it: `sub` is the client, and there is no user.
pub(crate) fn machine_claims(scope: &str, now: u64) -> Value {
    let own = json!({
        "sub": MACHINE_ID,
        "client_id": MACHINE_ID,
        "scope": scope,
        "cognito:groups": null,
        "username": null,
        "origin_jti": null,
        "event_id": null,
    });
    merged(access_claims(now), &own)
}

fn merged_over(mut under: Value, over: Value) -> Value {
    let Value::Object(over) = over else { return under };
    under.as_object_mut().unwrap().extend(over);
    under
}

/// The app clients that the function accepts.
pub(crate) fn client_ids() -> String {
    format!("{CLIENT_ID},{MACHINE_ID}")
}

pub(crate) const MACHINE_ID: &str = "3n4b5urk1ft4fl3mg5e62d9ado";

/// Guards nothing: the keys that it leads to are made at each start, and trusted by nobody else.
pub(crate) const MACHINE_SECRET: &str = "no-secret-of-anybody";

pub(crate) const MACHINE_SCOPES: [&str; 2] = ["orders/read", "orders/write"];
