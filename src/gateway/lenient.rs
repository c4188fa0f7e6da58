//! Reading what may be of any type: a value of the wanted one, or nothing, and never an error.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize,
    de::{Deserializer, MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// A value of the wanted type, or nothing.
pub(super) fn lenient<'e, T: Deserialize<'e>>(value: Option<&'e RawValue>) -> Option<T> {
    serde_json::from_str(value?.get()).ok()
}

/// A string, or nothing. Borrowed where the text has no escapes: it has been read as JSON once already, so what
/// stands between the quotes is the string.
pub(super) fn string(value: Option<&RawValue>) -> Option<Cow<'_, str>> {
    let text = value?.get().strip_prefix('"')?.strip_suffix('"')?;
    if text.contains('\\') { lenient::<String>(value).map(Cow::Owned) } else { Some(Cow::Borrowed(text)) }
}

/// An ARN as far as it is text: its path is the caller's, and nothing in it is needed.
pub(super) fn arn_text(value: Option<&RawValue>) -> Option<Cow<'_, str>> {
    string(value).or_else(|| value?.get().strip_prefix('"')?.split('\\').next().map(Cow::Borrowed))
}

/// A string or a list of strings; odd members of a list are left out.
pub(super) fn strings(value: Option<&RawValue>) -> Vec<Cow<'_, str>> {
    // Asked for a list, serde_json would make an error of each string, which costs more than reading it.
    if value.is_some_and(|value| value.get().starts_with('[')) {
        let list = lenient::<Vec<&RawValue>>(value).unwrap_or_default();
        list.into_iter().filter_map(|item| string(Some(item))).collect()
    } else {
        string(value).into_iter().collect()
    }
}

/// The values under every name that `is_wanted`, in all of `maps`. A name may stand several times.
pub(super) fn values<'e>(
    maps: &[Option<&'e RawValue>],
    is_wanted: impl Fn(&str) -> bool,
) -> Vec<Cow<'e, str>> {
    let members = maps.iter().filter_map(|map| lenient::<Members<'e>>(*map)).flat_map(|members| members.0);
    members.filter(|(name, _)| is_wanted(name)).flat_map(|(_, value)| strings(Some(value))).collect()
}

/// An object's members in order, repeated names included.
struct Members<'e>(Vec<(Cow<'e, str>, &'e RawValue)>);

impl<'de: 'e, 'e> Deserialize<'de> for Members<'e> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                // A name that is no text, for want of half a surrogate pair, spoils nothing but itself.
                while let Some((name, value)) = map.next_entry::<&'de RawValue, &'de RawValue>()? {
                    members.extend(string(Some(name)).map(|name| (name, value)));
                }
                Ok(Members(members))
            }
        }
        reader.deserialize_map(Collect)
    }
}
