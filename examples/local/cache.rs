//! The answers that API Gateway keeps: each for all requests with the same identity.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>

use std::{collections::HashMap, time::Duration};

use cognito_authorizer::time::UnixTime;
use serde_json::Value;

/// One authorizer's answers, by the values of its identity sources.
#[derive(Debug)]
pub(crate) struct Cache {
    ttl: Duration,
    answers: HashMap<Vec<String>, (UnixTime, Value)>,
}

impl Cache {
    /// One that keeps an answer for so long, and with 0 not at all.
    pub(crate) fn new(ttl: Duration) -> Self {
        Self { ttl, answers: HashMap::new() }
    }

    pub(crate) fn ttl(&self) -> Duration {
        self.ttl
    }

    /// How many answers it keeps, old ones among them.
    pub(crate) fn len(&self) -> usize {
        self.answers.len()
    }

    /// The answer for this identity, if it is young enough.
    pub(crate) fn find(&self, identity: &[String], now: UnixTime) -> Option<Value> {
        let (kept_at, answer) = self.answers.get(identity)?;
        (kept_at.distance(now) < self.ttl).then(|| answer.clone())
    }

    pub(crate) fn keep(&mut self, identity: Vec<String>, answer: &Value, now: UnixTime) {
        if !self.ttl.is_zero() {
            self.answers.retain(|_, (kept_at, _)| kept_at.distance(now) < self.ttl);
            self.answers.insert(identity, (now, answer.clone()));
        }
    }

    pub(crate) fn clear(&mut self) {
        self.answers.clear();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn identity(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    const START: UnixTime = UnixTime::from_secs(1_800_000_000);

    #[test]
    fn an_answer_is_found_by_all_of_its_identity_until_its_time_is_up() {
        let mut cache = Cache::new(Duration::from_secs(300));
        cache.keep(identity(&["token", "GET /a"]), &json!(1), START);
        let find =
            |values: &[&str], after| cache.find(&identity(values), START.plus(Duration::from_secs(after)));
        assert_eq!(find(&["token", "GET /a"], 299), Some(json!(1)));
        assert_eq!(find(&["token", "GET /a"], 300), None);
        assert_eq!(find(&["token", "GET /b"], 0), None);
        assert_eq!(find(&["token"], 0), None);
    }

    #[test]
    fn nothing_is_kept_without_time_or_once_it_is_cleared() {
        let mut cache = Cache::new(Duration::ZERO);
        cache.keep(identity(&["token"]), &json!(1), START);
        assert_eq!((cache.find(&identity(&["token"]), START), cache.len()), (None, 0));
        let mut cache = Cache::new(Duration::from_secs(1));
        cache.keep(identity(&["token"]), &json!(1), START);
        cache.clear();
        assert_eq!(cache.find(&identity(&["token"]), START), None);
    }

    #[test]
    fn what_is_too_old_makes_room() {
        let mut cache = Cache::new(Duration::from_secs(10));
        cache.keep(identity(&["old"]), &json!(1), START);
        cache.keep(identity(&["new"]), &json!(2), START.plus(Duration::from_secs(10)));
        assert_eq!(cache.len(), 1);
    }
}
