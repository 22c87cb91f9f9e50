use surrealism::surrealism;

#[surrealism(defualt)]
fn near() {}

#[surrealism(x = 1, writable = true)]
fn far() {}

#[surrealism(nme = "a")]
mod module {}

#[surrealism(init)]
mod not_here {}

fn main() {}
