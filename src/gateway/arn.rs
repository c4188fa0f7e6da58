//! `arn:{partition}:execute-api:{region}:{account}:{api}/{stage}/{route}`: parsed, and printed anew.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/arn-format-reference.html>

use std::fmt;

use thiserror::Error;

/// The parts of an `execute-api` ARN. An answer is built from all but the request: the caller's path may hold
/// anything, `*` and `:` included, and is only ever compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecuteApiArn<'a> {
    partition: &'a str,
    region: &'a str,
    account: &'a str,
    api: &'a str,
    stage: &'a str,
    request: &'a str,
}

/// Which part of an ARN is not what it should be.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidArn {
    /// Fewer than six parts between colons, or not `arn` in front.
    #[error("is not an arn")]
    NotArn,
    /// Not `execute-api`.
    #[error("is not of the service execute-api")]
    WrongService,
    /// The part named is missing or has characters that AWS does not use there.
    #[error("has no usable {0}")]
    Part(&'static str),
}

impl<'a> ExecuteApiArn<'a> {
    /// Reads an ARN of any partition.
    pub fn parse(text: &'a str) -> Result<Self, InvalidArn> {
        // Six parts: the last holds the path, which may hold colons.
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().ok_or(InvalidArn::NotArn);
        let (prefix, partition, service, region, account, resource) =
            (next()?, next()?, next()?, next()?, next()?, next()?);
        if prefix != "arn" {
            return Err(InvalidArn::NotArn);
        }
        if service != "execute-api" {
            return Err(InvalidArn::WrongService);
        }
        let (api, rest) = resource.split_once('/').ok_or(InvalidArn::Part("stage"))?;
        let (stage, request) = rest.split_once('/').ok_or(InvalidArn::Part("route"))?;
        if request.is_empty() {
            return Err(InvalidArn::Part("route"));
        }
        Ok(Self {
            partition: word(partition, "partition")?,
            region: word(region, "region")?,
            account: word(account, "account")?,
            api: word(api, "api")?,
            stage: parse_stage(stage)?,
            request,
        })
    }

    /// The API's id.
    pub fn api(&self) -> &'a str {
        self.api
    }

    /// The stage's name.
    pub fn stage(&self) -> &'a str {
        self.stage
    }

    /// Whether the route is a WebSocket API's `$connect`.
    pub fn is_connect(&self) -> bool {
        self.request == "$connect"
    }

    /// The verb and path that were asked for, `GET/orders/42`, or `$connect`: the caller's own text.
    pub(super) fn request(&self) -> &'a str {
        self.request
    }

    /// The IAM pattern for every route of this API and stage, and of no other.
    pub fn every_route(&self) -> String {
        self.routes("*")
    }

    /// The IAM resource for a pattern behind the stage and a slash.
    pub(super) fn routes(&self, pattern: &str) -> String {
        format!("{self}/{pattern}")
    }
}

/// The API and stage, as an IAM resource.
impl fmt::Display for ExecuteApiArn<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, region, account, api, stage, .. } = self;
        // AWS's samples have events whose stage is a literal `*`. In a resource that would mean every stage;
        // `?` matches it and no stage with a longer name.
        let stage = if *stage == "*" { "?" } else { stage };
        write!(out, "arn:{partition}:execute-api:{region}:{account}:{api}/{stage}")
    }
}

/// Nothing that IAM would read as a pattern or a variable.
fn word<'a>(text: &'a str, part: &'static str) -> Result<&'a str, InvalidArn> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !text.is_empty() && text.bytes().all(plain) { Ok(text) } else { Err(InvalidArn::Part(part)) }
}

fn parse_stage(text: &str) -> Result<&str, InvalidArn> {
    if text == "*" || text == "$default" { Ok(text) } else { word(text, "stage") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_and_stage_gives_the_pattern_of_its_own_stage() {
        for (arn, pattern) in [
            (
                "arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/GET/orders",
                "arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/*",
            ),
            (
                "arn:aws-us-gov:execute-api:us-gov-west-1:1:a/v1/POST/",
                "arn:aws-us-gov:execute-api:us-gov-west-1:1:a/v1/*",
            ),
            ("arn:aws-cn:execute-api:cn-north-1:1:a/s/GET/x", "arn:aws-cn:execute-api:cn-north-1:1:a/s/*"),
            (
                "arn:aws-eusc:execute-api:eusc-de-east-1:1:a/s/GET/x",
                "arn:aws-eusc:execute-api:eusc-de-east-1:1:a/s/*",
            ),
            ("arn:aws:execute-api:r:1:a/$default/GET/x/y/z", "arn:aws:execute-api:r:1:a/$default/*"),
            ("arn:aws:execute-api:r:1:a/$default/$default", "arn:aws:execute-api:r:1:a/$default/*"),
            (
                "arn:aws:execute-api:r:1:a/ESTestInvoke-stage/GET/",
                "arn:aws:execute-api:r:1:a/ESTestInvoke-stage/*",
            ),
            ("arn:aws:execute-api:r:1:a/*/GET/", "arn:aws:execute-api:r:1:a/?/*"),
            ("arn:aws:execute-api:r:1:a/s/$connect", "arn:aws:execute-api:r:1:a/s/*"),
            ("arn:aws:execute-api:r:1:a/s/GET/a:b:c", "arn:aws:execute-api:r:1:a/s/*"),
            ("arn:aws:execute-api:r:1:a/s/GET/*/${aws:username}/?", "arn:aws:execute-api:r:1:a/s/*"),
            (
                "arn:aws:execute-api:us-east-1:random-account-id:random-api-id/dev/GET/x",
                "arn:aws:execute-api:us-east-1:random-account-id:random-api-id/dev/*",
            ),
        ] {
            let parsed = ExecuteApiArn::parse(arn).unwrap();
            assert_eq!(parsed.every_route(), pattern, "{arn}");
        }
    }

    #[test]
    fn what_is_not_an_api_stage_and_route_is_refused_by_name() {
        for (arn, error) in [
            ("", InvalidArn::NotArn),
            ("nonsense", InvalidArn::NotArn),
            ("arn:aws:execute-api:r:1", InvalidArn::NotArn),
            ("urn:aws:execute-api:r:1:a/s/GET/", InvalidArn::NotArn),
            ("arn:aws:lambda:r:1:function:x", InvalidArn::WrongService),
            ("arn:aws:execute-api:r:1:a", InvalidArn::Part("stage")),
            ("arn:aws:execute-api:r:1:a/s", InvalidArn::Part("route")),
            ("arn:aws:execute-api:r:1:a/s/", InvalidArn::Part("route")),
            ("arn:aws:execute-api:r:1:/s/GET/", InvalidArn::Part("api")),
            ("arn:aws:execute-api:r:1:*/s/GET/", InvalidArn::Part("api")),
            ("arn:aws:execute-api:r:1:a//GET/", InvalidArn::Part("stage")),
            ("arn:aws:execute-api:r:1:a/${x}/GET/", InvalidArn::Part("stage")),
            ("arn:aws:execute-api:r:1:a/s?/GET/", InvalidArn::Part("stage")),
            ("arn:aws:execute-api:r::a/s/GET/", InvalidArn::Part("account")),
            ("arn:aws:execute-api:*:1:a/s/GET/", InvalidArn::Part("region")),
            ("arn::execute-api:r:1:a/s/GET/", InvalidArn::Part("partition")),
        ] {
            assert_eq!(ExecuteApiArn::parse(arn), Err(error), "{arn}");
        }
    }

    #[test]
    fn only_the_whole_route_connect_is_a_websocket_handshake() {
        let is_connect = |arn| ExecuteApiArn::parse(arn).unwrap().is_connect();
        assert!(is_connect("arn:aws:execute-api:r:1:a/s/$connect"));
        assert!(!is_connect("arn:aws:execute-api:r:1:a/s/GET/$connect"));
    }
}
