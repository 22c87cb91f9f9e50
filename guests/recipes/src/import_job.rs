use surrealism::surrealdb_types::Value;
use surrealism::{SurrealValue, anyhow, kv, sql_with_vars, surrealism};

const ROWS_PER_QUERY: usize = 3;

#[derive(Clone, SurrealValue)]
struct Person {
    name: String,
    age: i64,
}

/// Imports the people of a file. Called again after it was stopped, it goes on where it was.
#[surrealism(writeable)]
fn import_people() -> anyhow::Result<usize> {
    let done: usize = kv::get("people imported")?.unwrap_or(0);
    let text = std::fs::read_to_string("/people.csv")?;
    let people: Vec<Person> = text.lines().skip(done).map(person).collect::<anyhow::Result<_>>()?;
    for (index, batch) in people.chunks(ROWS_PER_QUERY).enumerate() {
        let rows: Vec<Value> = batch.iter().cloned().map(Person::into_value).collect();
        let query = "INSERT INTO person $rows RETURN NONE";
        let _: Value = sql_with_vars(query, [("rows", rows)])?;
        kv::set("people imported", done + index * ROWS_PER_QUERY + batch.len())?;
    }
    Ok(people.len())
}

fn person(line: &str) -> anyhow::Result<Person> {
    let (name, age) = line.split_once(',').ok_or_else(|| anyhow::anyhow!("no comma: {line}"))?;
    Ok(Person { name: name.to_string(), age: age.trim().parse()? })
}
