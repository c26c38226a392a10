//! Server-sent events: what changes is heard, and a reader that comes back misses nothing.

use crate::support::{House, PATIENCE};
use axum::body::Body;
use http_body_util::BodyExt;
use serde_json::json;
use server::permission::Role;
use sqlx::PgPool;

/// One event as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    id: Option<String>,
    name: String,
    data: String,
}

/// A stream being read.
struct Stream {
    body: Body,
    text: String,
}

impl Stream {
    async fn open(house: &House, key: &str, last: Option<&str>) -> Self {
        let headers: Vec<_> = last.map(|id| ("last-event-id", id)).into_iter().collect();
        let response = house.raw(key, "GET /events", &headers, Body::empty()).await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            body: response.into_body(),
            text: String::new(),
        }
    }

    async fn next(&mut self) -> Told {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let line = event.lines().find_map(|line| line.strip_prefix(name))?;
                    Some(line.trim_start_matches(": ").to_owned())
                };
                let told = Told {
                    id: field("id"),
                    name: field("event").unwrap_or_default(),
                    data: field("data").unwrap_or_default(),
                };
                self.text = rest.to_owned();
                return told;
            }
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await;
            let frame = frame.expect("an event").expect("an open stream").unwrap();
            let data = frame.into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&data).unwrap());
        }
    }

    /// Reads on until something is told of `id`.
    async fn until(&mut self, id: &str) -> Told {
        loop {
            let told = self.next().await;
            if told.data.contains(id) {
                return told;
            }
        }
    }
}

async fn make(house: &House, key: &str, title: &str) -> String {
    let made = house
        .done(key, "POST /tasks", json!({ "title": title }))
        .await;
    made["id"].as_str().unwrap().to_owned()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_task_that_is_made_is_heard_of_with_its_state(database: PgPool) {
    let house = House::new(&database).await;
    let key = house.key(Role::Member).await;
    let mut stream = Stream::open(&house, &key, None).await;
    let task = make(&house, &key, "one").await;
    let told = stream.until(&task).await;
    assert_eq!(told.name, "changed");
    assert!(told.id.is_some());
    let items: serde_json::Value = serde_json::from_str(&told.data).unwrap();
    let expected = json!({ "kind": "task", "id": task, "state": "pending" });
    assert!(
        items["items"].as_array().unwrap().contains(&expected),
        "{items}"
    );
    drop(stream);
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_a_lease_takes_and_gives_back_is_told(database: PgPool) {
    let house = House::new(&database).await;
    let manager = house.key(Role::Manager).await;
    let scout = house.key(Role::Agent).await;
    house.slots(&manager, "opus", 1).await;
    let resources = house.get(&manager, "/resources").await;
    let opus = resources.body["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let needs = json!({ "title": "one", "requires": [{ "resource": "opus", "amount": 1 }] });
    house.done(&manager, "POST /tasks", needs).await;
    let mut stream = Stream::open(&house, &manager, None).await;
    let claim = house.done(&scout, "POST /claims", json!({})).await;
    stream.until(&opus).await;
    let lease = claim["leases"][0]["lease_id"].as_str().unwrap();
    let ended = format!("POST /leases/{lease}/complete");
    house.done(&scout, &ended, json!({ "epoch": 1 })).await;
    stream.until(&opus).await;
    drop(stream);
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_reservation_that_returns_unused_is_told(database: PgPool) {
    let house = House::new(&database).await;
    let manager = house.key(Role::Manager).await;
    let scout = house.key(Role::Agent).await;
    let day = json!({ "unit": "tokens", "limit": 1_000, "window": "day", "scope": { "workspace": "acme" } });
    let day = house.done(&manager, "PUT /budgets/day", day).await;
    let day = day["id"].as_str().unwrap();
    let task = json!({ "title": "one", "estimate": { "input_tokens": 100 } });
    house.done(&manager, "POST /tasks", task).await;
    let claim = house.done(&scout, "POST /claims", json!({})).await;
    let mut stream = Stream::open(&house, &manager, None).await;
    let lease = claim["leases"][0]["lease_id"].as_str().unwrap();
    let release = format!("POST /leases/{lease}/release");
    house.done(&scout, &release, json!({ "epoch": 1 })).await;
    stream.until(day).await;
    drop(stream);
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_the_pool_shares_is_told_to_all_its_workspaces(database: PgPool) {
    let house = House::new(&database).await;
    let admin = house.key(Role::Admin).await;
    let (other, _) = house.key_in("other", Role::Member, "").await;
    let mut stream = Stream::open(&house, &other, None).await;
    let slots = json!({ "scope": "pool", "kind": "slots", "slots": 2 });
    let opus = house.done(&admin, "PUT /resources/opus", slots).await;
    let opus = opus["id"].as_str().unwrap();
    stream.until(opus).await;
    let scout = house.key(Role::Agent).await;
    let wanted = json!({ "requires": [{ "resource": "opus", "amount": 1 }] });
    let permit = house.done(&scout, "POST /permits", wanted).await;
    stream.until(opus).await;
    let permit = permit["permit_id"].as_str().unwrap();
    let back = format!("DELETE /permits/{permit}");
    house.done(&scout, &back, json!({})).await;
    stream.until(opus).await;
    house
        .done(&admin, "DELETE /resources/opus?scope=pool", json!({}))
        .await;
    stream.until(opus).await;
    drop(stream);
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_reader_that_comes_back_hears_what_it_missed_and_nothing_twice(database: PgPool) {
    let house = House::new(&database).await;
    let key = house.key(Role::Member).await;
    let mut stream = Stream::open(&house, &key, None).await;
    let seen = make(&house, &key, "seen").await;
    let last = stream.until(&seen).await.id.unwrap();
    // A second reader shows when the events are out.
    let mut other = Stream::open(&house, &key, None).await;
    drop(stream);
    let missed = make(&house, &key, "missed").await;
    other.until(&missed).await;
    let mut again = Stream::open(&house, &key, Some(&last)).await;
    let told = again.next().await;
    assert_eq!(told.name, "changed");
    assert!(!told.data.contains(&seen), "{told:?}");
    if !told.data.contains(&missed) {
        again.until(&missed).await;
    }
    drop((again, other));
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_reader_that_was_away_too_long_is_told_to_read_again(database: PgPool) {
    let house = House::new(&database).await;
    let key = house.key(Role::Member).await;
    for last in ["1-99999", "nonsense"] {
        let mut stream = Stream::open(&house, &key, Some(last)).await;
        assert_eq!(stream.next().await.name, "reset", "{last}");
    }
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn another_workspace_hears_nothing(database: PgPool) {
    let house = House::new(&database).await;
    let key = house.key(Role::Member).await;
    let (stranger, _) = house.key_in("other", Role::Member, "").await;
    let mut stream = Stream::open(&house, &stranger, None).await;
    let secret = make(&house, &key, "secret").await;
    let own = make(&house, &stranger, "own").await;
    loop {
        let told = stream.next().await;
        assert!(!told.data.contains(&secret), "{told:?}");
        if told.data.contains(&own) {
            break;
        }
    }
    drop(stream);
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn streams_end_when_the_server_stops(database: PgPool) {
    let house = House::new(&database).await;
    let key = house.key(Role::Member).await;
    let stream = Stream::open(&house, &key, None).await;
    house.stop.send_replace(true);
    tokio::time::timeout(PATIENCE, stream.body.collect())
        .await
        .expect("the end")
        .unwrap();
    house.close().await;
}
