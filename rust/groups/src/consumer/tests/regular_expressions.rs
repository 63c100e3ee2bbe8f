//! What members subscribe to by regular expressions.

use super::*;

fn matching(id: &str, regex: &str) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        subscribed_topic_names: None,
        subscribed_topic_regex: Some(regex.to_owned()),
        ..joins(id, &[])
    }
}

#[test]
fn what_is_no_regular_expression_is_refused_before_its_group_is_looked_at() {
    for regex in ["(", "a)|(?:b"] {
        let refused = Pattern::compile(regex).unwrap_err();
        assert_eq!(refused.code, ErrorCode::InvalidRegularExpression, "{regex}");
    }
}

#[test]
fn a_regular_expression_without_a_record_is_looked_up_all_the_same() {
    let mut scene = Scene::new(&[("orders", 1)]);
    scene.send(matching("a", "order.*")).unwrap();
    // Kafka stores what it stands for some time after the member.
    let regex = ConsumerKey::Regex("order.*".to_owned())
        .entry("g", None)
        .unwrap();
    assert!(scene.log.remove(&regex.key).is_some());
    scene.restart();
    scene.compile();
    assert!(scene.group.all_wanted().contains("orders"));
}

#[test]
fn a_regular_expression_may_stand_for_more_topics_than_a_record_has_room_for() {
    let mut scene = Scene::new(&[]);
    let names: Vec<String> = ('a'..='z')
        .map(|letter| letter.to_string().repeat(30_000))
        .collect();
    for name in &names {
        scene.set_topic(name, 1);
    }
    scene.send(matching("m", ".*")).unwrap();
    let mut values = scene.log.values().flatten();
    assert!(values.all(|value| value.len() < 600_000));
    scene.restart();
    scene.compile();
    assert!(
        names
            .iter()
            .all(|name| scene.group.all_wanted().contains(name.as_str()))
    );
}

#[test]
fn a_regular_expression_stands_for_topics_that_match_as_a_whole() {
    let mut scene = Scene::new(&[("order", 1), ("orders", 1), ("payments", 1)]);
    let answer = scene.send(matching("a", "order.?|x")).unwrap();
    let both = [all("order", 0..1), all("orders", 0..1)].concat();
    assert_eq!(scene.told(&answer), Some(both));
    assert!(
        scene.group.all_wanted().contains("orders")
            && !scene.group.all_wanted().contains("payments")
    );
    scene.set_topic("x", 1);
    assert_eq!(scene.beat("a", 2).unwrap().1.unwrap().len(), 3);
    scene.set_topic("xx", 1);
    assert_eq!(scene.beat("a", 3), Ok((3, None)));
    let invalid = scene.send(matching("b", "("));
    assert_eq!(invalid, Err(ErrorCode::InvalidRegularExpression));
    scene.restart();
}

#[test]
fn after_a_restart_regular_expressions_stand_for_what_is_stored_until_they_are_compiled() {
    let mut scene = Scene::new(&[("orders", 1)]);
    scene.send(matching("a", "order.*")).unwrap();
    scene.send(matching("b", "pay.*")).unwrap();
    assert!(scene.uncompiled().is_empty());
    scene.restart();
    scene.set_topic("orders-2", 1);
    assert!(scene.group.consumes("orders") && !scene.group.consumes("orders-2"));
    let epoch = scene.beat("a", 2).unwrap().0;
    assert_eq!(scene.compile(), ["order.*", "pay.*"]);
    assert!(scene.group.consumes("orders-2"));
    assert_eq!(scene.beat("b", 3).unwrap().0, epoch + 1);
    // What is compiled stays so, whatever topics come.
    scene.set_topic("payments", 1);
    assert!(scene.group.consumes("payments"));
    assert!(scene.uncompiled().is_empty());
}

#[test]
fn what_is_stored_and_no_regular_expression_here_stands_for_no_topics() {
    let mut scene = Scene::new(&[("orders", 1)]);
    scene.send(matching("a", "order.*")).unwrap();
    scene.restart();
    let nothing = Pattern::NOTHING.among(&scene.topics.names());
    scene.group.set_matched("order.*", nothing);
    scene.compile();
    assert!(!scene.group.consumes("orders"));
    assert!(scene.group.matched("order.*").is_none());
    assert!(scene.uncompiled().is_empty());
    scene.beat("a", 2).unwrap();
}

#[test]
fn members_use_32_regular_expressions_of_4_kib_at_the_most() {
    let mut scene = Scene::new(&[("t", 1)]);
    let number = |number: usize| format!("t{number}");
    for member in 0..32 {
        scene
            .send(matching(&number(member), &number(member)))
            .unwrap();
    }
    let mut send = |id: &str, regex: &str| scene.send(matching(id, regex)).map(|_| ());
    let refused = Err(ErrorCode::InvalidRegularExpression);
    assert_eq!(send("other", "t32"), refused);
    // One that others use, and another one in the place of its own.
    assert_eq!(send("other", "t31"), Ok(()));
    assert_eq!(send("t0", "t32"), Ok(()));
    assert_eq!(send("t31", "t0"), refused);
    assert_eq!(send("other", ""), Ok(()));
    assert_eq!(send("t31", "t0"), Ok(()));
    assert_eq!(send("t31", &"t".repeat(4097)), refused);
    assert_eq!(send("t31", &"t".repeat(4096)), Ok(()));
}
