//! Sessions that end, and what they leave behind.

use kafkalite_coordination::session::{Ensemble, SessionState, ZooKeeperError, ZooKeeperSession};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::network::Network;
use super::server::{LONG, SHORT, Server, ensemble};

async fn until(session: &ZooKeeperSession, state: SessionState) {
    let mut states = session.states();
    let reached = states.wait_for(|now| *now == state);
    timeout(LONG, reached)
        .await
        .expect("a state that comes")
        .unwrap();
}

async fn after(ensemble: &Ensemble, session: &ZooKeeperSession) -> ZooKeeperSession {
    timeout(LONG, session.ended())
        .await
        .expect("a session that ends");
    ensemble.connect().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_nobody_hears_of_ends_and_a_new_one_registers_anew() {
    let Some(server) = Server::start() else {
        return;
    };
    let network = Network::before(server.address()).await;
    let ensemble = ensemble(network.address(), SHORT);
    let session = ensemble.connect().await.unwrap();
    let lease = session.lease();
    session.register("/ids/a", b"old").await.unwrap();
    assert!(lease.holds());
    network.cut();
    until(&session, SessionState::Disconnected).await;
    until(&session, SessionState::Ended).await;
    assert!(!lease.holds());
    network.mend();
    let over = session.get("/ids/a").await;
    assert!(
        matches!(over, Err(ZooKeeperError::SessionEnded { .. })),
        "{over:?}"
    );

    let again = after(&ensemble, &session).await;
    assert!(again.is_earlier(session.id()) && again.id() != session.id());
    again.register("/ids/a", b"new").await.unwrap();
    let node = again.get("/ids/a").await.unwrap().unwrap();
    assert_eq!((&*node.data, node.owner), (&b"new"[..], Some(again.id())));
    assert!(again.lease().holds() && !lease.holds());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lease_is_over_before_the_server_gives_away_what_was_ours() {
    let Some(server) = Server::start() else {
        return;
    };
    let network = Network::before(server.address()).await;
    let session = ensemble(network.address(), SHORT).connect().await.unwrap();
    let other = server.ensemble(LONG).connect().await.unwrap();
    session.register("/owner", b"").await.unwrap();
    let mut owner = other.watch_node("/owner");
    network.cut();
    while owner.next().await.unwrap().is_some() {}
    assert!(!session.lease().holds());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lease_ends_with_the_time_out_though_nothing_is_known_of_the_server() {
    let Some(server) = Server::start() else {
        return;
    };
    let session = server.ensemble(SHORT).connect().await.unwrap();
    let lease = session.lease();
    server.signal("-STOP");
    tokio::time::sleep(SHORT).await;
    let held = lease.holds();
    server.signal("-CONT");
    assert!(!held);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_within_the_time_out_ends_nothing() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let session = server.ensemble(LONG).connect().await.unwrap();
    session.register("/ids/a", b"").await.unwrap();
    let mut watch = session.watch_children("/ids");
    watch.next().await.unwrap();
    server.stop();
    until(&session, SessionState::Disconnected).await;
    server.start_again();
    until(&session, SessionState::Connected).await;
    session.register("/ids/a", b"").await.unwrap();
    session.register("/ids/b", b"").await.unwrap();
    assert_eq!(watch.next().await.unwrap().unwrap(), ["a", "b"]);
    assert!(session.lease().holds());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_session_still_holds_is_waited_for() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let ensemble = server.ensemble(SHORT);
    let session = ensemble.connect().await.unwrap();
    session.register("/ids/a", b"old").await.unwrap();
    server.stop();
    timeout(LONG, session.ended())
        .await
        .expect("a session that ends without a server");
    server.start_again();
    let again = ensemble.connect().await.unwrap();
    // A server that comes back gives every session its whole time-out again.
    let left = again
        .get("/ids/a")
        .await
        .unwrap()
        .expect("what the earlier session holds");
    assert_eq!(left.owner, Some(session.id()));
    again.register("/ids/a", b"new").await.unwrap();
    assert_eq!(again.get("/ids/a").await.unwrap().unwrap().data, b"new");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_holds_is_not_waited_for() {
    let Some(server) = Server::start() else {
        return;
    };
    let (one, two) = (server.ensemble(LONG), server.ensemble(LONG));
    let (one, two) = (one.connect().await.unwrap(), two.connect().await.unwrap());
    one.register("/owner", b"one").await.unwrap();
    let exists = two.register("/owner", b"two").await;
    assert_eq!(
        exists,
        Err(ZooKeeperError::NodeExists {
            path: "/owner".into()
        })
    );
    one.close().await;
    two.register("/owner", b"two").await.unwrap();
    one.close().await;
    assert!(!one.lease().holds() && two.lease().holds());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_killed_is_waited_for_as_long_as_one_likes() {
    let Some(server) = Server::start() else {
        return;
    };
    let network = Network::before(server.address()).await;
    let killed = ensemble(network.address(), SHORT).connect().await.unwrap();
    killed.register("/brokers/ids/1", b"old").await.unwrap();
    let again = server.ensemble(LONG).connect().await.unwrap();
    let exists = again
        .register_within("/brokers/ids/1", b"new", SHORT / 10)
        .await;
    assert!(
        matches!(exists, Err(ZooKeeperError::NodeExists { .. })),
        "{exists:?}"
    );
    network.cut();
    again
        .register_within("/brokers/ids/1", b"new", LONG)
        .await
        .unwrap();
    assert_eq!(
        again.get("/brokers/ids/1").await.unwrap().unwrap().data,
        b"new"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_back_empty_ends_the_session() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let ensemble = server.ensemble(SHORT);
    let session = ensemble.connect().await.unwrap();
    session.register("/ids/a", b"").await.unwrap();
    server.stop();
    server.forget();
    server.start_again();
    let again = after(&ensemble, &session).await;
    assert_eq!(again.get("/ids/a").await.unwrap(), None);
    again.register("/ids/a", b"").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_its_last_handle() {
    let Some(server) = Server::start() else {
        return;
    };
    let other = server.ensemble(LONG).connect().await.unwrap();
    let session = server.ensemble(LONG).connect().await.unwrap();
    session.register("/ids/a", b"").await.unwrap();
    let mut watch = other.watch_children("/ids");
    watch.next().await.unwrap();
    drop(session.clone());
    drop(session);
    let seen = timeout(LONG / 2, watch.next())
        .await
        .expect("sooner than it would expire");
    assert_eq!(seen.unwrap(), Some(vec![]));
}

const PING: &[u8] = &11_i32.to_be_bytes();
const GET_DATA: &[u8] = &4_i32.to_be_bytes();

/// Begins sessions of 400 ms, keeps them alive and answers what is in a node, but nothing else.
async fn answer_little(mut stream: TcpStream) -> std::io::Result<()> {
    let mut begun = false;
    loop {
        let length = stream.read_i32().await?;
        let mut request = vec![0; length as usize];
        stream.read_exact(&mut request).await?;
        if !begun {
            begun = true;
            // Protocol, time-out, session, password, and that it may write.
            let answer = [
                &[0; 4][..],
                &400_i32.to_be_bytes(),
                &7_i64.to_be_bytes(),
                &16_i32.to_be_bytes(),
                &[0; 17],
            ]
            .concat();
            stream.write_i32(answer.len() as i32).await?;
            stream.write_all(&answer).await?;
            continue;
        }
        let (xid, operation) = (&request[..4], &request[4..8]);
        // Transaction, error; for a node's data also their length, and what is known of it.
        let rest = match operation {
            PING => 12,
            GET_DATA => 12 + 4 + 68,
            _ => continue,
        };
        stream.write_i32(4 + rest).await?;
        stream
            .write_all(&[xid, &vec![0; rest as usize]].concat())
            .await?;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_leaves_questions_without_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer_little(stream));
        }
    });
    let session = ensemble(&address, SHORT).connect().await.unwrap();
    let mut watch = session.watch_node("/ids/a");
    assert!(watch.next().await.unwrap().is_some());
    let unanswered = session.children("/ids").await;
    assert!(unanswered.is_err(), "{unanswered:?}");
    let over = timeout(LONG, watch.next()).await.expect("a wait that ends");
    assert!(
        matches!(over, Err(ZooKeeperError::SessionEnded { .. })),
        "{over:?}"
    );
}
