surrealism::namespace!("limits");

mod empty {
    surrealism::namespace!();
}

mod twice {
    surrealism::namespace!(a);
    surrealism::namespace!(b);
}

fn main() {}
