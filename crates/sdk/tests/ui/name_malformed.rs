use surrealism::surrealism;

#[surrealism(name = "")]
fn empty() {}

#[surrealism(name = "a::")]
fn ends_early() {}

#[surrealism(name = "a-b::c")]
fn no_identifier() {}

#[surrealism(name = "a:b")]
mod module {
    #[surrealism(name = "1")]
    fn number() {}
}

fn main() {}
