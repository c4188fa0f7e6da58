//! Whether memory grows.

use crate::tally::Tally;

/// The memory held, at equal distances.
#[derive(Default)]
pub(crate) struct Growth(Vec<u64>);

impl Growth {
    pub(crate) fn sample(&mut self, memory_kib: u64) {
        self.0.push(memory_kib);
    }

    /// Compares the sixth and the last tenth: in the first half caches fill, and each kind of outage comes for the first
    /// time. What is allowed is what an allocator may take to settle.
    pub(crate) fn conclude(self, allowance_kib: u64, tally: &mut Tally) {
        let tenth = (self.0.len() / 10).max(1);
        let tenths: Vec<u64> = self.0.chunks(tenth).take(10).map(mean).collect();
        let (first, last) = (tenths[tenths.len() / 2], tenths[tenths.len() - 1]);
        tally.notes.push(format!("memory in KiB, tenth by tenth: {tenths:?}"));
        if last > first + allowance_kib {
            tally.failures.push(format!("memory grew by {} KiB", last - first));
        }
    }
}

fn mean(samples: &[u64]) -> u64 {
    samples.iter().sum::<u64>() / u64::try_from(samples.len()).unwrap()
}
