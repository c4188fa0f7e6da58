//! Whatever callers and providers send is marked, and no mark is ever printed.

use std::collections::{BTreeSet, HashSet};

use super::{
    marks::{PROVIDER, Place, REQUEST, TOKEN, events, mark, marked, marked_event, provider_answers, tokens},
    *,
};

/// So short a piece of a secret would help nobody, and could stand in a line by chance: 16^8 to one.
pub(crate) const PIECE: usize = 8;

fn holds_piece(text: &str, secret: &str) -> bool {
    secret.as_bytes().windows(PIECE).any(|piece| text.contains(str::from_utf8(piece).unwrap()))
}

/// What came of one function that was asked with all of that.
struct Provoked {
    answers: String,
    /// The answers to tokens that are refused, which may hold no claim either.
    refusals: String,
    printed: String,
    /// What clients saw, by what each event held.
    seen: BTreeSet<(&'static str, u16)>,
}

async fn provoke(settings: &[(&str, &str)], place: Place) -> Provoked {
    let issuer = Issuer::start(&[&KEY]).await.unwrap();
    issuer.respond(provider_answers().swap_remove(0));
    let function = start_for(&issuer, &[settings, &[("JWKS_COOLDOWN_SECONDS", "1")]].concat()).await;
    let (mut answers, mut refusals) = (String::new(), String::new());
    let (mut printed, mut seen) = (String::new(), BTreeSet::new());
    let (mut last, tokens) = (String::new(), tokens());
    for (held, event) in events(&tokens, place) {
        let answer = function.invoke(event.as_str()).await;
        let event = serde_json::from_str(&event).unwrap_or_default();
        seen.insert((held, client_status(&event, &answer.outcome)));
        match answer.outcome {
            Ok(answer) if held == "bad" => refusals.push_str(&answer.to_string()),
            Ok(answer) => answers.push_str(&answer.to_string()),
            Err(error) => printed.push_str(&error.to_string()),
        }
        last = answer.request_id;
    }
    // An error's, which every level but one prints: the log is whole once it is there.
    let is_printed = function.log_line(&last).await.is_some();
    assert_eq!(is_printed, !settings.contains(&("AWS_LAMBDA_LOG_LEVEL", "FATAL")), "{settings:?}");
    printed.push_str(&function.log.lines().concat());
    assert_holds_no_piece(&(printed.clone() + &refusals), &tokens);
    Provoked { answers, refusals, printed, seen }
}

/// Of any part of any token: inside of one, marks are base64url.
fn assert_holds_no_piece(printed: &str, tokens: &[(&str, String)]) {
    let pieces: HashSet<&[u8]> = printed.as_bytes().windows(PIECE).collect();
    let mut parts = tokens.iter().flat_map(|(_, token)| token.split('.'));
    let found = parts.any(|part| part.as_bytes().windows(PIECE).any(|piece| pieces.contains(piece)));
    assert!(!found, "what is printed holds a piece of a token");
}

/// Everything that functions print and answer while their provider says such things.
async fn provoke_by_provider() -> (String, String) {
    let (mut answers, mut printed) = (String::new(), String::new());
    for response in provider_answers() {
        let issuer = Issuer::start(&[]).await.unwrap();
        issuer.respond(response);
        let function =
            start_for(&issuer, &[("AWS_LAMBDA_LOG_LEVEL", "TRACE"), ("JWKS_TIMEOUT_MS", "300")]).await;
        for key in [&KEY, &NEXT_KEY] {
            let token = key.token(&marked(access_claims(UnixTime::now().as_secs())));
            let event = marked_event(Shape::HttpV2, Place::Header, &token);
            let answer = function.invoke(event.to_string()).await;
            function.log_line(&answer.request_id).await.unwrap();
            match answer.outcome {
                Ok(answer) => answers.push_str(&answer.to_string()),
                Err(error) => printed.push_str(&error.to_string()),
            }
        }
        printed.push_str(&function.log.lines().concat());
    }
    (answers, printed)
}

fn assert_holds_none(text: &str, what: &str, places: &[&str]) {
    assert!(!text.is_empty(), "{what} was not seen");
    let found: Vec<_> = places.iter().filter(|place| holds_piece(text, &mark(place))).collect();
    assert!(found.is_empty(), "{what} holds a piece of {found:?}");
    // Base64url of `{"alg"` and `{"kid"`: how every token begins.
    assert!(!text.contains("eyJhbGci") && !text.contains("eyJraWQi"), "{what} holds a token");
}

#[tokio::test]
async fn no_level_and_no_format_prints_a_piece_of_what_callers_or_providers_send() {
    let mut levels = JoinSet::new();
    for level in ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"] {
        for format in ["JSON", "Text"] {
            levels.spawn(try_level(level, format));
        }
    }
    levels.join_all().await;
}

async fn try_level(level: &'static str, format: &'static str) {
    let settings = [
        ("AWS_LAMBDA_LOG_LEVEL", level),
        ("AWS_LAMBDA_LOG_FORMAT", format),
        ("RUST_LOG", "trace"),
        ("RUST_BACKTRACE", "full"),
    ];
    let Provoked { answers, printed, .. } = provoke(&settings, Place::Header).await;
    let secret = [&REQUEST[..], &TOKEN, &PROVIDER].concat();
    assert_holds_none(&printed, &format!("what is printed at {level} in {format}"), &secret);
    assert_holds_none(&answers, "an answer", &[&REQUEST[..], &PROVIDER].concat());
    if level == "TRACE" {
        let outcomes = ["allow", "unauthorized", "error"].map(|it| format!("\"outcome\":\"{it}\""));
        let told = [&outcomes[..], &["\"left_out_claims\":[\"custom:large\"]".to_owned()]].concat();
        assert!(told.iter().all(|text| printed.contains(text)), "{printed}");
    }
}

/// Settings, where the token stands, and what clients see of good, id and bad tokens. What is no event is a 500.
type Setting<'s> = (&'s [(&'s str, &'s str)], Place, [u16; 3]);

#[tokio::test]
async fn no_setting_lets_a_piece_of_them_be_printed() {
    let secret = [&REQUEST[..], &TOKEN, &PROVIDER].concat();
    let policies = concat!(env!("CARGO_MANIFEST_DIR"), "/layer/policies");
    let everywhere = ("TOKEN_SOURCE", "header:authorization,cookie:session,query:q");
    let rows: [Setting; 10] = [
        (&[("REFUSAL", "deny"), ("RESPONSE_FORMAT", "simple")], Place::Header, [200, 403, 403]),
        (&[("POLICIES", policies), ("TOKEN_USE", "any")], Place::Header, [200, 200, 401]),
        (&[("REQUIRED_SCOPES", "a"), ("REQUIRED_GROUPS", "a")], Place::Header, [403, 401, 401]),
        (&[everywhere, ("TOKEN_CACHE_SIZE", "0")], Place::Header, [200, 401, 401]),
        (&[everywhere], Place::Cookie, [200, 401, 401]),
        (&[("TOKEN_SOURCE", "header:authorization,query:q")], Place::Query, [200, 401, 401]),
        (&[("TOKEN_SOURCE", "cookie:session"), ("REFUSAL", "deny")], Place::Cookie, [200, 403, 403]),
        (&[("TOKEN_SOURCE", "query:q"), ("TOKEN_USE", "id")], Place::Query, [401, 200, 401]),
        (
            &[("USAGE_IDENTIFIER_KEY_CLAIM", "jti"), ("PRINCIPAL_ID_CLAIM", "email")],
            Place::Header,
            [200, 401, 401],
        ),
        (
            &[("AWS_LAMBDA_MAX_CONCURRENCY", "4"), ("METRICS_NAMESPACE", "Orders")],
            Place::Header,
            [200, 401, 401],
        ),
    ];
    // A build without rules per route refuses the setting.
    let is_built = |(settings, ..): &Setting| cfg!(feature = "cedar") || settings[0].0 != "POLICIES";
    for (settings, place, [good, id, bad]) in rows.into_iter().filter(is_built) {
        let all = [settings, &[("AWS_LAMBDA_LOG_LEVEL", "TRACE")]].concat();
        let Provoked { answers, refusals, printed, seen } = provoke(&all, place).await;
        let expected = [("good", good), ("id", id), ("bad", bad), ("no event", 500)];
        assert_eq!(seen, BTreeSet::from(expected), "{settings:?} {place:?}");
        assert_holds_none(&printed, &format!("what is printed with {settings:?}"), &secret);
        assert_holds_none(
            &answers,
            &format!("an answer with {settings:?}"),
            &[&REQUEST[..], &PROVIDER].concat(),
        );
        if settings.contains(&("REFUSAL", "deny")) {
            assert_holds_none(&refusals, &format!("a refusal with {settings:?}"), &secret);
        } else {
            assert_eq!(refusals, "", "{settings:?}");
        }
    }
}

#[tokio::test]
async fn nothing_that_a_provider_says_is_printed_or_answered() {
    let (answers, printed) = provoke_by_provider().await;
    assert_holds_none(&printed, "what is printed", &[&REQUEST[..], &TOKEN, &PROVIDER].concat());
    assert_holds_none(&answers, "an answer", &[&REQUEST[..], &PROVIDER].concat());
}
