//! One case, for Callgrind to count the instructions of; `benches/python/instructions.py` runs it.
#![allow(clippy::unwrap_used, reason = "what cannot be measured ends the measurement")]

mod cases;

use std::env;
use std::hint::black_box;

use cases::Case;

/// Without an argument, the instruction set that the decoders find, and each case; with the number of a case, that case.
fn main() {
    let cases = cases::cases();
    let Some(number) = env::args().nth(1) else {
        println!("{}", instruction_set());
        for case in cases {
            println!("{} {}", case.group, case.name);
        }
        return;
    };
    let case = cases.get(number.parse::<usize>().unwrap()).unwrap();
    // Once before, for what is only done the first time.
    case.run();
    counted(case);
}

/// Callgrind counts what is between the call and the return.
#[inline(never)]
fn counted(case: &Case) {
    case.run();
    // So that this is a call, and no jump.
    black_box(());
}

/// What memchr and base64-simd choose their loops by.
fn instruction_set() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        return "x86_64 with AVX2";
    }
    env::consts::ARCH
}
