//! Any text as an ARN: is read if and only if it is one of `execute-api` with an API, a stage and a route, and is
//! printed as the resource of that stage and of nothing else, without a letter of the caller's path.
#![no_main]

use cognito_authorizer::{
    gateway::ExecuteApiArn,
    testing::{Verdict, evaluate},
};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|text: &str| {
    let parsed = ExecuteApiArn::parse(text);
    let Some((stage_arn, request)) = take_apart(text) else {
        assert!(parsed.is_err(), "{text:?} is no arn of a route");
        return;
    };
    let parsed = parsed.unwrap();
    let (printed, resource) = (parsed.to_string(), parsed.every_route());
    let (before_stage, stage) = stage_arn.rsplit_once('/').unwrap();
    assert_eq!((parsed.stage(), parsed.is_connect()), (stage, request == "$connect"));
    assert!(before_stage.ends_with(&format!(":{}", parsed.api())));
    assert_eq!(resource, format!("{printed}/*"));

    // Whatever the path, the resource is the same.
    let elsewhere = format!("{stage_arn}/DELETE/*/${{aws:username}}/?");
    assert_eq!(ExecuteApiArn::parse(&elsewhere).unwrap().every_route(), resource);

    let opens = |arn: &str| evaluate(&document(&resource), arn) == Verdict::Allow;
    assert!(opens(text), "the route that was asked for");
    assert!(!opens(&format!("{before_stage}/{stage}2/{request}")), "another stage");
    assert!(!opens(&format!("{before_stage}2/{stage}/{request}")), "another api");
    if stage != "*" {
        assert_eq!(printed, stage_arn);
        assert_eq!(ExecuteApiArn::parse(&format!("{printed}/{request}")).unwrap(), parsed);
    }
});

/// What stands before the route, and the route, if all parts are there and hold what AWS puts there.
fn take_apart(text: &str) -> Option<(&str, &str)> {
    let is_word = |part: &str| {
        part.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_')
            && !part.is_empty()
    };
    let slash = text.match_indices('/').nth(1)?.0;
    let (stage_arn, request) = (&text[..slash], &text[slash + 1..]);
    let (before_stage, stage) = stage_arn.split_once('/')?;
    let ["arn", partition, "execute-api", region, account, api] =
        before_stage.split(':').collect::<Vec<_>>()[..]
    else {
        return None;
    };
    let is_stage = is_word(stage) || stage == "*" || stage == "$default";
    let are_words = [partition, region, account, api].into_iter().all(is_word);
    (are_words && is_stage && !request.is_empty()).then_some((stage_arn, request))
}

fn document(resource: &str) -> serde_json::Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Action": ["execute-api:Invoke"], "Effect": "Allow", "Resource": [resource] }]
    })
}
