//! What is measured, group by group, and what each row may come to at most.

use std::{fs, path::Path, time::Duration};

use cognito_authorizer::policy::Policies;

use crate::{
    Bench, events, in_process,
    measure::{self, Cache, Case, Timing},
    process::{Bootstrap, Variables, variables},
    provider::{self, Certificate},
    report::Row,
    zipped,
};

impl Bench {
    fn with_key_file(&self) -> Variables {
        variables([("JWKS_FILE", self.folder.join("jwks.json").display().to_string())])
    }

    /// The floor, ours with each of `settings`, then the others.
    fn cases(&self, settings: &[Variables]) -> Vec<Case> {
        let case = |bootstrap: &Bootstrap, variables: &Variables| Case {
            bootstrap: bootstrap.clone(),
            variables: variables.clone(),
        };
        let ours = settings.iter().map(|variables| case(&self.ours, variables));
        let others = self.others.iter().map(|other| case(other, &self.with_key_file()));
        [case(&self.floor, &self.with_key_file())].into_iter().chain(ours).chain(others).collect()
    }

    fn event(&self) -> Vec<u8> {
        events::carrying(&events::tokens(&self.key, 0..1)[0])
    }

    pub(crate) fn starts(&self) -> Vec<Row> {
        let authority = self.folder.join("authority.pem");
        let plain = provider::serve(&self.document, |stream| stream);
        let tls = provider::serve_tls(&self.document, Certificate::Good, &authority);
        let settings = [
            self.with_key_file(),
            variables([("JWKS_URI", format!("http://127.0.0.1:{plain}/jwks.json"))]),
            variables([
                ("JWKS_URI", format!("https://127.0.0.1:{tls}/jwks.json")),
                ("JWKS_CA_FILE", authority.display().to_string()),
            ]),
            self.with_policies(),
        ];
        let cases = self.cases(&settings);
        let found = measure::start(&cases, &self.event(), Cache::Warm, self.extent.starts);
        let evicted = measure::start(
            &self.cases(&settings[..1]),
            &self.event(),
            Cache::Evicted,
            self.extent.starts / 2,
        );
        let of = |work: &str, timing: Timing, limit: f64| times(work, timing, Some(limit));
        let mut rows = vec![
            of("start to first answer, keys from a file", found[1], 1.5),
            of("the same, keys fetched over HTTP", found[2], 2.0),
            Row {
                work: "the same over HTTPS, beyond HTTP".to_owned(),
                measured: milliseconds(found[3].median) - milliseconds(found[2].median),
                unit: "ms",
                limit: Some(12.0),
                detail: format!("{:.2} ms", milliseconds(found[3].median)),
            },
            of("the same with policies: 10, checked, on 20 routes", found[4], 2.2),
            of("start with the file out of the page cache", evicted[1], 2.2),
        ];
        rows.extend(self.of_others("start to first answer", &found));
        rows
    }

    /// Ten policies on twenty routes, checked.
    fn with_policies(&self) -> Variables {
        let folder = self.folder.join("policies");
        fs::create_dir_all(&folder).unwrap();
        for name in ["shop.cedar", "shop.cedarschema"] {
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/function/policies").join(name);
            fs::copy(source, folder.join(name)).unwrap();
        }
        fs::write(folder.join("checked.json"), Policies::check(&folder).unwrap().1).unwrap();
        let mut variables = self.with_key_file();
        variables.insert("POLICIES".to_owned(), folder.display().to_string());
        variables
    }

    pub(crate) fn answers(&self) -> Vec<Row> {
        let cases = self.cases(&[self.with_key_file()]);
        let fresh: Vec<Vec<u8>> = events::tokens(&self.key, 0..self.extent.events)
            .iter()
            .map(|token| events::carrying(token))
            .collect();
        let seen = vec![self.event(); self.extent.events];
        let seen = measure::warm(&cases, &seen, self.extent.rounds);
        let fresh = measure::warm(&cases, &fresh, self.extent.rounds);
        let mut rows = vec![
            times("answer, token seen before", seen[1], Some(1.3)),
            times("answer, token never seen", fresh[1], Some(2.0)),
        ];
        rows.extend(self.of_others("answer, token seen before", &seen));
        rows.extend(self.of_others("answer, token never seen", &fresh));
        rows
    }

    fn of_others(&self, work: &str, found: &[Timing]) -> Vec<Row> {
        let timings = &found[found.len() - self.others.len()..];
        let named = self.others.iter().zip(timings);
        named.map(|(other, timing)| times(&format!("{}: {work}", other.name), *timing, None)).collect()
    }

    pub(crate) fn in_process(&self) -> [Row; 2] {
        let found = in_process::measure(&self.key, self.extent.rounds);
        let row = |work: &str, measured, limit| Row {
            work: work.to_owned(),
            measured,
            unit: "checks",
            limit: Some(limit),
            detail: format!("one bare RS256 check: {:.1} µs", microseconds(found.check)),
        };
        [
            row("verify in process, token never seen", found.fresh, 1.35),
            row("verify in process, token seen before", found.remembered, 0.12),
        ]
    }

    pub(crate) fn memory(&self) -> Vec<Row> {
        let count = self.extent.memory_tokens;
        let cases = self.cases(&[self.with_key_file()]);
        let row = |case: &Case| {
            let [half, whole] = measure::memory(case, &self.key, count).map(mebibytes);
            let name = &case.bootstrap.name;
            let is_ours = *name == self.ours.name;
            let peak = Row {
                work: format!("{name}: peak memory, {count} different tokens"),
                measured: whole,
                unit: "MiB",
                limit: is_ours.then_some(10.0),
                detail: format!("after half of them {half:.2} MiB"),
            };
            let growth = Row {
                work: "of which the second half".to_owned(),
                measured: whole - half,
                unit: "MiB",
                limit: Some(0.1),
                detail: String::new(),
            };
            if is_ours { vec![peak, growth] } else { vec![peak] }
        };
        cases.iter().flat_map(row).collect()
    }

    pub(crate) fn sizes(&self) -> Vec<Row> {
        let row = |work: &str, bytes: usize, limit| Row {
            work: work.to_owned(),
            measured: megabytes(bytes),
            unit: "MB",
            limit: Some(limit),
            detail: format!("{bytes} bytes"),
        };
        let mut rows = vec![row("zipped, all features", zipped(&self.ours.path), 3.5)];
        rows.extend(self.without_cedar.map(|bytes| row("zipped, without rules per route", bytes, 1.8)));
        rows
    }

    pub(crate) fn throughput(&self) -> Vec<Row> {
        let case = &self.cases(&[self.with_key_file()])[1];
        let events: Vec<Vec<u8>> =
            events::tokens(&self.key, 0..64).iter().map(|token| events::carrying(token)).collect();
        let row = |in_flight: usize| Row {
            work: format!("answers a second, {in_flight} in flight"),
            measured: measure::throughput(case, &events, in_flight, self.extent.throughput),
            unit: "/s",
            limit: None,
            detail: "this process and the Runtime API share the processors".to_owned(),
        };
        [1, 8, 64].map(row).into()
    }
}

fn times(work: &str, timing: Timing, limit: Option<f64>) -> Row {
    Row {
        work: work.to_owned(),
        measured: timing.ratio,
        unit: "× floor",
        limit,
        detail: format!("{:.1} µs", microseconds(timing.median)),
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "megabytes for people to read")]
fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "mebibytes for people to read")]
fn mebibytes(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1024.0
}
