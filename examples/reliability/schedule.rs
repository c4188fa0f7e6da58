//! Which trials there are, and in which order.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use crate::{
    clock,
    faults::{self, Times},
    freeze, load,
    provider::Conduct,
    report::Row,
    soak,
    tally::Tally,
    trial::Stage,
};

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub(crate) description: &'static str,
    /// Of cargo, for the function.
    pub(crate) profile: &'static str,
    /// Genuine tokens of each key.
    pub(crate) tokens: usize,
    times: Times,
    rotations: usize,
    leaps: usize,
    frozen: Duration,
    capped: Duration,
    flood_seconds: usize,
    /// Within which the flood must be over, for it to be one.
    flood_within: Duration,
    invocations: usize,
    turns: usize,
    /// By which memory may grow in the second half of the flood and of the soak.
    allowance_kib: u64,
    /// Trials that mostly wait, at the same time.
    at_once: usize,
    /// Those that keep the machine busy, at the same time.
    busy_at_once: usize,
    /// Between the ends of two trials, on a machine that is slow and busy.
    at_most: Duration,
}

pub(crate) const FULL: Extent = Extent {
    description: "release build, frozen for a minute, flooded for a minute",
    profile: "release",
    tokens: 4_000,
    times: Times { without_keys: Duration::from_secs(10), with_keys: Duration::from_secs(20) },
    rotations: 20,
    leaps: 20_000,
    frozen: Duration::from_secs(60),
    capped: Duration::from_secs(30),
    flood_seconds: 60,
    flood_within: Duration::from_secs(66),
    invocations: 1_000_000,
    turns: 200,
    // From the sixth tenth to the last, a leak of one byte in each invocation is three times that.
    allowance_kib: 128,
    at_once: 4,
    busy_at_once: 1,
    at_most: Duration::from_secs(3_600),
};

pub(crate) const SHORT: Extent = Extent {
    description: "debug build, frozen for 3 s, flooded for as long as 3,000 tokens take",
    profile: "dev",
    tokens: 600,
    times: Times { without_keys: Duration::from_millis(1_200), with_keys: Duration::from_millis(2_500) },
    rotations: 2,
    leaps: 2_000,
    frozen: Duration::from_secs(3),
    capped: Duration::from_secs(3),
    flood_seconds: 3,
    flood_within: Duration::MAX,
    invocations: 20_000,
    turns: 10,
    allowance_kib: 256,
    at_once: 10,
    busy_at_once: 2,
    at_most: Duration::from_secs(300),
};

/// A row's name, and what gives its figures.
struct Job {
    name: &'static str,
    run: Box<dyn FnOnce(&Stage) -> Tally + Send>,
}

/// Runs all trials whose name begins with one of `only`: first those that mostly wait, several at once; then those
/// that keep the machine busy.
pub(crate) fn run(stage: Stage, extent: &Extent, folder: &Path, only: &[String]) -> Vec<Row> {
    let is_wanted = |job: &Job| only.is_empty() || only.iter().any(|name| job.name.starts_with(name));
    let stage = Arc::new(stage);
    let waiting = waiting(extent, folder).into_iter().filter(is_wanted).collect();
    let mut rows = run_at_once(&stage, waiting, extent.at_once, extent.at_most);
    let busy = busy(extent).into_iter().filter(is_wanted).collect();
    rows.extend(run_at_once(&stage, busy, extent.busy_at_once, extent.at_most));
    rows
}

fn waiting(extent: &Extent, folder: &Path) -> Vec<Job> {
    let (times, frozen) = (extent.times, extent.frozen);
    let Extent { leaps, rotations, capped, .. } = *extent;
    let folder = folder.to_owned();
    let mut jobs: Vec<Job> = Vec::new();
    let mut add = |name, run| jobs.push(Job { name, run });
    for (name, fault) in faults::faults() {
        add(name, Box::new(move |stage: &Stage| faults::misbehave(stage, times, &fault)));
    }
    add("redirect to somebody else's keys", Box::new(move |stage| faults::redirect(stage, times)));
    for (name, certificate) in faults::CERTIFICATES {
        let authority = folder.join(format!("{certificate:?}.pem"));
        add(name, Box::new(move |stage| faults::show(stage, times, certificate, &authority)));
    }
    add("name that does not resolve", Box::new(move |stage| faults::lose_the_name(stage, times, &folder)));
    add("keys rotated and withdrawn under load", Box::new(move |stage| load::rotate(stage, rotations)));
    add("clock jumps back and forth", Box::new(move |stage| clock::leap(stage, leaps)));
    add("frozen through a rotation", Box::new(move |stage| freeze::through_a_rotation(stage, frozen)));
    add("frozen, wakes up in an outage", Box::new(move |stage| freeze::into_an_outage(stage, frozen, None)));
    add(
        "the same with keys that expired",
        Box::new(move |stage| freeze::into_an_outage(stage, frozen, Some(SOON_EXPIRED))),
    );
    for (name, meanwhile) in
        [("frozen in a fetch, keys come", Conduct::Well), ("frozen in a fetch, none come", Conduct::Resets)]
    {
        add(name, Box::new(move |stage| freeze::within_a_fetch(stage, frozen, &meanwhile)));
    }
    add("128 MiB of addresses", Box::new(move |stage| load::cap_memory(stage, capped)));
    jobs
}

fn busy(extent: &Extent) -> [Job; 2] {
    let Extent { flood_seconds, flood_within, invocations, turns, allowance_kib, .. } = *extent;
    let flood = Box::new(move |stage: &Stage| load::flood(stage, flood_seconds, flood_within, allowance_kib));
    let soak = Box::new(move |stage: &Stage| soak::soak(stage, invocations, turns, allowance_kib));
    [Job { name: "flood of worthless tokens", run: flood }, Job { name: "soak", run: soak }]
}

/// Rows in the order of their jobs. A trial that cannot go on, or never ends, fails and stops no other.
fn run_at_once(stage: &Arc<Stage>, jobs: Vec<Job>, at_once: usize, at_most: Duration) -> Vec<Row> {
    let mut rows: Vec<Option<Row>> = jobs.iter().map(|_| None).collect();
    let names: Vec<&str> = jobs.iter().map(|job| job.name).collect();
    let jobs: VecDeque<(usize, Job)> = jobs.into_iter().enumerate().collect();
    let (jobs, (done, results)) = (Arc::new(Mutex::new(jobs)), mpsc::channel());
    for _ in 0..at_once {
        let (jobs, done, stage) = (Arc::clone(&jobs), done.clone(), Arc::clone(stage));
        thread::spawn(move || {
            let next = || jobs.lock().unwrap().pop_front();
            while let Some((number, job)) = next() {
                let stage = Arc::clone(&stage);
                let ended = thread::spawn(move || (job.run)(&stage)).join();
                let _ = done.send((number, ended.unwrap_or_else(|_| failed("the trial could not go on"))));
            }
        });
    }
    drop(done);
    while let Ok((number, tally)) = results.recv_timeout(at_most) {
        let row = Row { name: names[number].to_owned(), tally };
        eprintln!("{}: {}", row.name, if row.passes() { "pass" } else { "FAIL" });
        rows[number] = Some(row);
    }
    let unended = |name: &&str| Row { name: (*name).to_owned(), tally: failed("the trial did not end") };
    rows.into_iter().zip(&names).map(|(row, name)| row.unwrap_or_else(|| unended(name))).collect()
}

fn failed(problem: &str) -> Tally {
    Tally { failures: vec![problem.to_owned()], ..Tally::default() }
}

/// Within a short freeze too.
const SOON_EXPIRED: Duration = Duration::from_secs(2);
