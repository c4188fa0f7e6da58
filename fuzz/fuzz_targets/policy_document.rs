//! Made-up routes, verdicts, policies, claims and requests: IAM's verdict by the answer's document is the decision on the
//! route that API Gateway takes the request to, and where policies decide, that decision is Cedar's own.
#![no_main]

use std::sync::{Arc, LazyLock};

use cognito_authorizer::{
    gateway::{Event, Shape},
    policy::{Decision, DenyReason, Policies, RouteTable, Ruling, Rulings, Source},
    testing::{
        API, NOW, SigningKey, Verdict, access_claims, evaluate, event, id_claims, merged, serving_route,
        settings, verified,
    },
    token::{Algorithm, VerifiedToken},
};
use cognito_authorizer_fuzz::block_on;
use libfuzzer_sys::{
    arbitrary::{self, Arbitrary},
    fuzz_target,
};
use serde_json::{Value, json};

#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]
#[path = "../../tests/support/shop.rs"]
mod shop;

/// Numbers that stand for choices: whatever they are, they mean something.
/// What an input is too short for is 0, so what most depends on comes first.
#[derive(Arbitrary, Debug)]
struct Choices {
    how_many_routes: u8,
    how_many_policies: u8,
    allowed: [u8; 4],
    /// Six, for what three routes can make of a fourth; more take longer.
    routes: [PathChoice; 6],
    requests: [PathChoice; 12],
    is_access: bool,
    claims: [u8; 6],
    policies: [PolicyChoice; 6],
}

#[derive(Arbitrary, Debug)]
struct PathChoice {
    verb: u8,
    length: u8,
    segments: [u8; 5],
}

#[derive(Arbitrary, Debug)]
struct PolicyChoice {
    is_forbid: bool,
    principal: u8,
    scope: u8,
    routes: u8,
    condition: u8,
}

fuzz_target!(|choices: Choices| {
    let names: Vec<String> = choices.routes.iter().map(PathChoice::route).collect();
    let (routes, table) = choose_routes(&names[..usize::from(choices.how_many_routes % 7)]);
    let mut requests: Vec<_> = routes.iter().flat_map(|route| requests_like(route)).collect();
    requests.extend(choices.requests.iter().map(PathChoice::request));

    let table = Arc::new(table);
    for allowed in choices.allowed {
        let allowed: Vec<bool> = (0..routes.len()).map(|at| allowed >> at & 1 == 1).collect();
        let ruling = |is_allowed: &bool| Ruling {
            permitted_by: is_allowed.then(|| Arc::from("policy")).into_iter().collect(),
            ..Ruling::default()
        };
        let rulings = Rulings::new(Arc::clone(&table), allowed.iter().map(ruling).collect());
        check_document(&routes, Arc::new(rulings), &allowed, &requests, &READER);
    }
    if choices.how_many_policies() > 0 && !routes.is_empty() {
        check_policies(&choices, &routes, &requests);
    }
});

/// Those of some routes that can be told to IAM together: of many that overlap, few can.
fn choose_routes(names: &[String]) -> (Vec<&str>, RouteTable) {
    let (mut routes, mut table) = (Vec::new(), RouteTable::new([]).unwrap());
    for name in names {
        routes.push(name.as_str());
        match RouteTable::new(routes.iter().copied()) {
            Ok(larger) => table = larger,
            Err(_) => drop(routes.pop()),
        }
    }
    (routes, table)
}

/// Each route's ruling is Cedar's, and the document says so. Policies that can never apply are refused.
fn check_policies(choices: &Choices, routes: &[&str], requests: &[(String, Vec<String>)]) {
    let (schema, policies) = (shop::schema(routes), choices.policy_text(routes));
    let sources = [Source { file: "a.cedar", text: &policies }];
    let Ok(parsed) = Policies::parse(Source { file: "a.cedarschema", text: &schema }, &sources) else {
        return;
    };
    let members = choices.members();
    let claims = if choices.is_access { access_claims(NOW) } else { id_claims(NOW) };
    let verified = block_on(verified(&KEY, &merged(claims, &members)));
    let rulings = parsed.decide(verified.claims());
    let expected = shop::oracle(routes, &policies, choices.is_access, &members);
    let found: Vec<(&str, bool)> =
        rulings.iter().map(|(route, ruling)| (route.name(), ruling.is_allowed())).collect();
    for (route, expected) in routes.iter().zip(&expected) {
        assert!(found.contains(&(route, *expected)), "{route} under\n{policies}\nfor {members}: {found:?}");
    }
    check_document(routes, rulings, &expected, requests, &verified);
}

fn check_document(
    routes: &[&str],
    rulings: Arc<Rulings>,
    expected: &[bool],
    requests: &[(String, Vec<String>)],
    token: &VerifiedToken,
) {
    let event = event(Shape::RestToken, "").to_string();
    let event = Event::parse(&event).unwrap();
    let (request, table) = (event.request().unwrap(), rulings.table().clone());
    let decision = Decision::PerRoute(rulings);
    let answer =
        settings().answerer.respond(&request, &request.arn().unwrap(), token.claims(), &decision, None);
    let document = &serde_json::to_value(&answer.response).unwrap()["policyDocument"];
    let is_too_large = answer.denied == Some(DenyReason::AnswerTooLarge);
    let allowed: Vec<&str> =
        routes.iter().zip(expected).filter(|(_, is_allowed)| **is_allowed).map(|(route, _)| *route).collect();
    // One allowed route alone does, unless it has a parameter before a greedy one.
    let opens_only_itself =
        allowed.len() < 2 && !allowed.iter().any(|route| route.contains("}/") && route.ends_with("+}"));
    for (verb, path) in requests {
        let asked = format!("{verb}/{}", path.join("/"));
        let is_allowed = evaluate(document, &format!("{API}/prod/{asked}")) == Verdict::Allow;
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let Some((route, is_ordinary)) = serving_route(routes, verb, &path) else {
            let may_open_more = !opens_only_itself || !table.is_precise();
            assert!(!is_allowed || may_open_more, "{asked} is no route's: {document}");
            continue;
        };
        let served_by = table.serve(&asked).map(|position| table.routes()[position].name());
        assert_eq!(served_by, Some(routes[route]), "{asked} of {routes:?}");
        // Never more than was decided; and less only where a value is another route's text.
        assert!(!is_allowed || expected[route], "{asked} of {routes:?} passes: {document}");
        if is_ordinary && !is_too_large {
            assert_eq!(is_allowed, expected[route], "{asked} of {routes:?}: {document}");
        }
    }
}

impl Choices {
    /// Half of the inputs have none: Cedar takes most of the time.
    fn how_many_policies(&self) -> usize {
        usize::from(self.how_many_policies.saturating_sub(127) % 7)
    }

    fn policy_text(&self, routes: &[&str]) -> String {
        let policy = |choice: &PolicyChoice| {
            let effect = if choice.is_forbid { "forbid" } else { "permit" };
            let chosen = routes.iter().enumerate().filter(|(at, _)| choice.routes >> at & 1 == 1);
            let mut chosen: Vec<&str> = chosen.map(|(_, route)| *route).collect();
            if chosen.is_empty() {
                chosen.push(routes[0]);
            }
            let (principals, conditions) = (shop::principals(), shop::conditions(routes[0]));
            let scope = shop::action_scope(usize::from(choice.scope % 4), &chosen);
            let (principal, condition) =
                (pick(&principals, choice.principal), pick(&conditions, choice.condition));
            format!("{effect} ({principal}, {scope}, resource) {condition};\n")
        };
        self.policies.iter().take(self.how_many_policies()).map(policy).collect()
    }

    /// Members of a token's claims, of the right type, another, or absent.
    fn members(&self) -> Value {
        let [subject, groups, flag, number, level, user] = self.claims;
        let groups = ["a", "b", "c"].into_iter().enumerate().filter(|(at, _)| groups >> at & 1 == 1);
        let groups: Vec<&str> = groups.map(|(_, group)| group).collect();
        json!({
            "sub": pick(&["someone", "other"], subject),
            "cognito:groups": groups,
            "flag": pick(&[Value::Null, json!(true), json!(false), json!("true")], flag),
            "number": pick(&[Value::Null, json!(1), json!(100), json!("1")], number),
            "level": pick(&[Value::Null, json!(1), json!(9), json!(true)], level),
            "username": pick(&[Value::Null, json!("jane")], user),
        })
    }
}

impl PathChoice {
    /// As often as not one of those that overlap: with any route at all, too few do.
    fn route(&self) -> String {
        if self.verb >= 128 {
            return pick(OVERLAPPING, self.verb).to_owned();
        }
        let path = self.path(usize::from(self.length % 5), ROUTE_SEGMENTS);
        let verb = pick(&["get", "get", "post", "any", "delete"], self.verb);
        format!("{verb} /{}", path.join("/"))
    }

    fn request(&self) -> (String, Vec<String>) {
        let path = self.path(usize::from(1 + self.length % 5), REQUEST_SEGMENTS);
        let verb = pick(&["GET", "POST", "PUT", "DELETE", "PATCH"], self.verb);
        (verb.to_owned(), path.iter().copied().map(str::to_owned).collect())
    }

    fn path(&self, length: usize, segments: &[&'static str]) -> Vec<&'static str> {
        self.segments.iter().take(length).map(|choice| pick(segments, *choice)).collect()
    }
}

/// A request to a route, with a verb more, with a segment more, and with one less.
fn requests_like(route: &str) -> Vec<(String, Vec<String>)> {
    let (verb, template) = route.split_once(" /").unwrap_or(("get", "{proxy+}"));
    let fill = |segment: &str| if segment.starts_with('{') { "other".to_owned() } else { segment.to_owned() };
    let path: Vec<String> = template.split('/').map(fill).collect();
    let verb = if verb == "any" { "PATCH".to_owned() } else { verb.to_ascii_uppercase() };
    let longer = [&path[..], &["other".to_owned()]].concat();
    let mut requests = vec![("HEAD".to_owned(), path.clone()), (verb.clone(), path.clone())];
    if !path[0].is_empty() {
        requests.push((verb.clone(), longer));
    }
    if path.len() > 1 {
        requests.push((verb, path[..path.len() - 1].to_vec()));
    }
    requests
}

fn pick<T: Clone>(list: &[T], choice: u8) -> T {
    list[usize::from(choice) % list.len()].clone()
}

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("current", Algorithm::EdDSA));

/// For verdicts that no policy gave.
static READER: LazyLock<Arc<VerifiedToken>> = LazyLock::new(|| block_on(verified(&KEY, &access_claims(NOW))));

const OVERLAPPING: &[&str] = &[
    "get /a",
    "any /a",
    "get /a/b",
    "get /a/{x}",
    "any /a/{x}",
    "get /{x}",
    "get /{x}/b",
    "any /{x}/a",
    "get /a/{x}/b",
    "post /a/{x}/b",
    "get /a/{x}/{y}",
    "get /{proxy+}",
    "any /{proxy+}",
    "get /a/{proxy+}",
    "any /a/b/{proxy+}",
    "$default",
];

/// Doubles make what overlaps more frequent.
const ROUTE_SEGMENTS: &[&str] = &["a", "a", "b", "v1", "a:b", "{x}", "{x}", "{y}", "{proxy+}", "*"];

const REQUEST_SEGMENTS: &[&str] =
    &["a", "a", "b", "v1", "a:b", "other", "*", "${aws:username}", "%61", "x.y"];
