use surrealism::surrealism;

#[surrealism(name)]
fn no_value() {}

#[surrealism(name = 3)]
fn not_a_text() {}

#[surrealism(comment("text"))]
fn in_parentheses() {}

#[surrealism(writeable = true, default(false))]
fn superfluous() {}

#[surrealism("name")]
fn no_option() {}

#[surrealism(name = )]
fn cut_off() {}

fn main() {}
