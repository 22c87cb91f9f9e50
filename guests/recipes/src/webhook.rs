use surrealism::surrealdb_types::{Value, object};
use surrealism::{anyhow, config, run, surrealism};

/// Reports an order to another service.
#[surrealism]
fn report_order(order: String, total: f64) -> anyhow::Result<Value> {
    let url: String = config::get("webhook_url")?;
    let token: String = config::get("webhook_token")?;
    let body = object! { event: "order", order: order, total: total };
    let headers = object! { Authorization: format!("Bearer {token}") };
    run("http::post", None, (url, body, headers))
}
