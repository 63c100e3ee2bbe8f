//! Who reads a topic that was deleted and created anew must not begin where somebody stood in the earlier one: that would pass
//! over messages without a word. So offsets know the id of their topic, also if they could not be deleted with it.

mod support;

use kafkalite_broker::Broker;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::incremental_alter_configs::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResource, IncrementalAlterableConfig,
};
use kafkalite_wire::api::offset_fetch::{OffsetFetchGroup, OffsetFetchRequest};
use support::groups::committing;
use support::{Client, config, start};

const SET: i8 = 0;
const DELETE: i8 = 1;

/// Has every append to `__consumer_offsets` fail, or none.
async fn refuse_records(client: &mut Client, refuse: bool) {
    let request = IncrementalAlterConfigsRequest {
        resources: vec![IncrementalAlterConfigsResource {
            resource_type: 2,
            resource_name: "__consumer_offsets".to_owned(),
            configs: vec![IncrementalAlterableConfig {
                name: "max.message.bytes".to_owned(),
                config_operation: if refuse { SET } else { DELETE },
                value: refuse.then(|| "1".to_owned()),
            }],
        }],
        validate_only: false,
    };
    let answer = client.ask(1, &request).await.responses.remove(0);
    assert_eq!(answer.error_code, ErrorCode::None, "{answer:?}");
}

async fn all_of(client: &mut Client, group: &str) -> Vec<String> {
    let request = OffsetFetchRequest {
        groups: vec![OffsetFetchGroup {
            group_id: group.to_owned(),
            topics: None,
            ..Default::default()
        }],
        ..Default::default()
    };
    let topics = client.ask(9, &request).await.groups.remove(0).topics;
    topics.into_iter().map(|topic| topic.name).collect()
}

#[tokio::test]
async fn also_if_they_could_not_be_deleted_with_it() {
    let settings = [("offsets.retention.check.interval.ms", "20")];
    let broker = start(&settings).await;
    let mut client = broker.connect().await;
    for name in ["t", "u"] {
        client.create(name, 1, &[]).await;
        let committed = client.commit(committing("g", name, 0, 7, "")).await;
        assert_eq!(committed, ErrorCode::None);
    }
    refuse_records(&mut client, true).await;
    let refused = client.commit(committing("g", "t", 0, 8, "")).await;
    assert_ne!(refused, ErrorCode::None);
    assert_eq!(client.committed("g", "t", 0).await.committed_offset, 7);

    client.delete("t").await;
    client.create("t", 1, &[]).await;
    assert_eq!(client.committed("g", "t", 0).await.committed_offset, -1);
    assert_eq!(all_of(&mut client, "g").await, ["u"]);

    broker.broker.stop().await.unwrap();
    let again = Broker::start(config(broker.dir.path(), &settings)).await;
    let again = again.unwrap();
    let mut client = Client::connect(&again).await;
    assert_eq!(client.committed("g", "t", 0).await.committed_offset, -1);
    assert_eq!(all_of(&mut client, "g").await, ["u"]);

    refuse_records(&mut client, false).await;
    let committed = client.commit(committing("g", "t", 0, 1, "")).await;
    assert_eq!(committed, ErrorCode::None);
    assert_eq!(client.committed("g", "t", 0).await.committed_offset, 1);
    assert_eq!(client.committed("g", "u", 0).await.committed_offset, 7);
    again.stop().await.unwrap();
}
