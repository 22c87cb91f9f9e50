use surrealism::surrealism;

#[surrealism]
fn forever() -> ! {
    loop {}
}

fn main() {}
