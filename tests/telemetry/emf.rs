//! CloudWatch's embedded metric format, as its specification has it.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What CloudWatch makes of a line: for each set of dimensions with their values, each metric's value.
pub(crate) type Extracted = BTreeMap<String, BTreeMap<String, u64>>;

/// Holds a line to the specification's schema and to what it says beyond that; gives its metrics. Each is
/// keyed by its namespace and dimensions, `Orders reason=token_expired`.
pub(crate) fn extract(line: &Value) -> Extracted {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    if let Err(error) = validator.validate(line) {
        panic!("{error} in {line:#}");
    }
    let mut extracted = Extracted::new();
    for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
        for set in directive["Dimensions"].as_array().unwrap() {
            // A dimension's target is a string, and not nested.
            let dimension = |name: &Value| {
                let name = name.as_str().unwrap();
                format!(" {name}={}", line[name].as_str().unwrap())
            };
            let dimensions: String = set.as_array().unwrap().iter().map(dimension).collect();
            let key = format!("{}{dimensions}", directive["Namespace"].as_str().unwrap());
            for metric in directive["Metrics"].as_array().unwrap() {
                let name = metric["Name"].as_str().unwrap();
                // A metric's target is a number.
                let value = line[name].as_u64().unwrap();
                let known = extracted.entry(key.clone()).or_default().insert(name.to_owned(), value);
                assert_eq!(known, None, "{name} stands twice for {key}");
            }
        }
    }
    extracted
}

/// The specification's JSON schema: its names, its types and its limits.
fn schema() -> Value {
    let name = |longest: u32| json!({ "type": "string", "minLength": 1, "maxLength": longest });
    let units = ["Seconds", "Microseconds", "Milliseconds", "Bytes", "Percent", "Count", "None"];
    let metric = json!({
        "type": "object",
        "required": ["Name"],
        "properties": { "Name": name(1_024), "Unit": { "enum": units }, "StorageResolution": { "enum": [1, 60] } },
        "additionalProperties": false,
    });
    let directive = json!({
        "type": "object",
        "required": ["Namespace", "Dimensions", "Metrics"],
        "properties": {
            "Namespace": name(1_024),
            "Dimensions": {
                "type": "array",
                "minItems": 1,
                "items": { "type": "array", "minItems": 0, "maxItems": 30, "items": name(250) },
            },
            "Metrics": { "type": "array", "maxItems": 100, "items": metric },
        },
        "additionalProperties": false,
    });
    json!({
        "type": "object",
        "required": ["_aws"],
        "properties": {
            "_aws": {
                "type": "object",
                "required": ["Timestamp", "CloudWatchMetrics"],
                "properties": {
                    "Timestamp": { "type": "integer" },
                    "CloudWatchMetrics": { "type": "array", "items": directive },
                },
                "additionalProperties": false,
            },
        },
    })
}
