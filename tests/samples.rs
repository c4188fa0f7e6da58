//! The sample events that people try first.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]

use std::{collections::HashMap, ffi::OsString, fs::read_to_string};

use cognito_authorizer::{
    authorizer::{Authorizer, Outcome, Record},
    config::Config,
    gateway::Shape,
    testing::{NOW, Provider},
    time::UnixTime,
};

#[tokio::test]
async fn every_sample_event_is_allowed_with_the_sample_settings_and_no_network() {
    let text = read_to_string("events/settings.env").unwrap();
    let settings: HashMap<&str, &str> = text.lines().map(|line| line.split_once('=').unwrap()).collect();
    let now = UnixTime::from_secs(NOW);
    for shape in Shape::ALL {
        let config = Config::read(&|name| settings.get(name).map(OsString::from)).unwrap();
        let provider = Provider::default();
        let authorizer = Authorizer::new(config.authorizer, provider.clone(), now);
        let event = read_to_string(format!("events/{}.json", shape.name())).unwrap();
        let mut record = Record::default();
        assert!(authorizer.authorize(&event, now, &mut record).await.is_ok(), "{shape:?}");
        assert_eq!((record.shape, record.outcome), (Some(shape), Some(Outcome::Allow)));
        assert_eq!(provider.requests(), Vec::<String>::new());
    }
}

#[test]
fn no_private_key_is_among_the_samples() {
    for entry in std::fs::read_dir("events").unwrap() {
        let text = read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains("PRIVATE KEY") && !text.contains("\"d\":") && !text.contains("\"p\":"));
    }
}
