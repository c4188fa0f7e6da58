//! The pipeline: an event becomes a request, its token becomes claims, claims become a decision about every
//! route, the decision becomes an answer.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use thiserror::Error;

use crate::{
    gateway::{
        Answer, Answerer, Event, EventError, ExecuteApiArn, KeptAnswer, Refusal, Request, Response, Shape,
        TokenSource,
    },
    policy::{Decision, DenyReason, Failure, Route, Rules, Ruling, Rulings},
    time::UnixTime,
    token::{FetchError, FetchJwks, TokenError, Trace, Verifier, VerifierSettings, VerifyError},
};

/// Everything an [`Authorizer`] is made of.
#[derive(Debug)]
pub struct AuthorizerSettings {
    /// Whose tokens are accepted.
    pub verifier: VerifierSettings,
    /// Where a token may stand, in the order in which the places are looked at.
    pub token_sources: Vec<TokenSource>,
    /// What decides about a good token.
    pub rules: Rules,
    /// How answers are written.
    pub answerer: Answerer,
    /// What a bad token gets.
    pub refusal: Refusal,
}

/// Answers authorizer events. Made once, used for every invocation.
#[derive(Debug)]
pub struct Authorizer<F> {
    verifier: Verifier<F, Kept>,
    token_sources: Vec<TokenSource>,
    rules: Rules,
    answerer: Answerer,
    refusal: Refusal,
}

/// What is kept beside a remembered token.
#[derive(Debug)]
pub struct Kept {
    decision: Decision,
    answer: KeptAnswer,
}

/// Why there is no answer: the caller's fault or ours, and nothing between.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Error {
    /// A 401. Displays as the exact text that API Gateway looks for.
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html>
    #[error("Unauthorized")]
    Unauthorized(TokenError),
    /// A 500.
    #[error("{0}")]
    Internal(Fault),
}

/// What went wrong on our side. Displays without anything from the event.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Fault {
    /// The event is not one that API Gateway sends.
    #[error("{0}")]
    Event(#[from] EventError),
    /// No usable keys, and none could be fetched.
    #[error("no usable keys for the token's issuer")]
    KeysUnavailable(Option<FetchError>),
    /// A bug: serving the event panicked.
    #[error("serving the event failed")]
    Panic,
}

impl Fault {
    /// The fixed word for logs and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Event(_) => "broken_event",
            Self::KeysUnavailable(_) => "keys_unavailable",
            Self::Panic => "panic",
        }
    }
}

/// What is known of one invocation, for its log line. Holds names from the configuration, from key sets and
/// from API Gateway, and of the token only the verified `sub`.
#[derive(Debug, Default)]
pub struct Record {
    /// How it ended; `None` until then.
    pub outcome: Option<Outcome>,
    /// The kind of API that asked.
    pub shape: Option<Shape>,
    /// The API's id.
    pub api: Option<String>,
    /// The stage.
    pub stage: Option<String>,
    /// The matched route, as a template.
    pub route: Option<String>,
    /// What the verification touched.
    pub trace: Trace,
    /// `sub`, once verified.
    pub subject: Option<String>,
    /// What policies say, where they decide.
    pub rulings: Option<Arc<Rulings>>,
    /// The position in them of the route that was asked for.
    pub ruled_route: Option<usize>,
    /// Names of claims that did not fit into the answer.
    pub left_out_claims: Vec<String>,
}

/// How an invocation ended, as the client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 2xx.
    Allow,
    /// 403, for a good token.
    Deny(DenyReason),
    /// 403, for a bad token, where refusals are denials.
    Refuse(TokenError),
    /// 401.
    Unauthorized(TokenError),
    /// 500.
    Error(Fault),
}

impl<F: FetchJwks> Authorizer<F> {
    /// Builds the authorizer. Key files count as fetched at `now`.
    pub fn new(settings: AuthorizerSettings, fetch: F, now: UnixTime) -> Self {
        Self {
            verifier: Verifier::new(settings.verifier, fetch, now),
            token_sources: settings.token_sources,
            rules: settings.rules,
            answerer: settings.answerer,
            refusal: settings.refusal,
        }
    }

    /// The verifier, to warm its keys up before the first event.
    pub fn verifier(&self) -> &Verifier<F, Kept> {
        &self.verifier
    }

    /// Answers `event`, API Gateway's JSON text, at `now`; fills in `record`. Whatever the event holds, this
    /// gives an answer or an [`enum@Error`]: a panic below is an error too.
    pub async fn authorize(
        &self,
        event: &str,
        now: UnixTime,
        record: &mut Record,
    ) -> Result<Response, Error> {
        let answer = match catch_panic(self.answer(event, now, record)).await {
            Some(answer) => answer,
            None => Err(Fault::Panic.into()),
        };
        record.outcome = Some(match &answer {
            Ok((_, outcome)) => *outcome,
            Err(Error::Unauthorized(error)) => Outcome::Unauthorized(*error),
            Err(Error::Internal(fault)) => Outcome::Error(*fault),
        });
        answer.map(|(response, _)| response)
    }

    async fn answer(
        &self,
        event: &str,
        now: UnixTime,
        record: &mut Record,
    ) -> Result<(Response, Outcome), Error> {
        let event = Event::parse(event)?;
        let request = event.request()?;
        let arn = request.arn()?;
        record.note_request(&request, &arn);

        let token = match request.credentials(&self.token_sources) {
            Ok(token) => token,
            Err(error) => return self.refuse(&request, &arn, error),
        };
        let verified = match self.verifier.verify(&token, now, &mut record.trace).await {
            Ok(verified) => verified,
            Err(VerifyError::Token(error)) => return self.refuse(&request, &arn, error),
            Err(VerifyError::KeysUnavailable(failure)) => return Err(Fault::KeysUnavailable(failure).into()),
        };
        let claims = verified.claims();
        record.subject = Some(claims.subject().to_owned());

        let Kept { decision, answer } = verified
            .keep(|claims| Kept { decision: self.rules.decide(claims), answer: KeptAnswer::default() });
        // Most tokens come once in a while, since API Gateway keeps answers too: those that come back are worth it.
        let kept = record.trace.remembered.then_some(answer);
        let answer = self.answerer.respond(&request, &arn, claims, decision, kept);
        record.note_decision(decision, &answer);
        let outcome = answer.denied.map_or(Outcome::Allow, Outcome::Deny);
        Ok((answer.response, outcome))
    }

    fn refuse(
        &self,
        request: &Request<'_>,
        arn: &ExecuteApiArn<'_>,
        error: TokenError,
    ) -> Result<(Response, Outcome), Error> {
        match self.refusal {
            Refusal::Unauthorized => Err(Error::Unauthorized(error)),
            Refusal::Deny => Ok((self.answerer.refuse(request.shape(), arn, error), Outcome::Refuse(error))),
        }
    }
}

impl Record {
    fn note_request(&mut self, request: &Request<'_>, arn: &ExecuteApiArn<'_>) {
        self.shape = Some(request.shape());
        self.api = Some(arn.api().to_owned());
        self.stage = Some(arn.stage().to_owned());
        self.route = request.route();
    }

    fn note_decision(&mut self, decision: &Decision, answer: &Answer) {
        self.left_out_claims.clone_from(&answer.left_out_claims);
        if let Decision::PerRoute(rulings) = decision {
            self.rulings = Some(Arc::clone(rulings));
            self.ruled_route = answer.route;
        }
    }

    /// Policies that failed to evaluate, whichever route they are about.
    pub fn failed_policies(&self) -> &[Failure] {
        self.rulings.as_ref().map_or(&[], |rulings| rulings.failures())
    }

    /// The route that was asked for, as policies name it, and their ruling on it.
    pub fn ruling(&self) -> Option<(&Route, &Ruling)> {
        self.rulings.as_ref()?.at(self.ruled_route?)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Internal(fault)
    }
}

impl From<EventError> for Error {
    fn from(error: EventError) -> Self {
        Self::Internal(Fault::Event(error))
    }
}

/// Runs a future to its end, or to a panic: `None`. `lambda_runtime` would answer a panic with its message,
/// which may quote what was being parsed.
async fn catch_panic<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(value)) => Poll::Ready(Some(value)),
        Err(_) => Poll::Ready(None),
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_while_serving_ends_as_no_value_and_not_as_an_unwinding_process() {
        assert_eq!(catch_panic(async { 1 }).await, Some(1));
        let panicking = async {
            tokio::task::yield_now().await;
            assert_eq!(1, 2, "on purpose");
        };
        assert_eq!(catch_panic(panicking).await, None);
    }

    #[test]
    fn only_the_exact_word_that_api_gateway_knows_is_shown_for_a_bad_token() {
        assert_eq!(Error::Unauthorized(TokenError::Expired).to_string(), "Unauthorized");
        assert_eq!(Error::Internal(Fault::Panic).to_string(), "serving the event failed");
    }
}
