//! Quotas of clients: altered, described, and there again after a restart.

mod support;

use kafkalite_broker::Broker;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::alter_client_quotas::{
    AlterClientQuotasRequest, AlterableQuotas, QuotaChange,
};
use kafkalite_wire::api::client_quota::QuotaEntityPart;
use kafkalite_wire::api::describe_client_quotas::{DescribeClientQuotasRequest, QuotaFilter};
use support::{Client, config, start};

type Part<'a> = (&'a str, Option<&'a str>);

const ALICE: Part = ("user", Some("alice"));
const ANY_USER: Part = ("user", None);
const APP: Part = ("client-id", Some("app"));

fn entry(entity: &[Part], changes: &[(&str, Option<f64>)]) -> AlterableQuotas {
    AlterableQuotas {
        entity: entity
            .iter()
            .map(|&(kind, name)| QuotaEntityPart {
                entity_type: kind.to_owned(),
                entity_name: name.map(str::to_owned),
            })
            .collect(),
        ops: changes
            .iter()
            .map(|&(key, value)| QuotaChange {
                key: key.to_owned(),
                value: value.unwrap_or_default(),
                remove: value.is_none(),
            })
            .collect(),
    }
}

async fn alter(client: &mut Client, entries: Vec<AlterableQuotas>) -> Vec<ErrorCode> {
    let request = AlterClientQuotasRequest {
        entries,
        validate_only: false,
    };
    let answer = client.ask(1, &request).await.entries;
    answer.iter().map(|entry| entry.error_code).collect()
}

/// Entities as `type=name` with the number of their limits.
async fn described(
    client: &mut Client,
    filters: &[(&str, i8, Option<&str>)],
    strict: bool,
) -> Vec<(String, usize)> {
    let request = DescribeClientQuotasRequest {
        components: filters
            .iter()
            .map(|&(kind, match_type, name)| QuotaFilter {
                entity_type: kind.to_owned(),
                match_type,
                match_name: name.map(str::to_owned),
            })
            .collect(),
        strict,
    };
    let answer = client.ask(1, &request).await;
    assert_eq!(answer.error_code, ErrorCode::None);
    let part = |part: &QuotaEntityPart| {
        let name = part.entity_name.as_deref().unwrap_or("*");
        format!("{}={name}", part.entity_type)
    };
    answer
        .entries
        .expect("no error, so there are entries")
        .iter()
        .map(|entry| {
            let parts: Vec<_> = entry.entity.iter().map(part).collect();
            (parts.join(","), entry.values.len())
        })
        .collect()
}

async fn filled(client: &mut Client) {
    let outcomes = alter(
        client,
        vec![
            entry(
                &[ALICE],
                &[
                    ("producer_byte_rate", Some(1024.0)),
                    ("request_percentage", Some(0.5)),
                ],
            ),
            entry(&[APP, ALICE], &[("consumer_byte_rate", Some(2048.0))]),
            entry(&[ANY_USER], &[("producer_byte_rate", Some(1.0))]),
            entry(
                &[("ip", Some("127.0.0.1"))],
                &[("connection_creation_rate", Some(9.0))],
            ),
        ],
    )
    .await;
    assert_eq!(outcomes, [ErrorCode::None; 4]);
}

fn told(expected: &[(&str, usize)]) -> Vec<(String, usize)> {
    expected
        .iter()
        .map(|&(entity, count)| (entity.to_owned(), count))
        .collect()
}

#[tokio::test]
async fn conditions_choose_among_them() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    filled(&mut client).await;
    let (this, default, any) = (0, 1, 2);
    let both = ("client-id=app,user=alice", 1);
    let (alice, everybody) = (("user=alice", 2), ("user=*", 1));
    let address = ("ip=127.0.0.1", 1);
    for (filters, strict, expected) in [
        (&[][..], false, &[both, address, everybody, alice][..]),
        (&[("user", this, Some("alice"))], false, &[both, alice]),
        (&[("user", this, Some("alice"))], true, &[alice]),
        (&[("user", default, None)], false, &[everybody]),
        (&[("user", any, None)], true, &[everybody, alice]),
        (
            &[("user", any, None), ("client-id", any, None)],
            true,
            &[both],
        ),
        (&[("ip", any, None)], true, &[address]),
    ] {
        assert_eq!(
            described(&mut client, filters, strict).await,
            told(expected),
            "{filters:?}"
        );
    }
}

#[tokio::test]
async fn they_are_there_after_a_restart_and_gone_when_taken_away() {
    let broker = start(&[]).await;
    filled(&mut broker.connect().await).await;
    broker.broker.stop().await.unwrap();
    let again = Broker::start(config(broker.dir.path(), &[])).await.unwrap();
    let mut client = Client::connect(&again).await;
    assert_eq!(described(&mut client, &[], false).await.len(), 4);
    let taken = entry(
        &[ALICE],
        &[("producer_byte_rate", None), ("request_percentage", None)],
    );
    assert_eq!(alter(&mut client, vec![taken]).await, [ErrorCode::None]);
    assert_eq!(described(&mut client, &[], false).await.len(), 3);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_itself() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let rate = |value| [("producer_byte_rate", Some(value))];
    for wrong in [
        entry(&[], &rate(1.0)),
        entry(&[("host", Some("h"))], &rate(1.0)),
        entry(&[("user", Some(""))], &rate(1.0)),
        entry(&[ALICE, ("ip", Some("127.0.0.1"))], &rate(1.0)),
        entry(
            &[("ip", Some("not an address"))],
            &[("connection_creation_rate", Some(1.0))],
        ),
        entry(&[ALICE], &rate(0.5)),
        entry(&[ALICE], &rate(f64::NAN)),
        entry(&[ALICE], &[("flux", Some(1.0))]),
        entry(
            &[ALICE],
            &[
                ("request_percentage", Some(1.0)),
                ("request_percentage", None),
            ],
        ),
    ] {
        let right = entry(&[APP], &rate(1.0));
        let mut codes = alter(&mut client, vec![wrong.clone(), right]).await;
        codes.sort_by_key(|code| code.code());
        assert_eq!(
            codes,
            [ErrorCode::None, ErrorCode::InvalidRequest],
            "{wrong:?}"
        );
    }
    let twice = vec![entry(&[ALICE], &rate(1.0)), entry(&[ALICE], &rate(2.0))];
    assert_eq!(alter(&mut client, twice).await, [ErrorCode::InvalidRequest]);
    assert_eq!(
        described(&mut client, &[], false).await,
        told(&[("client-id=app", 1)])
    );
}
