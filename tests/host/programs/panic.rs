// A panic says where, and traps.
fn main() {
    let numbers: Vec<usize> = std::env::args().map(|arg| arg.len()).collect();
    println!("{}", numbers[7]);
}
