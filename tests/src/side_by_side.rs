//! Long work that waits more than it computes.

use std::sync::Mutex;
use std::thread;

/// Does the work on each item, on two threads, and gives the results in the order of the items.
///
/// # Panics
/// The work panicked.
pub fn side_by_side<T: Send, R: Send>(items: impl IntoIterator<Item = T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let items: Vec<(usize, T)> = items.into_iter().enumerate().collect();
    let waiting = Mutex::new(items.into_iter());
    let done = Mutex::new(Vec::new());
    let worker = || {
        loop {
            let Some((at, item)) = waiting.lock().unwrap().next() else { break };
            let result = work(item);
            done.lock().unwrap().push((at, result));
        }
    };
    thread::scope(|scope| {
        scope.spawn(worker);
        worker();
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::side_by_side;

    #[test]
    fn results_keep_the_order_of_the_items() {
        assert_eq!(side_by_side(0..100, |number| number * 2), (0..100).map(|number| number * 2).collect::<Vec<_>>());
    }
}
