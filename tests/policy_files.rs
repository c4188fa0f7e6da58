//! What is said of policies that cannot be used, and where?

#![cfg(feature = "cedar")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use cognito_authorizer::{
    gateway::check_size,
    policy::{Policies, PolicyError, RouteTable, Source},
};

const SCHEMA: &str = include_str!("../layer/policies/orders.cedarschema");
const POLICIES: &str = include_str!("../layer/policies/orders.cedar");
const ALL: &str = "permit (principal, action, resource);";

/// A folder that is removed when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        for (name, text) in files {
            fs::write(path.join(name), text).unwrap();
        }
        Self(path)
    }

    /// What is said of it, with its own name left out.
    fn problems(&self) -> Vec<String> {
        let problems = Policies::read(&self.0).map(drop).unwrap_err().0;
        let name = format!("{}: ", self.0.display());
        problems.iter().map(|problem| problem.to_string().replacen(&name, "", 1)).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn problems(schema: &str, policies: &str) -> String {
    let schema = Source { file: "test.cedarschema", text: schema };
    let policies = Source { file: "test.cedar", text: policies };
    Policies::parse(schema, &[policies]).map(drop).unwrap_err().to_string()
}

#[test]
fn every_cedar_file_of_a_folder_counts_and_its_one_schema() {
    for schema in ["orders.cedarschema", "schema.json"] {
        let json =
            cedar_policy::SchemaFragment::from_cedarschema_str(SCHEMA).unwrap().0.to_json_string().unwrap();
        let text = if schema.ends_with("json") { json.as_str() } else { SCHEMA };
        let files = [
            (schema, text),
            ("a.cedar", POLICIES),
            ("b.CEDAR", "forbid (principal, action, resource);"),
            ("notes.txt", "not a policy"),
            ("._a.cedar", "not a policy, and left by macOS"),
        ];
        let policies = Policies::read(&Folder::with(&files).0).unwrap();
        assert_eq!(policies.routes().routes().len(), 6, "{schema}");
    }
    assert!(Policies::read(Path::new("layer/policies")).is_ok());
}

#[test]
fn a_folder_that_is_not_one_of_policies_is_refused_with_the_remedy() {
    let (schema, policies) = (("s.cedarschema", SCHEMA), ("a.cedar", POLICIES));
    for (files, expected) in [
        (&[][..], "must hold one schema, *.cedarschema or *.json, and holds none"),
        (&[policies], "must hold one schema, *.cedarschema or *.json, and holds none"),
        (&[schema], "holds no policy in a *.cedar file: without policies every route is denied"),
        (
            &[schema, ("t.json", "{}"), policies],
            "must hold one schema, *.cedarschema or *.json, and holds s.cedarschema, t.json",
        ),
    ] {
        assert_eq!(Folder::with(files).problems(), [expected]);
    }
    let nested = Folder::with(&[schema, policies]);
    fs::create_dir(nested.0.join("more")).unwrap();
    assert_eq!(
        nested.problems(),
        ["more: is a folder: put policies beside the schema, and other files elsewhere"]
    );
    let missing = Policies::read(Path::new("no/such/folder")).unwrap_err().to_string();
    assert_eq!(missing, "folder: cannot be read: entity not found");
    let not_text = Folder::with(&[schema]);
    fs::write(not_text.0.join("a.cedar"), [0xFF, 0xFE]).unwrap();
    assert_eq!(not_text.problems(), ["a.cedar: cannot be read: invalid data"]);
}

#[test]
fn what_is_wrong_with_a_policy_is_said_with_its_file_and_line() {
    let with =
        |condition: &str| format!("{ALL}\n\npermit (principal, action, resource)\nwhen {{ {condition} }};");
    for (policies, expected) in [
        ("permit (principal".to_owned(), "test.cedar:1: not a policy: unexpected end of input"),
        (format!("{ALL}\n// a note\npermit (principal, action);"), "test.cedar:3: not a policy: "),
        (format!("{ALL}\nallow (principal, action, resource);"), "test.cedar:2: not a policy: "),
        (with("principal.email == 1"), "test.cedar:4: does not fit the schema: "),
        (with("context.token.admin"), "test.cedar:4: does not fit the schema: "),
        (
            format!("{ALL}\npermit (principal, action == Shop::Action::\"get /order\", resource);"),
            "test.cedar:2: does not fit the schema: ",
        ),
        (
            format!("{ALL}\n\npermit (principal == ?principal, action, resource);"),
            "test.cedar:3: a template decides nothing by itself",
        ),
        (
            format!("@id(\"one\")\n{ALL}\n@id(\"one\")\n{ALL}"),
            "test.cedar:3: policy one has the same @id as another",
        ),
        (
            with("context has token && context.token has admn"),
            "test.cedar:3: policy test.cedar:3 can never apply",
        ),
        (with("false"), "test.cedar:3: policy test.cedar:3 can never apply"),
        ("// nothing yet".to_owned(), "test.cedar: holds no policy in a *.cedar file"),
        (
            "@id(\"f\") forbid (principal in Shop::UserGroup::\"suspended\", action, resource);".to_owned(),
            "test.cedar:1: policy f names Shop::UserGroup::\"suspended\", which is nobody",
        ),
        (
            format!("{ALL} forbid (principal, action, resource == Shop::Application::\"Shopp\");"),
            "test.cedar:1: policy test.cedar:1:39 names Shop::Application::\"Shopp\", which is nobody",
        ),
    ] {
        let found = problems(SCHEMA, &policies);
        assert!(found.starts_with(expected), "{found:?} does not begin with {expected:?}");
    }
}

#[test]
fn each_policy_that_does_not_fit_is_reported_once() {
    let bad = "permit (principal, action, resource) when { context.token.admin == \"x\" };";
    let found = problems(SCHEMA, &format!("{bad}\n{ALL}\n{bad}"));
    let places: Vec<&str> = found.lines().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(places, ["test.cedar:1", "test.cedar:3"], "{found}");
}

#[test]
fn every_problem_of_every_file_is_reported_at_once() {
    let folder = Folder::with(&[
        ("s.cedarschema", SCHEMA),
        ("a.cedar", "permit (principal"),
        ("b.cedar", &format!("{ALL}\nforbid (principal, action, who);\npermit (principal);")),
        ("c.cedar", ALL),
    ]);
    let places: Vec<String> = folder.problems().iter().map(|text| text.chars().take(9).collect()).collect();
    assert_eq!(places[0], "a.cedar:1");
    assert!(places[1..].iter().all(|place| place.starts_with("b.cedar:")), "{places:?}");
}

#[test]
fn what_is_wrong_with_a_schema_is_said_with_its_file_and_line() {
    let with = |from: &str, to: &str| SCHEMA.replace(from, to);
    for (schema, expected) in [
        ("namespace Shop {".to_owned(), "test.cedarschema:1: the schema is not valid: "),
        (
            with("entity UserGroup;", "entity UserGroup in [Nobody];"),
            "test.cedarschema:7: the schema is not valid: ",
        ),
        ("{ \"Shop\": 1 }".to_owned(), "test.cedarschema: the schema is not valid: "),
        (with("Application", "App"), "test.cedarschema: the schema must have one namespace"),
        (
            "namespace Shop { entity User in [UserGroup]; entity UserGroup; entity Application; }".to_owned(),
            "test.cedarschema: the schema declares no action",
        ),
        (
            format!("{SCHEMA}\nnamespace Other {{ entity Thing; }}"),
            "test.cedarschema: the schema must have one namespace",
        ),
        (
            with("\"get /orders\",", "\"GET /orders\","),
            "test.cedarschema:18: the schema's actions must be the api's routes: GET /orders: must be a",
        ),
        (
            with("\"get /orders\",", "\"listOrders\","),
            "test.cedarschema:18: the schema's actions must be the api's routes: listOrders: must be a",
        ),
        (
            with("\"post /orders\"", "\"any /{proxy+}\""),
            "test.cedarschema:18: the schema's actions must be the api's routes: iam cannot deny any /{proxy+}",
        ),
        (
            with("\"post /orders\"", "\"get /orders/{order}\""),
            "test.cedarschema:18: the schema's actions must be the api's routes: get /orders/{id} and",
        ),
        (with("suspended?: Bool", "suspended?: ipaddr"), "test.cedarschema:14: claim suspended must be"),
        (
            with("resource: [Application]", "resource: [UserGroup]"),
            "test.cedarschema:19: action $connect must apply to principals of type User",
        ),
    ] {
        let found = problems(&schema, ALL);
        assert!(found.starts_with(expected), "{found:?} does not begin with {expected:?}");
    }
}

#[test]
fn a_policy_that_reads_what_differs_from_request_to_request_is_refused() {
    let schema = SCHEMA.replace(
        "{ token?: Claims }",
        "{ token?: Claims, pathParameters?: { id: String }, queryStringParameters?: {} }",
    );
    for condition in [
        "context has pathParameters && context.pathParameters.id == \"1\"",
        "context has queryStringParameters",
        "context == context",
        "[context].isEmpty()",
        "(if context has token then context else context).token.admin",
    ] {
        let text = format!("@id(\"reads\") permit (principal, action, resource) when {{ {condition} }};");
        let found = problems(&schema, &text);
        let expected = "test.cedar:1: policy reads reads more of the context than context.token: ";
        assert!(found.starts_with(expected), "{condition}: {found}");
    }
    let schema = Source { file: "test.cedarschema", text: &schema };
    for condition in [
        "context has token",
        "context has token.admin && context.token.admin",
        "context has token && context[\"token\"] has admin",
        "context has token && \"context\" like \"*\"",
    ] {
        let text = format!("permit (principal, action, resource) when {{ {condition} }};");
        let parsed = Policies::parse(schema, &[Source { file: "test.cedar", text: &text }]);
        assert_eq!(parsed.map(drop), Ok(()), "{condition}");
    }
}

#[test]
fn more_routes_than_a_document_holds_are_refused_by_name() {
    let table = |count: usize| {
        let names: Vec<String> = (0..count).map(|number| format!("get /resource-{number:03}")).collect();
        RouteTable::new(names.iter().map(String::as_str)).unwrap()
    };
    assert_eq!(check_size(&table(60)), Ok(()));
    let error = check_size(&table(72)).unwrap_err().to_string();
    assert!(error.contains("leave out or merge get /resource-070, get /resource-071, or"), "{error}");
}

fn load_error(folder: &Folder) -> PolicyError {
    Policies::load(&folder.0).map(drop).unwrap_err().0.remove(0).error
}

#[test]
fn checked_policies_are_read_as_long_as_nothing_has_changed_since() {
    let files = [("s.cedarschema", SCHEMA), ("a.cedar", POLICIES), ("b.cedar", ALL)];
    let folder = Folder::with(&files);
    let (_, checked) = Policies::check(&folder.0).unwrap();
    let path = folder.0.join("checked.json");
    fs::write(&path, &checked).unwrap();
    assert_eq!(Policies::load(&folder.0).unwrap().routes().routes().len(), 6);

    for (file, text) in [
        ("s.cedarschema", SCHEMA.replace("admin?: Bool", "admin?: String")),
        ("a.cedar", POLICIES.replace("readers", "writers")),
        ("b.cedar", ALL.replace("permit", "forbid")),
        ("c.cedar", ALL.to_owned()),
        ("checked.json", checked.replace("\"permit\"", "\"forbid\"")),
        ("checked.json", checked.trim_end_matches('}').to_owned()),
        ("checked.json", "{}".to_owned()),
        ("checked.json", String::new()),
    ] {
        let before = fs::read(folder.0.join(file)).ok();
        fs::write(folder.0.join(file), text).unwrap();
        assert_eq!(load_error(&folder), PolicyError::Unsealed, "{file}");
        match before {
            Some(before) => fs::write(folder.0.join(file), before).unwrap(),
            None => fs::remove_file(folder.0.join(file)).unwrap(),
        }
        assert!(Policies::load(&folder.0).is_ok(), "{file} is as it was");
    }
    fs::rename(folder.0.join("b.cedar"), folder.0.join("d.cedar")).unwrap();
    assert_eq!(load_error(&folder), PolicyError::Unsealed, "renamed");
    fs::remove_file(folder.0.join("d.cedar")).unwrap();
    assert_eq!(load_error(&folder), PolicyError::Unsealed, "removed");
    fs::remove_file(&path).unwrap();
    assert_eq!(Policies::load(&folder.0).is_ok(), cfg!(feature = "cedar-text"), "not checked");
}

#[test]
fn what_is_wrong_is_found_by_the_check_and_nothing_is_sealed() {
    let folder = Folder::with(&[("s.cedarschema", SCHEMA), ("a.cedar", "permit (principal")]);
    let found = Policies::check(&folder.0).map(drop).unwrap_err().to_string();
    assert!(found.starts_with("a.cedar:1: not a policy: "), "{found}");
}

#[test]
fn the_example_is_checked_as_it_stands() {
    assert!(Path::new("layer/policies/checked.json").exists());
    let error = Policies::load(Path::new("layer/policies")).map(drop).err();
    assert_eq!(error, None, "run `cargo run --example check -- layer/policies`");
}
