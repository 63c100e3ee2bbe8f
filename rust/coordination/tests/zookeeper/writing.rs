//! What is written, once and by nobody else meanwhile.

use kafkalite_coordination::registries::{Garbage, OffsetZnode, Znode, paths};
use kafkalite_coordination::session::{MultiWrite, ZooKeeperError};

use super::network::Network;
use super::server::{LONG, Place, Server, ensemble};

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_created_with_its_parents_and_read_back() {
    let Some(place) = Place::new() else { return };
    let session = place.session().await;
    session
        .create("/consumers/g/offsets/t/0", b"17")
        .await
        .unwrap();
    let node = session
        .get("/consumers/g/offsets/t/0")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (node.value(), node.version, node.owner),
        (Ok(OffsetZnode(17)), 0, None)
    );
    let exists = session.create("/consumers/g/offsets/t/0", b"18").await;
    assert!(
        matches!(exists, Err(ZooKeeperError::NodeExists { .. })),
        "{exists:?}"
    );
    assert_eq!(session.get("/consumers/g/offsets/t/1").await.unwrap(), None);
    assert_eq!(session.children("/consumers/x").await.unwrap(), None);
    session.ensure("/consumers/g").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_nodes_are_read_at_once_and_each_is_the_right_one() {
    let Some(place) = Place::new() else { return };
    let session = place.session().await;
    for number in (0..200).step_by(2) {
        session
            .create(&format!("/{number}"), number.to_string().as_bytes())
            .await
            .unwrap();
    }
    let mut paths: Vec<_> = (0..200).map(|number| format!("/{number}")).collect();
    let found = session.get_all(&paths).await.unwrap();
    assert_eq!(found.len(), 200);
    for (number, node) in found.into_iter().enumerate() {
        let data = node.map(|node| String::from_utf8(node.data).unwrap());
        assert_eq!(data, (number % 2 == 0).then(|| number.to_string()));
    }
    paths[150] = "/a//b".to_owned();
    let refused = session.get_all(&paths).await;
    assert!(
        matches!(&refused, Err(ZooKeeperError::Refused { path, .. }) if path == "/a//b"),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_by_version_does_not_undo_anothers() {
    let Some(place) = Place::new() else { return };
    let (one, two) = (place.session().await, place.session().await);
    one.create("/offset", b"1").await.unwrap();
    assert_eq!(two.set("/offset", b"5", 0).await.unwrap(), 1);
    let error = one.set("/offset", b"2", 0).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "ZooKeeper's node /offset is no longer at version 0: somebody has changed it"
    );
    assert_eq!(one.get("/offset").await.unwrap().unwrap().data, b"5");
    assert!(matches!(
        one.delete("/offset", Some(0)).await,
        Err(ZooKeeperError::BadVersion { .. })
    ));
    one.delete("/offset", Some(1)).await.unwrap();
    let gone = one.set("/offset", b"2", 1).await;
    assert!(
        matches!(gone, Err(ZooKeeperError::NoNode { .. })),
        "{gone:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn several_writes_are_all_done_or_none() {
    let Some(place) = Place::new() else { return };
    let session = place.session().await;
    session.create("/epoch", b"1").await.unwrap();
    let writes = |epoch| {
        MultiWrite::new()
            .check("/epoch", epoch)
            .create("/a", b"a".to_vec())
            .register("/b", b"b".to_vec())
            .set("/epoch", b"2".to_vec(), epoch)
    };
    let stale = session.commit(&writes(7)).await;
    assert_eq!(
        stale,
        Err(ZooKeeperError::BadVersion {
            path: "/epoch".into(),
            version: 7
        })
    );
    assert_eq!(session.get("/a").await.unwrap(), None);
    session.commit(&writes(0)).await.unwrap();
    assert_eq!(
        session.get("/b").await.unwrap().unwrap().owner,
        Some(session.id())
    );
    let twice = session.commit(&writes(1)).await;
    assert_eq!(twice, Err(ZooKeeperError::NodeExists { path: "/a".into() }));
    assert_eq!(session.get("/epoch").await.unwrap().unwrap().version, 1);
    session
        .commit(&MultiWrite::new().delete("/a", 0).delete("/missing", 0))
        .await
        .unwrap_err();
    assert!(session.get("/a").await.unwrap().is_some());
    session.commit(&MultiWrite::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_and_the_session_goes_on() {
    let Some(place) = Place::new() else { return };
    let session = place.session().await;
    session.register("/mine", b"").await.unwrap();
    let large = vec![b'x'; 1_048_575];
    for error in [
        session.create("/large", &large).await.unwrap_err(),
        session.set("/mine", &large, 0).await.unwrap_err(),
        session
            .commit(
                &MultiWrite::new()
                    .create("/one", large[..600_000].to_vec())
                    .create("/two", large[..600_000].to_vec()),
            )
            .await
            .unwrap_err(),
    ] {
        assert!(matches!(error, ZooKeeperError::TooLarge { .. }), "{error}");
    }
    session.create("/large", &large[..1_048_300]).await.unwrap();
    assert!(session.get("/mine").await.unwrap().is_some());
    assert!(session.lease().holds());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_cannot_be_is_refused() {
    let Some(place) = Place::new() else { return };
    let session = place.session().await;
    for path in ["", "x", "/a//b", "/a/", "/a/../b", "/\u{1}"] {
        let error = session.create(path, b"").await.unwrap_err();
        assert!(
            matches!(error, ZooKeeperError::Refused { .. }),
            "{path:?}: {error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbered_nodes_come_in_order() {
    let Some(place) = Place::new() else { return };
    let session = place.session().await;
    for topic in ["a", "b"] {
        session
            .create_numbered(paths::SETTINGS_CHANGE, topic.as_bytes())
            .await
            .unwrap();
    }
    let names = session
        .children(paths::SETTINGS_CHANGES)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        names,
        ["config_change_0000000000", "config_change_0000000001"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_read_as_an_error_that_names_the_node() {
    let Some(place) = Place::new() else { return };
    let session = place.session().await;
    session.create("/offset", b"abc").await.unwrap();
    let node = session.get("/offset").await.unwrap().unwrap();
    let garbage: Garbage = node.value::<OffsetZnode>().unwrap_err();
    assert_eq!(
        (&*garbage.path, garbage.expected),
        ("/offset", OffsetZnode::EXPECTED)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_are_done_once_through_a_connection_that_breaks_again_and_again() {
    let Some(server) = Server::start() else {
        return;
    };
    let network = Network::before(server.address()).await;
    let session = ensemble(network.address(), LONG).connect().await.unwrap();
    session.create("/offset", b"0").await.unwrap();
    let breaks = async {
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
            network.hiccup();
        }
    };
    let writes = async {
        for version in 0..30 {
            let data = (version + 1).to_string();
            assert_eq!(
                session.set("/offset", data.as_bytes(), version).await,
                Ok(version + 1)
            );
            let path = format!("/owners/{version}");
            session.register(&path, data.as_bytes()).await.unwrap();
            session.delete(&path, None).await.unwrap();
        }
    };
    tokio::select! {
        () = breaks => {}
        () = writes => {}
    }
    let node = session.get("/offset").await.unwrap().unwrap();
    assert_eq!((&*node.data, node.version), (&b"30"[..], 30));
    assert_eq!(session.children("/owners").await.unwrap(), Some(vec![]));
}
