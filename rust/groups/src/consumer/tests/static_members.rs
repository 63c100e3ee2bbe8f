//! Static members: restarts that nobody else notices.

use super::*;

fn joins_as(id: &str, instance: &str) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        instance_id: Some(instance.to_owned()),
        ..joins(id, &["t"])
    }
}

fn beats_as(id: &str, instance: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        instance_id: Some(instance.to_owned()),
        ..beats(id, epoch)
    }
}

#[test]
fn a_restarted_member_gets_its_share_back_and_nobody_else_notices() {
    let mut scene = Scene::new(&[("t", 2)]);
    scene.send(joins_as("a", "one")).unwrap();
    scene.join("b", &["t"]);
    scene.beat("a", 2).unwrap();
    scene.beat_owning("a", 2, &[("t", 0)]).unwrap();
    scene.beat("b", 3).unwrap();
    let away = scene.send(beats_as("a", "one", -2)).unwrap();
    assert_eq!(away.member_epoch, -2);
    // Its share stays its own meanwhile.
    assert_eq!(scene.beat("b", 3), Ok((3, None)));
    scene.restart();
    let back = scene.send(joins_as("c", "one")).unwrap();
    assert_eq!(
        (back.member_epoch, scene.told(&back)),
        (3, Some(all("t", 0..1)))
    );
    assert_eq!(scene.beat("b", 3), Ok((3, None)));
    assert_eq!(
        scene.send(beats_as("a", "one", 3)),
        Err(ErrorCode::FencedInstanceId)
    );
    scene.restart();
    assert_eq!(scene.beat("c", 3), Ok((3, None)));
}

#[test]
fn a_name_is_taken_until_its_member_has_left() {
    let mut scene = Scene::new(&[("t", 2)]);
    scene.send(joins_as("a", "one")).unwrap();
    assert_eq!(
        scene.send(joins_as("b", "one")),
        Err(ErrorCode::UnreleasedInstanceId)
    );
    // The same member may begin anew.
    assert!(scene.send(joins_as("a", "one")).is_ok());
    scene.send(beats_as("a", "one", -1)).unwrap();
    assert!(scene.send(joins_as("b", "one")).is_ok());
    assert_eq!(
        scene.send(beats_as("x", "two", 2)),
        Err(ErrorCode::UnknownMemberId)
    );
}

#[test]
fn who_is_away_too_long_is_removed() {
    let mut scene = Scene::new(&[("t", 2)]);
    scene.send(joins_as("a", "one")).unwrap();
    scene.send(beats_as("a", "one", -2)).unwrap();
    scene.pass(SESSION);
    assert_eq!(scene.state(), "Empty");
    assert_eq!(
        scene.send(beats_as("a", "one", -1)),
        Err(ErrorCode::UnknownMemberId)
    );
}

#[test]
fn a_member_that_takes_over_a_name_leaves_nothing_of_its_own_behind() {
    let mut scene = Scene::new(&[("t", 2)]);
    scene.send(joins_as("a", "one")).unwrap();
    scene.join("b", &["t"]);
    scene.beat("a", 2).unwrap();
    scene.beat_owning("a", 2, &[("t", 0)]).unwrap();
    scene.beat("b", 3).unwrap();
    scene.send(beats_as("a", "one", -2)).unwrap();
    let answer = scene.send(joins_as("b", "one")).unwrap();
    assert_eq!(scene.told(&answer), Some(all("t", 0..2)));
    scene.restart();
    assert_eq!(scene.state(), "Stable");
}
