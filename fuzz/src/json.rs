//! A second opinion on JSON, which owes nothing to the function's own strict reader.

use serde_json::Value;

/// Whether some object in a JSON text has a name twice: then `serde_json`, which keeps the last, keeps fewer members
/// than are written.
pub fn repeats_a_name(text: &str, value: &Value) -> bool {
    written(text) != kept(value)
}

/// Colons outside of strings: one for each member.
fn written(text: &str) -> usize {
    let (mut colons, mut in_string, mut is_escaped) = (0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => in_string = !in_string,
            b':' if !in_string => colons += 1,
            _ => {}
        }
    }
    colons
}

fn kept(value: &Value) -> usize {
    match value {
        Value::Object(members) => members.values().map(|value| 1 + kept(value)).sum(),
        Value::Array(items) => items.iter().map(kept).sum(),
        _ => 0,
    }
}
