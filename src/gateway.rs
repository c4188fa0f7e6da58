//! API Gateway: events in, answers out.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html>

mod arn;
mod asked;
mod context;
mod credentials;
mod event;
mod iam;
mod kept;
mod lenient;
mod response;

pub use arn::{ExecuteApiArn, InvalidArn};
pub use context::ContextClaims;
pub use credentials::{InvalidTokenSource, TokenSource};
pub use event::{Event, EventError, Payload, Request, Shape};
pub use iam::{TooManyRoutes, check_size};
pub use kept::KeptAnswer;
pub use response::{Answer, Answerer, Refusal, Response, ResponseFormat};
