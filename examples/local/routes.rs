//! The API's routes, and which of them serves a request.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>

use std::collections::BTreeMap;

use cognito_authorizer::testing::serving_route;
use percent_encoding::percent_decode_str;
use thiserror::Error;

use crate::api::{Api, Family};

/// One route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// `GET /orders/{id}`, `ANY /{proxy+}` or `$default`.
    pub(crate) key: String,
    /// Without authorizer.
    pub(crate) is_public: bool,
}

/// The route that serves a request, and what stands in the place of its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) route: Route,
    pub(crate) parameters: BTreeMap<String, String>,
}

/// All routes of the API.
#[derive(Clone, Debug)]
pub(crate) struct RouteTable(Vec<Route>);

/// What is wrong with a table, and where.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("line {line}: {problem}")]
pub(crate) struct InvalidTable {
    line: usize,
    problem: &'static str,
}

impl RouteTable {
    /// Reads one route a line.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidTable> {
        let mut routes: Vec<Route> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let invalid = |problem| InvalidTable { line: number, problem };
            let route = Route::parse(line).map_err(invalid)?;
            if routes.iter().any(|earlier| earlier.key == route.key) {
                return Err(invalid("this route stands twice: remove one"));
            }
            routes.push(route);
        }
        Ok(Self(routes))
    }

    /// The routes of layer/policies, and one that is everybody's.
    pub(crate) fn usual() -> Self {
        Self::parse(USUAL_ROUTES).unwrap()
    }

    pub(crate) fn routes(&self) -> &[Route] {
        &self.0
    }

    /// The most specific route for a request. A slash at the end of a path makes no difference to the choice.
    pub(crate) fn find(&self, api: Api, method: &str, path: &str) -> Option<Match> {
        if api.family() == Family::WebSocket {
            let route = Route { key: "$connect".to_owned(), is_public: false };
            return Some(Match { route, parameters: BTreeMap::new() });
        }
        let served = self.serve(method, path);
        // Only HTTP APIs have a route for whatever no other serves.
        let is_http = api.family() == Family::Http;
        let default = || {
            let route = self.0.iter().find(|route| route.key == DEFAULT)?.clone();
            Some(Match { route, parameters: BTreeMap::new() })
        };
        served.or_else(default).filter(|served| is_http || served.route.key != DEFAULT)
    }

    fn serve(&self, method: &str, path: &str) -> Option<Match> {
        let trimmed = path.strip_prefix('/')?;
        let segments: Vec<&str> = trimmed.strip_suffix('/').unwrap_or(trimmed).split('/').collect();
        // No parameter is empty.
        let is_filled = |route: &&Route| route.parameters(&segments).values().all(|value| !value.is_empty());
        let routes: Vec<&Route> = self.0.iter().filter(is_filled).collect();
        let names: Vec<String> = routes.iter().map(|route| route.name()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (position, _) = serving_route(&names, method, &segments)?;
        let route = (*routes.get(position)?).clone();
        let parameters = route.parameters(&segments);
        Some(Match { route, parameters })
    }
}

impl Route {
    fn parse(line: &str) -> Result<Self, &'static str> {
        let (key, is_public) = match line.strip_suffix(" public") {
            Some(key) => (key.trim_end(), true),
            None => (line, false),
        };
        let key = key.split_whitespace().collect::<Vec<&str>>().join(" ");
        if key != DEFAULT {
            let (verb, template) = key.split_once(' ').ok_or(FORM)?;
            check(verb, template)?;
        }
        Ok(Self { key, is_public })
    }

    /// The key with its verb in lower case.
    fn name(&self) -> String {
        match self.key.split_once(' ') {
            Some((verb, template)) => format!("{} {template}", verb.to_ascii_lowercase()),
            None => self.key.clone(),
        }
    }

    /// What stands in these segments for each parameter, decoded.
    fn parameters(&self, segments: &[&str]) -> BTreeMap<String, String> {
        let template = self.key.split_once(" /").map_or("", |(_, template)| template);
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let named = template.split('/').enumerate().filter_map(|(position, part)| {
            let name = part.strip_prefix('{')?.strip_suffix('}')?;
            Some(match name.strip_suffix('+') {
                Some(name) => (name.to_owned(), decode(&segments.get(position..)?.join("/"))),
                None => (name.to_owned(), decode(segments.get(position)?)),
            })
        });
        named.collect()
    }

    /// A request that the route serves: verb and path.
    pub(crate) fn example(&self) -> (String, String) {
        let (verb, template) = self.key.split_once(' ').unwrap_or(("GET", "/anything"));
        let part = |part: &str| if part.starts_with('{') { "42".to_owned() } else { part.to_owned() };
        let path: Vec<String> = template.split('/').map(part).collect();
        (if verb == "ANY" { "GET" } else { verb }.to_owned(), path.join("/"))
    }
}

fn check(verb: &str, template: &str) -> Result<(), &'static str> {
    if !VERBS.contains(&verb) {
        return Err("the verb is none of ANY, DELETE, GET, HEAD, OPTIONS, PATCH, POST and PUT");
    }
    let parts: Vec<&str> = template.strip_prefix('/').ok_or(FORM)?.split('/').collect();
    let is_greedy = |part: &&str| part.ends_with("+}");
    let before_the_last = parts.split_last().map_or(&[][..], |(_, parts)| parts);
    if before_the_last.iter().any(is_greedy) {
        return Err("{proxy+} may only be the last part of a path");
    }
    let is_plain = |part: &&str| !part.contains(['{', '}', ' ', '?', '*']);
    let is_parameter = |part: &&str| {
        let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        name.map(|name| name.strip_suffix('+').unwrap_or(name)).is_some_and(|name| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        })
    };
    if parts.iter().all(|part| is_plain(part) || is_parameter(part)) { Ok(()) } else { Err(FORM) }
}

const USUAL_ROUTES: &str = "\
GET /orders
POST /orders
GET /orders/{id}
DELETE /orders/{id}
GET /orders/{id}/items
GET /health public
";

const DEFAULT: &str = "$default";

const VERBS: [&str; 8] = ["ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

const FORM: &str = "is no route: write `GET /orders/{id}`, `ANY /{proxy+}` or `$default`, and `public` after it for \
    one without authorizer";

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> RouteTable {
        RouteTable::parse(text).unwrap()
    }

    fn key(table: &RouteTable, api: Api, method: &str, path: &str) -> Option<String> {
        table.find(api, method, path).map(|found| found.route.key)
    }

    /// The example of API Gateway's documentation, with a few requests more.
    #[test]
    fn the_most_specific_route_serves_a_request() {
        let table = table(
            "GET /pets/dog/1\nGET /pets/dog/{id}\nGET /pets/{proxy+}\nANY /{proxy+}\n$default\nANY /pets/dog/1\n",
        );
        for (method, path, expected) in [
            ("GET", "/pets/dog/1", "GET /pets/dog/1"),
            ("POST", "/pets/dog/1", "ANY /pets/dog/1"),
            ("GET", "/pets/dog/2", "GET /pets/dog/{id}"),
            ("GET", "/pets/cat/1", "GET /pets/{proxy+}"),
            ("POST", "/test/5", "ANY /{proxy+}"),
            ("GET", "/pets/dog/1/", "GET /pets/dog/1"),
            ("GET", "/", "$default"),
        ] {
            assert_eq!(key(&table, Api::HttpV2, method, path).as_deref(), Some(expected), "{method} {path}");
        }
        assert_eq!(key(&table, Api::RestToken, "GET", "/"), None);
    }

    #[test]
    fn nothing_serves_what_no_route_fits_and_no_parameter_is_empty() {
        let table = table("GET /orders/{id}/items\nPOST /orders");
        for (method, path) in [("GET", "/orders"), ("GET", "/orders//items"), ("GET", "/"), ("GET", "orders")]
        {
            assert_eq!(key(&table, Api::HttpV2, method, path), None, "{method} {path}");
        }
    }

    #[test]
    fn a_route_whose_parameter_would_be_empty_leaves_the_request_to_the_next() {
        let table = table("GET /orders/{id}\nANY /{proxy+}\n$default");
        assert_eq!(key(&table, Api::HttpV2, "GET", "/orders//").as_deref(), Some("ANY /{proxy+}"));
        assert_eq!(key(&table, Api::RestToken, "GET", "/orders//").as_deref(), Some("ANY /{proxy+}"));
        assert_eq!(key(&table, Api::HttpV2, "GET", "//").as_deref(), Some("$default"));
    }

    #[test]
    fn parameters_are_what_stands_in_their_place_decoded() {
        let table = table("GET /a/{one}/b/{rest+}");
        let found = table.find(Api::RestRequest, "GET", "/a/x%20y/b/c/d%2Fe").unwrap();
        let expected =
            [("one", "x y"), ("rest", "c/d/e")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(found.parameters, BTreeMap::from(expected));
    }

    #[test]
    fn a_websocket_api_has_one_route_whatever_the_table_says() {
        assert_eq!(key(&table(""), Api::WebSocket, "GET", "/anything").as_deref(), Some("$connect"));
    }

    #[test]
    fn comments_blank_lines_and_public_routes_are_read() {
        let table = table("# routes\n\nGET   /health  public\nGET /public # not public\n");
        let expected = [("GET /health", true), ("GET /public", false)];
        assert_eq!(table.routes(), expected.map(|(key, is_public)| Route { key: key.to_owned(), is_public }));
    }

    #[test]
    fn what_is_no_route_is_refused_with_its_line() {
        for text in [
            "/orders",
            "get /orders",
            "GET orders",
            "GET /{}",
            "GET /a{b}",
            "GET /{p+}/x",
            "GET /a b",
            "FETCH /",
            "$x",
        ] {
            let error = RouteTable::parse(&format!("GET /\n{text}")).unwrap_err();
            assert_eq!(error.line, 2, "{text}");
        }
        assert_eq!(RouteTable::parse("GET /a\n\nGET /a public").unwrap_err().line, 3);
    }

    #[test]
    fn a_route_serves_its_own_example() {
        let table = table("GET /\nANY /a/{b}\nPOST /files/{proxy+}\n$default");
        for route in table.routes() {
            let (method, path) = route.example();
            assert_eq!(key(&table, Api::HttpV2, &method, &path).as_ref(), Some(&route.key));
        }
    }
}
