//! An answer kept beside a token that comes back, so that it is not written again.

use std::sync::OnceLock;

use super::{arn::ExecuteApiArn, event::Shape, response::Response};
use crate::policy::DenyReason;

/// The answer to one kind of event of one API and stage, kept beside a token. Another's is written anew.
#[derive(Debug, Default)]
pub struct KeptAnswer(OnceLock<Kept>);

#[derive(Debug)]
struct Kept {
    shape: Shape,
    /// The API and stage, as a resource.
    stage: String,
    answer: (Response, Vec<String>),
}

impl KeptAnswer {
    /// The kept answer where it is for such an event, else a new one, which is kept if it is the first.
    pub(super) fn find_or(
        &self,
        shape: Shape,
        arn: &ExecuteApiArn<'_>,
        write: impl FnOnce() -> Result<(Response, Vec<String>), DenyReason>,
    ) -> Result<(Response, Vec<String>), DenyReason> {
        let stage = arn.to_string();
        let kept = self.0.get().filter(|kept| kept.shape == shape && kept.stage == stage);
        if let Some(kept) = kept {
            return Ok(kept.answer.clone());
        }
        let answer = write()?;
        // The first is kept: a token is for one API, as a rule.
        let _ = self.0.set(Kept { shape, stage, answer: answer.clone() });
        Ok(answer)
    }
}
