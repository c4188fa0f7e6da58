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
            if routes.iter().any(|earlier| earlier.shape() == route.shape()) {
                return Err(invalid("this route stands twice, whatever its parameters' names: remove one"));
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
        let trimmed = path.strip_prefix('/')?;
        let segments: Vec<&str> = trimmed.strip_suffix('/').unwrap_or(trimmed).split('/').collect();
        let route = match api.family() {
            Family::WebSocket => {
                return Some(Match { route: Route::connect(), parameters: BTreeMap::new() });
            }
            _ if !VERBS.contains(&method) => None,
            Family::Http => {
                let default = || self.0.iter().find(|route| route.key == DEFAULT);
                choose(self.0.iter(), Route::name, method, &segments).or_else(default)
            }
            // The path's resource first: one without the method is not served by another resource.
            Family::Rest => {
                let resource = choose(self.0.iter(), Route::resource_name, method, &segments)?;
                let methods = self.0.iter().filter(|route| route.template() == resource.template());
                choose(methods, Route::name, method, &segments)
            }
        }?;
        Some(Match { route: route.clone(), parameters: route.parameters(&segments) })
    }
}

/// The most specific of these routes under these names.
fn choose<'r>(
    routes: impl Iterator<Item = &'r Route>,
    name: fn(&Route) -> String,
    method: &str,
    segments: &[&str],
) -> Option<&'r Route> {
    // No parameter is empty.
    let is_filled = |route: &&Route| route.parameters(segments).values().all(|value| !value.is_empty());
    let routes: Vec<&Route> = routes.filter(|route| route.key != DEFAULT).filter(is_filled).collect();
    let names: Vec<String> = routes.iter().map(|route| name(route)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (position, _) = serving_route(&names, method, segments)?;
    routes.get(position).copied()
}

impl Route {
    /// A WebSocket API's one route, whatever the table says.
    fn connect() -> Self {
        Self { key: "$connect".to_owned(), is_public: false }
    }

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

    /// As if it took every verb.
    fn resource_name(&self) -> String {
        format!("any {}", self.template())
    }

    fn template(&self) -> &str {
        self.key.split_once(' ').map_or("", |(_, template)| template)
    }

    /// The key without its parameters' names.
    fn shape(&self) -> String {
        let part = |part: &'_ str| match part.strip_prefix('{') {
            Some(name) if name.ends_with("+}") => "{+}".to_owned(),
            Some(_) => "{}".to_owned(),
            None => part.to_owned(),
        };
        self.key.split('/').map(part).collect::<Vec<String>>().join("/")
    }

    /// What stands in these segments for each parameter, decoded.
    fn parameters(&self, segments: &[&str]) -> BTreeMap<String, String> {
        let template = self.template().trim_start_matches('/');
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
    if verb != "ANY" && !VERBS.contains(&verb) {
        return Err("the verb is none of ANY, DELETE, GET, HEAD, OPTIONS, PATCH, POST and PUT");
    }
    let path = template.strip_prefix('/').ok_or(FORM)?;
    if path.ends_with('/') {
        return Err("a slash at the end makes no difference here: leave it out");
    }
    let parts: Vec<&str> = path.split('/').collect();
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

/// The route of an HTTP API for whatever no other serves.
pub(crate) const DEFAULT: &str = "$default";

/// Those that a route can name, and `ANY` stands for.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-set-up-simple-proxy.html>
const VERBS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

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
            ("PUT", "/pets/dog/2", "ANY /{proxy+}"),
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
    fn a_rest_api_finds_the_resource_before_the_method() {
        let table = table("DELETE /orders/{id}\nGET /orders\nANY /{proxy+} public\nANY /orders");
        for (method, path, expected) in [
            ("DELETE", "/orders/1", Some("DELETE /orders/{id}")),
            ("POST", "/orders/1", None),
            ("GET", "/orders", Some("GET /orders")),
            ("PUT", "/orders", Some("ANY /orders")),
            ("POST", "/orders/1/items", Some("ANY /{proxy+}")),
        ] {
            let found = key(&table, Api::RestToken, method, path);
            assert_eq!(found.as_deref(), expected, "{method} {path}");
        }
        // An HTTP API falls back.
        assert_eq!(key(&table, Api::HttpV1, "POST", "/orders/1").as_deref(), Some("ANY /{proxy+}"));
    }

    #[test]
    fn only_the_seven_verbs_as_they_are_spelt_reach_a_route() {
        let table = table("GET /orders\nANY /{proxy+}\n$default");
        for api in [Api::RestToken, Api::HttpV2] {
            for method in ["get", "Get", "FOO", "PROPFIND", "CONNECT", "TRACE", "any", "ANY", ""] {
                assert_eq!(key(&table, api, method, "/orders"), None, "{method}");
            }
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
            "GET /a/",
            "$x",
        ] {
            let error = RouteTable::parse(&format!("GET /\n{text}")).unwrap_err();
            assert_eq!(error.line, 2, "{text}");
        }
        assert_eq!(RouteTable::parse("GET /a\n\nGET /a public").unwrap_err().line, 3);
        assert_eq!(RouteTable::parse("GET /a/{x}/{r+}\nGET /a/{y}/{s+} public").unwrap_err().line, 2);
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
