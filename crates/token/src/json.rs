//! JSON objects read strictly: a name may stand once, at every depth.
//!
//! RFC 7515 §4 and RFC 7519 §4 leave it to the reader what a repeated name means; two readers that disagree
//! are a hole. Names are compared after unescaping, so `"ex\u0070"` repeats `"exp"`.

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value, map::Entry};

/// Why bytes are not the object that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON, not UTF-8, nested deeper than 128 levels, a number out of range, or not an object.
    #[error("not a json object")]
    NotObject,
    /// A name stands twice in one object.
    #[error("a name stands twice in one object")]
    DuplicateName,
}

/// Reads one JSON object and nothing after it.
pub fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, JsonError> {
    match parse_value(bytes)? {
        Value::Object(object) => Ok(object),
        _ => Err(JsonError::NotObject),
    }
}

/// Reads one JSON value and nothing after it.
pub fn parse_value(bytes: &[u8]) -> Result<Value, JsonError> {
    let duplicate = Cell::new(false);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let strict = Strict { duplicate: &duplicate, members: USUAL_MEMBERS };
    let value = strict.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|_| if duplicate.get() { JsonError::DuplicateName } else { JsonError::NotObject })
}

/// Reads any value; sets its flag where a name repeats.
#[derive(Clone, Copy)]
struct Strict<'f> {
    duplicate: &'f Cell<bool>,
    /// For how many members room is made at once.
    members: usize,
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a json value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        let nested = Self { members: 0, ..self };
        while let Some(item) = items.next_element_seed(nested)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::with_capacity(self.members);
        let nested = Self { members: 0, ..self };
        while let Some(name) = members.next_key::<String>()? {
            let Entry::Vacant(member) = object.entry(name) else {
                self.duplicate.set(true);
                return Err(A::Error::custom("duplicate name"));
            };
            member.insert(members.next_value_seed(nested)?);
        }
        Ok(Value::Object(object))
    }
}

/// Cognito's access tokens have 12 to 15 claims. It counts where `serde_json` keeps the order of members, which
/// Cedar asks it to; its other map has no capacity. Objects within objects start empty: a text of nothing else
/// would take up hundreds of times its length.
const USUAL_MEMBERS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_name_is_refused_at_any_depth_and_in_any_spelling() {
        for text in [
            r#"{"exp":1,"exp":1}"#,
            r#"{"exp":1,"ex\u0070":2}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[{"b":[{"c":1,"c":1}]}]}"#,
        ] {
            assert_eq!(parse_object(text.as_bytes()), Err(JsonError::DuplicateName), "{text}");
        }
    }

    #[test]
    fn the_same_name_in_different_objects_is_not_a_repetition() {
        assert!(parse_object(br#"{"a":{"b":1},"b":{"a":[{"b":1},{"b":2}]}}"#).is_ok());
    }

    #[test]
    fn what_is_not_one_object_is_refused() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        let nested = format!(r#"{{"a":{deep}}}"#);
        for text in ["", "null", "[]", "\"a\"", "{", "{} {}", "{}x", "\u{feff}{}", r#"{"a":1e400}"#, &nested]
        {
            assert_eq!(parse_object(text.as_bytes()), Err(JsonError::NotObject), "{text}");
        }
        assert_eq!(parse_object(b"{\"a\":\"\xff\"}"), Err(JsonError::NotObject));
    }

    #[test]
    fn values_survive_as_serde_json_reads_them() {
        let text =
            r#"{"s":"é\n","u":18446744073709551615,"i":-3,"f":1.5,"b":true,"n":null,"l":[1,{"x":[]}]}"#;
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(Value::Object(parse_object(text.as_bytes()).unwrap()), expected);
    }
}
