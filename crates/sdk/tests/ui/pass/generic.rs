//! Types with parameters, and a crate that re-exports the SDK.

mod acme {
    pub mod reexported {
        pub use surrealism;
    }
}

use acme::reexported::surrealism::{SurrealValue, surrealism};

#[derive(SurrealValue)]
#[surreal(sdk = "crate::acme::reexported::surrealism", rename_all = "camelCase")]
pub struct Page<T, const N: usize>
where
    T: Clone,
{
    page_items: Vec<T>,
    next: Option<Box<Page<T, N>>>,
}

#[surrealism(crate = "crate::acme::reexported::surrealism")]
mod pages {
    use super::Page;

    #[super::surrealism]
    fn first(page: Page<i64, 2>) -> Page<String, 2> {
        let page_items = page.page_items.iter().map(ToString::to_string).collect();
        Page { page_items, next: None }
    }
}

fn main() {}
