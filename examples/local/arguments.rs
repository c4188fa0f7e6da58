//! What was asked for on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, value_parser};

use crate::{
    api::{Api, USUAL_TTL_SECONDS},
    backend::Upstream,
    identity::IdentitySource,
    people::Name,
};

#[derive(Debug, Parser)]
#[command(
    name = "cargo run --example local --",
    about = "The function on this machine. Without a command: a demonstration."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// A local API Gateway and a Cognito-like issuer around the real function, until Ctrl-C
    Serve(ServeArguments),
    /// One authorizer event, for `cargo lambda invoke` or the Lambda console's test
    Event(EventArguments),
}

#[derive(Args, Debug)]
pub(crate) struct ServeArguments {
    /// The gateway's port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 3000)]
    pub(crate) port: u16,
    /// The issuer's port on 127.0.0.1 [default: the gateway's and one]
    #[arg(long)]
    issuer_port: Option<u16>,
    /// The kind of API
    #[arg(long, value_name = "KIND", value_enum, default_value = "http-v2")]
    pub(crate) api: Api,
    /// The routes, one a line: `GET /orders/{id}`, and `public` after it for one without authorizer
    #[arg(long, value_name = "FILE")]
    pub(crate) routes: Option<PathBuf>,
    /// The function's POLICIES, or `none` [default: layer/policies, with the local issuer and the usual routes]
    #[arg(long, value_name = "FOLDER")]
    policies: Option<String>,
    /// One of the function's variables; may be repeated
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = parse_variable)]
    pub(crate) variables: Vec<(String, String)>,
    /// The function's executable [default: the debug build, which is made first]
    #[arg(long, value_name = "PATH")]
    pub(crate) binary: Option<PathBuf>,
    /// How long an answer is kept; 0 keeps none [default: 300]
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u32).range(0..=3600))]
    ttl: Option<u32>,
    /// The authorizer's identity sources, comma-separated, or `none` [default: the header Authorization]
    #[arg(long, value_name = "LIST")]
    identity_source: Option<String>,
    /// A service on loopback behind the gateway [default: an echo of the event that an integration gets]
    #[arg(long, value_name = "URL", value_parser = Upstream::parse)]
    pub(crate) upstream: Option<Upstream>,
}

#[derive(Args, Debug)]
pub(crate) struct EventArguments {
    /// The kind of API
    #[arg(value_enum)]
    pub(crate) kind: Api,
    /// Who asks
    #[arg(long, value_name = "NAME", value_enum)]
    pub(crate) user: Name,
    /// What is asked for: a verb and a path
    #[arg(long, default_value = "GET /orders/42")]
    pub(crate) route: String,
}

impl ServeArguments {
    pub(crate) fn issuer_port(&self) -> u16 {
        let beside = if self.port == 0 { 0 } else { self.port.wrapping_add(1) };
        self.issuer_port.unwrap_or(beside)
    }

    /// Another pool of the user's own is trusted instead of the local issuer.
    pub(crate) fn trusts_another_issuer(&self) -> bool {
        self.variables.iter().any(|(name, _)| name == "USER_POOL_ID" || name == "ISSUERS")
    }

    /// The example policies are about the local issuer's people and the usual routes.
    pub(crate) fn policies(&self) -> Option<&str> {
        match self.policies.as_deref() {
            Some("none") => None,
            None if self.trusts_another_issuer() || self.routes.is_some() => None,
            None => Some(concat!(env!("CARGO_MANIFEST_DIR"), "/layer/policies")),
            folder => folder,
        }
    }

    pub(crate) fn ttl_seconds(&self, api: Api) -> u32 {
        if api.keeps_answers() { self.ttl.unwrap_or(USUAL_TTL_SECONDS) } else { 0 }
    }

    /// What was said for the kind that is served, and the usual for the others.
    pub(crate) fn identity_sources(&self, api: Api) -> Result<Vec<IdentitySource>, String> {
        let said = self.identity_source.as_deref().filter(|_| api == self.api);
        IdentitySource::parse_list(said.unwrap_or(api.usual_identity_sources()), api)
            .map_err(|error| format!("--identity-source: {error}"))
    }

    /// What no option alone can be wrong about.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.identity_sources(self.api)?.is_empty() && self.ttl_seconds(self.api) > 0 {
            return Err("--identity-source none: answers are kept by identity: add --ttl 0".to_owned());
        }
        if !self.api.keeps_answers() && self.ttl.is_some_and(|ttl| ttl > 0) {
            return Err("--ttl: API Gateway keeps no answers of a WebSocket API: leave it out".to_owned());
        }
        if self.api == Api::WebSocket && self.upstream.is_some() {
            return Err("--upstream: a WebSocket API has an echo behind it here: leave it out".to_owned());
        }
        if self.port != 0 && self.port == self.issuer_port() {
            return Err("--issuer-port: is the gateway's port too: name another".to_owned());
        }
        Ok(())
    }
}

fn parse_variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some(("AWS_LAMBDA_RUNTIME_API", _)) => {
            Err("is where the function finds this gateway: leave it out".to_owned())
        }
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

/// What clap says is wrong, in one line, with what to do.
pub(crate) fn explain(error: &clap::Error) -> String {
    let text = error.to_string();
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = paragraph.split_whitespace().collect();
    let sentence = words.join(" ");
    format!("{}; add --help to see what there is", sentence.trim_start_matches("error: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serve(words: &[&str]) -> Result<ServeArguments, String> {
        let words = ["local", "serve"].iter().chain(words);
        let arguments = Arguments::try_parse_from(words).map_err(|error| explain(&error))?;
        let Some(Command::Serve(arguments)) = arguments.command else { panic!("not serve") };
        arguments.check().map(|()| arguments)
    }

    #[test]
    fn the_issuer_stands_beside_the_gateway_unless_it_is_said_where() {
        for (words, expected) in [
            (&[][..], (3000, 3001)),
            (&["--port", "0"], (0, 0)),
            (&["--port", "8080"], (8080, 8081)),
            (&["--issuer-port", "0"], (3000, 0)),
        ] {
            let arguments = serve(words).unwrap();
            assert_eq!((arguments.port, arguments.issuer_port()), expected, "{words:?}");
        }
    }

    #[test]
    fn the_example_policies_apply_to_the_example_s_people() {
        for (words, expected) in [
            (&[][..], Some(true)),
            (&["--policies", "none"], None),
            (&["--policies", "mine"], Some(false)),
            (&["--env", "USER_POOL_ID=x"], None),
            (&["--routes", "mine"], None),
            (&["--routes", "mine", "--policies", "mine"], Some(false)),
            (&["--env", "ISSUERS=[]", "--policies", "mine"], Some(false)),
        ] {
            let arguments = serve(words).unwrap();
            let is_example = arguments.policies().map(|folder| folder.ends_with("/layer/policies"));
            assert_eq!(is_example, expected, "{words:?}");
        }
    }

    #[test]
    fn a_wrong_command_line_is_told_in_one_line() {
        for (words, expected) in [
            (&["--prot", "1"][..], "'--prot'"),
            (&["--port", "70000"], "70000"),
            (&["--ttl", "3601"], "3600"),
            (&["--ttl", "-1"], "'-1'"),
            (&["--api", "soap"], "http-v2-simple"),
            (&["--env", "X"], "NAME=VALUE"),
            (&["--env", "AWS_LAMBDA_RUNTIME_API=x"], "leave it out"),
            (&["--upstream", "http://example.com"], "loopback"),
            (&["--identity-source", "method.request.header.X"], "$request.header.NAME"),
            (&["--identity-source", "$context.x"], "routeKey"),
            (&["--identity-source", "none"], "--ttl 0"),
            (&["--api", "rest-token", "--identity-source", "none", "--ttl", "0"], "one header"),
            (&["--api", "websocket", "--ttl", "5"], "--ttl: "),
            (&["--api", "websocket", "--upstream", "http://127.0.0.1:1"], "--upstream: "),
            (&["--issuer-port", "3000"], "--issuer-port: "),
        ] {
            let error = serve(words).unwrap_err();
            assert!(error.contains(expected) && error.lines().count() == 1, "{words:?}: {error}");
        }
    }
}
