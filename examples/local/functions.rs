//! The functions that the gateway asks: one for IAM answers, one for simple ones. Each is started when it is
//! first needed, and again after it ended, as Lambda does.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::Mutex;

use crate::{
    api::Form,
    output,
    runtime_api::{Function, StartError},
};

pub(crate) struct Functions {
    binary: PathBuf,
    variables: Vec<(String, String)>,
    iam: Slot,
    simple: Slot,
    starts: AtomicUsize,
}

type Slot = Mutex<Option<Arc<Function>>>;

impl Functions {
    /// Of one binary, with these variables: the later of two wins.
    pub(crate) fn new(binary: PathBuf, variables: Vec<(String, String)>) -> Self {
        let (iam, simple) = (Slot::default(), Slot::default());
        Self { binary, variables, iam, simple, starts: AtomicUsize::new(0) }
    }

    /// The one for this form of answer, started if it is not running.
    pub(crate) async fn running(&self, form: Form) -> Result<Arc<Function>, StartError> {
        let mut slot = self.slot(form).lock().await;
        if let Some(function) = slot.as_ref().filter(|function| function.is_running()) {
            return Ok(Arc::clone(function));
        }
        self.starts.fetch_add(1, Ordering::Relaxed);
        let variables = self.variables(form);
        let variables: Vec<(&str, &str)> =
            variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let function = Arc::new(Function::start(&self.binary, &variables, tell).await?);
        *slot = Some(Arc::clone(&function));
        Ok(function)
    }

    /// Ends them; whoever asks next meets a cold start.
    pub(crate) async fn end(&self) {
        *self.iam.lock().await = None;
        *self.simple.lock().await = None;
    }

    pub(crate) fn variables(&self, form: Form) -> BTreeMap<String, String> {
        let format = (form == Form::Simple).then(|| ("RESPONSE_FORMAT".to_owned(), "simple".to_owned()));
        format.into_iter().chain(self.variables.iter().cloned()).collect()
    }

    pub(crate) fn binary(&self) -> &PathBuf {
        &self.binary
    }

    pub(crate) fn starts(&self) -> usize {
        self.starts.load(Ordering::Relaxed)
    }

    fn slot(&self, form: Form) -> &Slot {
        match form {
            Form::Iam => &self.iam,
            Form::Simple => &self.simple,
        }
    }
}

/// As it is: the function's own lines are the same everywhere.
fn tell(notice: &str) {
    output::complain(format!("{notice}\n"));
}
