//! A key server in memory, which does as it is told and counts.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;

use crate::token::{FetchError, FetchJwks, JwksUrl};

/// An identity provider's key endpoints. Clones share one state.
#[derive(Clone, Debug, Default)]
pub struct Provider(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    replies: HashMap<String, Reply>,
    requests: Vec<String>,
}

/// What an address answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// This body, with status 200.
    Body(Vec<u8>),
    /// This failure.
    Fail(FetchError),
    /// This body, after this time.
    After(Duration, Vec<u8>),
    /// This failure, after this time.
    FailAfter(Duration, FetchError),
    /// Nothing, ever.
    Hang,
}

impl Provider {
    /// A provider with one key set at one address.
    pub fn with(url: &str, set: &Value) -> Self {
        let provider = Self::default();
        provider.publish(url, set);
        provider
    }

    /// Answers with a key set from now on.
    pub fn publish(&self, url: &str, set: &Value) {
        self.reply(url, Reply::Body(set.to_string().into_bytes()));
    }

    /// Answers so from now on.
    pub fn reply(&self, url: &str, reply: Reply) {
        self.0.lock().unwrap().replies.insert(url.to_owned(), reply);
    }

    /// The addresses asked so far, in order.
    pub fn requests(&self) -> Vec<String> {
        self.0.lock().unwrap().requests.clone()
    }
}

impl FetchJwks for Provider {
    async fn fetch(&self, url: &JwksUrl) -> Result<Vec<u8>, FetchError> {
        let reply = {
            let mut state = self.0.lock().unwrap();
            state.requests.push(url.as_str().to_owned());
            state.replies.get(url.as_str()).cloned()
        };
        // A real fetch never answers at once: others get their turn.
        tokio::task::yield_now().await;
        match reply {
            Some(Reply::Body(body)) => Ok(body),
            Some(Reply::Fail(error)) => Err(error),
            Some(Reply::After(time, body)) => {
                tokio::time::sleep(time).await;
                Ok(body)
            }
            Some(Reply::FailAfter(time, error)) => {
                tokio::time::sleep(time).await;
                Err(error)
            }
            Some(Reply::Hang) => std::future::pending().await,
            None => Err(FetchError::Unreachable),
        }
    }
}
