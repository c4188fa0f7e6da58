//! Mutations that leave JSON JSON: without them, most of what a fuzzer tries does not even parse.

use fastrand::Rng;
use serde_json::{Value, json};

/// For `fuzz_mutator!`: as often as not libFuzzer's own mutation, else a change to one of the values of an input,
/// which is a JSON text or has one on its first line or in the rest.
pub fn json(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut random = Rng::with_seed(seed.into());
    let changed = if random.bool() { None } else { change(&data[..size], &mut random) };
    write_or_mutate(changed, data, size, max_size)
}

/// The same for lines `NAME=value`: changes a value of the one that is JSON.
pub fn setting(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut random = Rng::with_seed(seed.into());
    let changed = if random.bool() { None } else { change_setting(&data[..size], &mut random) };
    write_or_mutate(changed, data, size, max_size)
}

fn change_setting(input: &[u8], random: &mut Rng) -> Option<String> {
    let text = str::from_utf8(input).ok()?;
    let json = text.lines().filter_map(|line| Some((line, line.split_once('=')?)));
    let (line, (name, value)) =
        json.filter(|(_, (_, value))| value.starts_with('[')).find(|(_, (name, _))| *name == "ISSUERS")?;
    let changed = change_value(serde_json::from_str(value).ok()?, random)?;
    Some(text.replacen(line, &format!("{name}={changed}"), 1))
}

fn write_or_mutate(changed: Option<String>, data: &mut [u8], size: usize, max_size: usize) -> usize {
    match changed {
        Some(changed) if changed.len() <= max_size => {
            data[..changed.len()].copy_from_slice(changed.as_bytes());
            changed.len()
        }
        _ => libfuzzer_sys::fuzzer_mutate(data, size, max_size),
    }
}

fn change(input: &[u8], random: &mut Rng) -> Option<String> {
    let text = str::from_utf8(input).ok()?;
    if let Ok(value) = serde_json::from_str(text) {
        return change_value(value, random);
    }
    let (line, rest) = text.split_once('\n')?;
    Some(if random.u8(..4) == 0 {
        format!("{}\n{rest}", change_value(serde_json::from_str(line).ok()?, random)?)
    } else {
        format!("{line}\n{}", change_value(serde_json::from_str(rest).ok()?, random)?)
    })
}

fn change_value(mut value: Value, random: &mut Rng) -> Option<String> {
    let mut places = Vec::new();
    note_places(&value, "", &mut places);
    let (place, other) = (random.choice(&places)?, random.choice(&places)?);
    let changed = match random.u8(..6) {
        0 => interesting_value(random),
        1 => value.pointer(other)?.clone(),
        2 => json!([value.pointer(place)?, value.pointer(other)?]),
        3 => return remove(value, place),
        4 => return add(value, other, random),
        _ => return repeat(&value, random),
    };
    *value.pointer_mut(place)? = changed;
    Some(value.to_string())
}

/// JSON pointers to everything below a value.
fn note_places(value: &Value, path: &str, places: &mut Vec<String>) {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value)).collect()
        }
        Value::Array(items) => items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (name, value) in members {
        let path = format!("{path}/{name}");
        note_places(value, &path, places);
        places.push(path);
    }
}

fn remove(mut value: Value, place: &str) -> Option<String> {
    let (parent, name) = place.rsplit_once('/')?;
    match value.pointer_mut(parent)? {
        Value::Object(members) => drop(members.remove(&name.replace("~1", "/").replace("~0", "~"))),
        Value::Array(items) => drop(items.remove(name.parse().ok()?)),
        _ => return None,
    }
    Some(value.to_string())
}

/// Adds a member to the object, or an item to the list, in which a place is.
fn add(mut value: Value, place: &str, random: &mut Rng) -> Option<String> {
    let (parent, _) = place.rsplit_once('/')?;
    let added = interesting_value(random);
    match value.pointer_mut(parent)? {
        Value::Object(members) => drop(members.insert((*random.choice(NAMES)?).to_owned(), added)),
        Value::Array(items) => items.push(added),
        _ => return None,
    }
    Some(value.to_string())
}

/// Writes a member of the outermost object twice, with its own value or another.
fn repeat(value: &Value, random: &mut Rng) -> Option<String> {
    let members: Vec<_> = value.as_object()?.iter().collect();
    let (name, own) = random.choice(&members)?;
    let again = if random.bool() { (*own).clone() } else { interesting_value(random) };
    Some(value.to_string().replacen('{', &format!("{{{}:{again},", json!(name)), 1))
}

fn interesting_value(random: &mut Rng) -> Value {
    let values = [
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(""),
        json!(" "),
        json!("*"),
        json!("a,b"),
        json!([]),
        json!([[]]),
        json!({}),
        json!({ "a": [{ "b": null }] }),
        json!(1_800_000_000 + random.i64(-61..62)),
        json!(*random.choice(NAMES).unwrap()),
        json!("é".repeat(random.usize(..2_000))),
    ];
    values[random.usize(..values.len())].clone()
}

/// Names that mean something somewhere: in headers, claims, keys, events and settings.
const NAMES: &[&str] = &[
    "alg",
    "kid",
    "crit",
    "b64",
    "typ",
    "jku",
    "jwk",
    "x5c",
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "scope",
    "client_id",
    "token_use",
    "username",
    "auth_time",
    "cognito:groups",
    "cognito:username",
    "principalId",
    "reason",
    "kty",
    "use",
    "key_ops",
    "n",
    "e",
    "crv",
    "x",
    "y",
    "d",
    "k",
    "keys",
    "type",
    "version",
    "methodArn",
    "routeArn",
    "headers",
    "multiValueHeaders",
    "queryStringParameters",
    "multiValueQueryStringParameters",
    "cookies",
    "Authorization",
    "authorization",
    "authorizationToken",
    "requestContext",
    "eventType",
    "routeKey",
    "resource",
    "httpMethod",
    "user_pool_id",
    "client_ids",
    "issuer",
    "audiences",
    "algorithms",
    "replica_regions",
    "jwks_uri",
    "jwks_file",
];
