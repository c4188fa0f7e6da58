//! One request's way through the gateway: its route, its authorizer, its backend.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    body::Bytes,
    http::{Response, StatusCode},
};
use cognito_authorizer::{
    testing::Verdict,
    time::{Stopwatch, UnixTime},
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    api::{Api, Form},
    backend::{Upstream, echo},
    cache::Cache,
    context::{hand_on, mapped},
    events::{Occasion, add_identity, describe, integration_event, request_context, requested_arn},
    functions::Functions,
    gateway::{Failure, judge, read_answer},
    identity::{IdentitySource, identify},
    reply::Refusal,
    request::ClientRequest,
    routes::{Match, RouteTable},
    runtime_api::{Answer, Function, Outcome},
};

/// API Gateway, as every kind of API at once.
pub(crate) struct Gateway {
    pub(crate) routes: RouteTable,
    pub(crate) authorizers: Vec<Authorizer>,
    pub(crate) functions: Functions,
    pub(crate) upstream: Option<Upstream>,
    pub(crate) requests: AtomicUsize,
}

/// One kind of API's authorizer.
pub(crate) struct Authorizer {
    pub(crate) api: Api,
    pub(crate) sources: Vec<IdentitySource>,
    pub(crate) cache: Mutex<Cache>,
}

/// What came of one request.
pub(crate) struct Exchange {
    pub(crate) route: Option<String>,
    /// Nothing where no authorizer was needed.
    pub(crate) authorization: Option<Authorization>,
    pub(crate) response: Response<Bytes>,
    /// Whether the response is the backend's own.
    pub(crate) is_from_backend: bool,
    pub(crate) decided: String,
    pub(crate) occasion: Occasion,
    pub(crate) took: Duration,
}

/// What came of the authorizer's part.
#[derive(Default)]
pub(crate) struct Authorization {
    /// Whether the outcome is one that the cache kept.
    pub(crate) is_kept: bool,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) invocation: Option<Invocation>,
    refusal: Option<Refusal>,
    decided: String,
}

/// The function, asked.
pub(crate) struct Invocation {
    pub(crate) function: Arc<Function>,
    pub(crate) event: Value,
    pub(crate) request_id: String,
    pub(crate) took: Duration,
}

impl Gateway {
    pub(crate) async fn exchange(&self, api: Api, request: &ClientRequest) -> Exchange {
        let stopwatch = Stopwatch::start();
        let occasion =
            Occasion { at: UnixTime::now(), number: self.requests.fetch_add(1, Ordering::Relaxed) };
        let Some(served) = self.routes.find(api, &request.method, &request.path) else {
            let response = Refusal::NoRoute.reply(api);
            let decided = Refusal::NoRoute.explain().to_owned();
            return Exchange {
                route: None,
                authorization: None,
                response,
                is_from_backend: false,
                decided,
                occasion,
                took: stopwatch.elapsed(),
            };
        };
        let authorization = if served.route.is_public {
            None
        } else {
            Some(self.authorize(api, request, &served, occasion).await)
        };
        let refusal = authorization.as_ref().and_then(|authorization| authorization.refusal);
        let reached = match refusal {
            Some(refusal) => Err(refusal),
            None => self.reach_backend(api, request, &served, occasion, authorization.as_ref()).await,
        };
        let is_from_backend = reached.is_ok();
        let decided = match (&reached, refusal, &authorization) {
            (Err(failure), None, _) => failure.explain(),
            (_, _, Some(authorization)) => &authorization.decided,
            (_, _, None) => "the route is public",
        };
        let decided = decided.to_owned();
        Exchange {
            route: Some(served.route.key),
            authorization,
            response: reached.unwrap_or_else(|refusal| refusal.reply(api)),
            is_from_backend,
            decided,
            occasion,
            took: stopwatch.elapsed(),
        }
    }

    pub(crate) fn authorizer(&self, api: Api) -> &Authorizer {
        self.authorizers.iter().find(|authorizer| authorizer.api == api).unwrap()
    }

    pub(crate) fn clear_caches(&self) {
        let caches = self.authorizers.iter().map(|authorizer| &authorizer.cache);
        caches.for_each(|cache| cache.lock().unwrap().clear());
    }

    async fn authorize(
        &self,
        api: Api,
        request: &ClientRequest,
        served: &Match,
        occasion: Occasion,
    ) -> Authorization {
        let arn = requested_arn(api, request);
        if arn.len() > MOST_ARN_BYTES {
            return Authorization::refused(Refusal::ArnTooLong, Refusal::ArnTooLong.explain());
        }
        let authorizer = self.authorizer(api);
        let mut event = describe(api, request, served, occasion);
        let context = request_context(api, request, served, occasion);
        let Some(identity) = identify(&authorizer.sources, api, request, &context) else {
            let decided = "an identity source is missing: the authorizer is not asked";
            return Authorization::refused(Refusal::Unauthorized, decided);
        };
        let kept = authorizer.cache.lock().unwrap().find(&identity, occasion.at);
        if let Some(answer) = kept {
            let judged = Authorization::judged(api, Ok(answer), &arn);
            return Authorization {
                is_kept: true,
                decided: format!("{}, as kept", judged.decided),
                ..judged
            };
        }
        add_identity(api, &mut event, &identity);
        let authorization = self.ask(api, event, &arn).await;
        if let (Some(_), Some(Ok(answer))) = (authorization.verdict, &authorization.outcome) {
            authorizer.cache.lock().unwrap().keep(identity, answer, occasion.at);
        }
        authorization
    }

    async fn ask(&self, api: Api, event: Value, arn: &str) -> Authorization {
        let stopwatch = Stopwatch::start();
        let function = match self.functions.running(api.form()).await {
            Ok(function) => function,
            Err(error) => {
                let error = json!({ "errorType": "Runtime.ExitError", "errorMessage": error.to_string() });
                return Authorization::judged(api, Err(error), arn);
            }
        };
        let Answer { request_id, outcome } = function.invoke(event.to_string()).await;
        let invocation = Invocation { function, event, request_id, took: stopwatch.elapsed() };
        Authorization { invocation: Some(invocation), ..Authorization::judged(api, outcome, arn) }
    }

    async fn reach_backend(
        &self,
        api: Api,
        request: &ClientRequest,
        served: &Match,
        occasion: Occasion,
        authorization: Option<&Authorization>,
    ) -> Result<Response<Bytes>, Refusal> {
        let answer = authorization.and_then(Authorization::answer);
        if api == Api::WebSocket {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            return Ok(response);
        }
        if let Some(upstream) = &self.upstream {
            let context = answer.map(|answer| mapped(api, answer));
            return upstream.serve(request, context.as_ref(), api.integration_timeout()).await;
        }
        let context = answer.map(|answer| hand_on(api, answer));
        Ok(echo(&integration_event(api, request, served, occasion, context)))
    }
}

impl Exchange {
    /// Why the client got its answer, with the function's reason for a refusal where that is logged in time.
    pub(crate) async fn explain(&self) -> String {
        let authorization = self.authorization.as_ref().filter(|it| it.refusal.is_some());
        let invocation = authorization.and_then(|authorization| authorization.invocation.as_ref());
        let log = match invocation {
            Some(invocation) => invocation.log_line(REASON_PATIENCE).await,
            None => Value::Null,
        };
        match log["reason"].as_str() {
            Some(reason) => format!("{} ({reason})", self.decided),
            None => self.decided.clone(),
        }
    }
}

impl Invocation {
    /// The function's line about it. One that is told to log less prints none.
    pub(crate) async fn log_line(&self, patience: Duration) -> Value {
        let line = self.function.log_line(&self.request_id);
        timeout(patience, line).await.ok().flatten().unwrap_or_default()
    }
}

impl Authorization {
    pub(crate) fn answer(&self) -> Option<&Value> {
        self.outcome.as_ref()?.as_ref().ok()
    }

    fn refused(refusal: Refusal, decided: &str) -> Self {
        Self { refusal: Some(refusal), decided: decided.to_owned(), ..Self::default() }
    }

    fn judged(api: Api, outcome: Outcome, arn: &str) -> Self {
        let is_simple = api.form() == Form::Simple;
        let read = read_answer(api.shape(), is_simple, &outcome);
        let (verdict, refusal, broken) = match read.map(|answer| judge(is_simple, answer, arn)) {
            Ok(Verdict::Allow) => (Some(Verdict::Allow), None, None),
            Ok(Verdict::ExplicitDeny) => (Some(Verdict::ExplicitDeny), Some(Refusal::ExplicitDeny), None),
            Ok(Verdict::ImplicitDeny) => (Some(Verdict::ImplicitDeny), Some(Refusal::ImplicitDeny), None),
            Err(Failure::Unauthorized) => (None, Some(Refusal::Unauthorized), None),
            Err(Failure::Broken(reason)) => (None, Some(Refusal::AuthorizerBroken), Some(reason)),
        };
        let decided = refusal.map_or("the authorizer allows it", Refusal::explain);
        let decided = broken.unwrap_or_else(|| decided.to_owned());
        Self { outcome: Some(outcome), verdict, refusal, decided, ..Self::default() }
    }
}

/// Its line is mostly there before its answer: what a client waits for more than that is too long.
const REASON_PATIENCE: Duration = Duration::from_millis(100);

/// With authorization on, a longer one is refused before an authorizer is asked.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>
const MOST_ARN_BYTES: usize = 1_600;
