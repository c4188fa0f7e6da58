//! Whole functions: from start to the first answer, warm, in memory, several at once. Rounds are interleaved, and
//! a ratio is the median of the rounds' ratios, so that what disturbs the machine disturbs both sides.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use cognito_authorizer::{testing::SigningKey, time::Stopwatch};

use crate::{
    concurrent::ConcurrentFunction,
    events::{carrying, tokens},
    process::{Bootstrap, Function, Variables},
};

/// A function with its settings, as one row has it.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) bootstrap: Bootstrap,
    pub(crate) variables: Variables,
}

/// The median, and the median of the ratios to the first case, round by round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    pub(crate) median: Duration,
    pub(crate) ratio: f64,
}

/// What a start meets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cache {
    /// The executable is in the page cache.
    Warm,
    /// It has to be read.
    Evicted,
}

/// From the start of the process to its first answer.
pub(crate) fn start(cases: &[Case], event: &[u8], cache: Cache, rounds: usize) -> Vec<Timing> {
    let rounds: Vec<Vec<Duration>> = (0..=rounds)
        .map(|round| {
            let mut times = vec![Duration::ZERO; cases.len()];
            for case in rotated(cases.len(), round) {
                times[case] = first_answer(&cases[case], event, cache);
            }
            times
        })
        .collect();
    // The first round fills caches.
    summarise(&rounds[1..])
}

fn first_answer(case: &Case, event: &[u8], cache: Cache) -> Duration {
    if cache == Cache::Evicted {
        evict(&case.bootstrap);
    }
    let started = Stopwatch::start();
    let mut function = Function::start(&case.bootstrap, &case.variables);
    let until_asked = started.elapsed();
    let (answer, elapsed) = function.invoke(event);
    assert!(answer.is_allowed(), "{}: {}", case.bootstrap.name, String::from_utf8_lossy(&answer.body));
    until_asked + elapsed
}

/// Tells the kernel that the file's pages are not needed, through coreutils (`posix_fadvise`).
fn evict(bootstrap: &Bootstrap) {
    let file = format!("if={}", bootstrap.path.display());
    let status = Command::new("dd").args([&file, "iflag=nocache", "count=0", "status=none"]).status();
    assert!(status.unwrap().success());
}

/// Warm invocations: in each round every case is started anew and answers all of `events`, a few at a time in turn.
///
/// A process keeps the memory layout and the habits that it started with, so that one start for all rounds would
/// compare two such accidents. All run on one processor: otherwise what is measured is mostly how long an idle
/// processor takes to wake up.
pub(crate) fn warm(cases: &[Case], events: &[Vec<u8>], rounds: usize) -> Vec<Timing> {
    on_one_processor(|| {
        let rounds: Vec<Vec<Duration>> = (0..rounds).map(|_| warm_round(cases, events)).collect();
        summarise(&rounds)
    })
}

fn warm_round(cases: &[Case], events: &[Vec<u8>]) -> Vec<Duration> {
    let mut functions: Vec<Function> =
        cases.iter().map(|case| Function::start(&case.bootstrap, &case.variables)).collect();
    let mut times = vec![Vec::new(); cases.len()];
    for (turn, some) in events.chunks(TURN).enumerate() {
        for case in rotated(cases.len(), turn) {
            let elapsed = some.iter().map(|event| answer(&mut functions[case], event));
            // The first turns fill caches.
            if turn < WARMING { elapsed.for_each(drop) } else { times[case].extend(elapsed) }
        }
    }
    times.into_iter().map(|times| median(times.into_iter())).collect()
}

/// Positions of `count` cases, another one first each time: none always follows the same other one's disturbance.
fn rotated(count: usize, by: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |position| (position + by) % count)
}

fn answer(function: &mut Function, event: &[u8]) -> Duration {
    let (answer, elapsed) = function.invoke(event);
    assert!(answer.is_allowed(), "{}", String::from_utf8_lossy(&answer.body));
    elapsed
}

/// Runs `work` on a thread that is bound to one processor, and with it whatever processes it starts (util-linux).
fn on_one_processor<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let bound = scope.spawn(|| {
            let thread = fs::read_link("/proc/thread-self").unwrap();
            let thread = thread.file_name().unwrap().to_str().unwrap();
            let processor = first_processor();
            let status =
                Command::new("taskset").args(["-cp", &processor, thread]).stdout(Stdio::null()).status();
            assert!(status.unwrap().success());
            work()
        });
        bound.join().unwrap()
    })
}

/// The first processor that this process may run on.
fn first_processor() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap();
    allowed.trim().split(['-', ',']).next().unwrap().to_owned()
}

/// The peak memory in KiB after half of `count` different tokens, and after all of them.
pub(crate) fn memory(case: &Case, key: &SigningKey, count: usize) -> [u64; 2] {
    let mut function = Function::start(&case.bootstrap, &case.variables);
    [0..count / 2, count / 2..count].map(|half| {
        // Signed in portions, so that this process does not hold them all.
        for first in half.clone().step_by(PORTION) {
            for token in tokens(key, first..half.end.min(first + PORTION)) {
                assert!(function.invoke(&carrying(&token)).0.is_allowed());
            }
        }
        function.process().peak_memory_kib()
    })
}

/// Answers a second with as many events in flight.
pub(crate) fn throughput(case: &Case, events: &[Vec<u8>], in_flight: usize, time: Duration) -> f64 {
    let function = ConcurrentFunction::start(&case.bootstrap, &case.variables, in_flight, events.to_vec());
    function.throughput(time / 4);
    function.throughput(time)
}

fn summarise(rounds: &[Vec<Duration>]) -> Vec<Timing> {
    let cases = 0..rounds[0].len();
    cases
        .map(|case| Timing {
            median: median(rounds.iter().map(|round| round[case])),
            ratio: middle(rounds.iter().map(|round| round[case].as_secs_f64() / round[0].as_secs_f64())),
        })
        .collect()
}

pub(crate) fn median(times: impl Iterator<Item = Duration>) -> Duration {
    Duration::from_secs_f64(middle(times.map(|time| time.as_secs_f64())))
}

pub(crate) fn middle(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Tokens that are held at once.
const PORTION: usize = 2_000;

/// Events that one function answers before it is the next one's turn.
const TURN: usize = 20;

/// Turns that are not counted.
const WARMING: usize = 3;
