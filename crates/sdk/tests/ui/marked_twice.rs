use surrealism::surrealism;

#[surrealism]
#[surrealism(writeable)]
fn f() {}

#[surrealism]
mod module {
    #[surrealism]
    #[surrealism]
    fn g() {}
}

fn main() {}
