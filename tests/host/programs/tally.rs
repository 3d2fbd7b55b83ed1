// Rust's library: arguments, standard input by lines, a hash table, formatting, a status.
use std::collections::HashMap;
use std::io::{self, BufRead};

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let mut counts: HashMap<String, u32> = HashMap::new();
    for line in io::stdin().lock().lines() {
        for word in line.unwrap().split_whitespace() {
            *counts.entry(word.to_lowercase()).or_insert(0) += 1;
        }
    }
    let mut rows: Vec<_> = counts.into_iter().collect();
    rows.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    for (word, count) in &rows {
        println!("{count:>4} {word:?}");
    }
    let missing = wanted.iter().filter(|w| !rows.iter().any(|row| &row.0 == *w)).count();
    if missing > 0 {
        eprintln!("{missing} missing");
        std::process::exit(missing as i32);
    }
}
