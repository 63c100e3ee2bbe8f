//! One controller after another.

use std::time::Duration;

use kafkalite_coordination::election::{
    Candidate, ControllerTerm, ControllerWriteError, Leadership,
};
use kafkalite_coordination::registries::{
    ControllerEpochZnode, ControllerZnode, PartitionStateZnode, Znode, paths,
};
use kafkalite_coordination::session::{MultiWrite, ZooKeeperError, ZooKeeperSession};
use tokio::time::{sleep, timeout};

use super::network::Network;
use super::server::{LONG, Place, SHORT, Server, ensemble};

async fn next(candidate: &mut Candidate) -> Leadership {
    timeout(LONG, candidate.next())
        .await
        .expect("a controller")
        .unwrap()
}

/// The term that a candidate is told to have.
async fn won(candidate: &mut Candidate) -> ControllerTerm {
    loop {
        if let Leadership::Ours(term) = next(candidate).await {
            return term;
        }
    }
}

async fn epoch(session: &ZooKeeperSession) -> i32 {
    let node = session.get(paths::CONTROLLER_EPOCH).await.unwrap().unwrap();
    node.value::<ControllerEpochZnode>().unwrap().0
}

fn state(term: ControllerTerm) -> MultiWrite {
    let state = PartitionStateZnode {
        leader: Some(1),
        leader_epoch: 0,
        in_sync: vec![1],
        controller_epoch: term.epoch(),
    };
    MultiWrite::new().create("/state", state.write())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_is_the_controller_and_the_others_are_told_who_it_is() {
    let Some(place) = Place::new() else { return };
    let (one, two) = (place.session().await, place.session().await);
    let (mut first, mut second) = (
        Candidate::new(one.clone(), 1),
        Candidate::new(two.clone(), 2),
    );
    let term = won(&mut first).await;
    assert_eq!((term.epoch(), epoch(&one).await), (1, 1));
    assert_eq!(next(&mut second).await, Leadership::Broker(1));
    let node = two.get(paths::CONTROLLER).await.unwrap().unwrap();
    assert_eq!(
        (
            node.value::<ControllerZnode>().unwrap().broker_id,
            node.owner
        ),
        (1, Some(one.id()))
    );
    term.commit(&one, state(term)).await.unwrap();

    one.close().await;
    let later = won(&mut second).await;
    assert_eq!((later.epoch(), epoch(&two).await), (2, 2));
    let over = first.next().await;
    assert!(
        matches!(over, Err(ZooKeeperError::SessionEnded { .. })),
        "{over:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_controller_writes_nothing() {
    let Some(server) = Server::start() else {
        return;
    };
    let network = Network::before(server.address()).await;
    let behind = ensemble(network.address(), SHORT);
    let session = behind.connect().await.unwrap();
    let stale = won(&mut Candidate::new(session.clone(), 1)).await;
    let other = server.ensemble(LONG).connect().await.unwrap();
    let mut second = Candidate::new(other.clone(), 2);
    assert_eq!(next(&mut second).await, Leadership::Broker(1));
    network.cut();
    let term = won(&mut second).await;
    network.mend();
    // It has a new session, and believes in the term of its earlier one.
    session.ended().await;
    let session = behind.connect().await.unwrap();
    let refused = stale.commit(&session, state(stale)).await;
    assert_eq!(refused, Err(ControllerWriteError::Deposed { epoch: 1 }));
    assert_eq!(session.get("/state").await.unwrap(), None);
    assert_eq!(
        next(&mut Candidate::new(session, 1)).await,
        Leadership::Broker(2)
    );
    term.commit(&other, state(term)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_clears_the_place_has_another_elected() {
    let Some(place) = Place::new() else { return };
    let session = place.session().await;
    let mut candidate = Candidate::new(session.clone(), 1);
    let before = won(&mut candidate).await;
    session.delete(paths::CONTROLLER, None).await.unwrap();
    let after = won(&mut candidate).await;
    assert_eq!((before.epoch(), after.epoch()), (1, 2));
    let refused = before.commit(&session, state(before)).await;
    assert_eq!(refused, Err(ControllerWriteError::Deposed { epoch: 1 }));
    after.commit(&session, state(after)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_is_made_anew_has_a_term_of_its_own() {
    let Some(place) = Place::new() else { return };
    let session = place.session().await;
    let before = won(&mut Candidate::new(session.clone(), 1)).await;
    let after = won(&mut Candidate::new(session.clone(), 1)).await;
    assert_eq!((before.epoch(), after.epoch()), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_in_the_place_is_told_and_waited_out() {
    let Some(place) = Place::new() else { return };
    let session = place.session().await;
    session.create(paths::CONTROLLER, b"me").await.unwrap();
    let mut candidate = Candidate::new(session.clone(), 1);
    let found = next(&mut candidate).await;
    assert!(
        matches!(&found, Leadership::Unknown(garbage) if garbage.path == paths::CONTROLLER),
        "{found:?}"
    );
    session.delete(paths::CONTROLLER, None).await.unwrap();
    assert_eq!(won(&mut candidate).await.epoch(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn elections_are_right_through_connections_that_break() {
    let Some(server) = Server::start() else {
        return;
    };
    let network = Network::before(server.address()).await;
    let observer = server.ensemble(LONG).connect().await.unwrap();
    let candidates = async {
        let mut last = 0;
        for round in 0..20 {
            let session = ensemble(network.address(), LONG).connect().await.unwrap();
            let mut candidate = Candidate::new(session.clone(), round);
            let term = won(&mut candidate).await;
            assert!(term.epoch() > last, "{} after {last}", term.epoch());
            last = term.epoch();
            assert_eq!(epoch(&observer).await, last);
            observer.delete(paths::CONTROLLER, None).await.unwrap();
            session.close().await;
        }
    };
    let breaks = async {
        loop {
            sleep(Duration::from_millis(15)).await;
            network.hiccup();
        }
    };
    tokio::select! {
        () = candidates => {}
        () = breaks => {}
    }
}
