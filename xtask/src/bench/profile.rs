//! What callgrind counted: the instructions of each source file, and the allocations.

use std::collections::BTreeMap;

use super::areas::area;

/// Functions of the C library that allocate. `realloc` is one allocation, as Rust's own counters see it.
const ALLOCATORS: [&str; 6] = ["aligned_alloc", "calloc", "malloc", "memalign", "posix_memalign", "realloc"];

/// The sums of a profile.
#[derive(Default, Debug, PartialEq)]
pub struct Profile {
    pub instructions: u64,
    pub allocations: u64,
    pub by_area: BTreeMap<String, u64>,
}

impl Profile {
    /// Reads the text format of callgrind, without compression of names and positions.
    pub fn parse(text: &str) -> Self {
        let mut profile = Self::default();
        let (mut file, mut function, mut callee) = ("", "", "");
        let mut is_cost_of_call = false;
        for line in text.lines() {
            if let Some((key, name)) = line.split_once('=') {
                match key {
                    "fl" | "fi" | "fe" => file = name,
                    "fn" => function = name,
                    "cfn" => callee = name,
                    "calls" => {
                        is_cost_of_call = true;
                        let times = name.split(' ').next().and_then(|times| times.parse().ok()).unwrap_or(0);
                        // Calls within the C library, such as of `malloc` by `calloc`, are no further allocations.
                        if is_allocator(callee) && !is_allocator(function) {
                            profile.allocations += times;
                        }
                    }
                    _ => {}
                }
                continue;
            }
            if std::mem::take(&mut is_cost_of_call) {
                continue;
            }
            let cost = line.split_once(' ').filter(|(position, _)| position.parse::<u64>().is_ok());
            let Some(cost) = cost.and_then(|(_, cost)| cost.parse::<u64>().ok()) else { continue };
            profile.instructions += cost;
            *profile.by_area.entry(area(file, function)).or_default() += cost;
        }
        profile
    }
}

fn is_allocator(function: &str) -> bool {
    // Callgrind adds the cycle or the recursion level behind an apostrophe.
    let name = function.split('\'').next().unwrap_or(function);
    ALLOCATORS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = "\
version: 1
events: Ir

ob=/bin/client
fl=/project/crates/skyflow-http/src/layers/retry.rs
fn=retry
10 100
fi=/rustc/abc/library/alloc/src/vec.rs
11 20
fe=/project/crates/skyflow-http/src/layers/retry.rs
12 5
cob=/lib/libc.so.6
cfi=???
cfn=malloc
calls=3 0
12 600
13 1

fl=???
fn=malloc
0 500
cfn=malloc'2
calls=1 0
0 100
cfn=_int_malloc
calls=3 0
0 90

fn=_int_malloc
0 90

totals: 716
";

    #[test]
    fn inlined_costs_belong_to_their_own_files() {
        let profile = Profile::parse(PROFILE);
        assert_eq!(profile.instructions, 716);
        let by_area: Vec<_> =
            profile.by_area.iter().map(|(area, instructions)| (area.as_str(), *instructions)).collect();
        assert_eq!(by_area, [("allocator", 590), ("skyflow-http/layers", 106), ("std", 20)]);
    }

    #[test]
    fn allocations_are_calls_from_outside_the_allocator() {
        assert_eq!(Profile::parse(PROFILE).allocations, 3);
        assert_eq!(Profile::parse("fn=a\ncfn=realloc\ncalls=2 5\n1 9\n").allocations, 2);
        assert_eq!(Profile::parse("fn=a\ncfn=free\ncalls=2 5\n1 9\n").allocations, 0);
    }
}
